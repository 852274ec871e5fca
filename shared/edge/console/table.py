"""Everything that the console shows and does. A new page is a line in its module.

Somebody who asks for a page loads its module and no other: all of them would be half of a start.
A module stands here by the first word of its paths, and its tab beside it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from shared.edge.api import MAX_BODY_BYTES, parts_of
from shared.edge.console.routes import API, Act, Route
from shared.people.permissions import Action

Routes = tuple[Route, ...]


class Tab(NamedTuple):
    """What the navigation shows of a view, to whoever may do its `action`."""

    tab: str
    path: str
    key: str
    action: Action


TABS = (
    Tab("Overview", "/", "h", Action.SEE_OVERVIEW),
    Tab("Orders", "/orders", "o", Action.SEE_ORDERS),
    Tab("Stock", "/stock", "s", Action.SEE_STOCK),
    Tab("Parcels", "/parcels", "p", Action.SEE_PARCELS),
    Tab("Dead letters", "/letters", "d", Action.SEE_LETTERS),
    Tab("Carriers", "/carriers", "c", Action.SEE_CARRIERS),
    Tab("Webhooks", "/webhooks", "w", Action.SEE_SUBSCRIBERS),
    Tab("Rate cards", "/rates", "r", Action.SEE_RATES),
    Tab("Policies", "/policies", "y", Action.SEE_POLICIES),
    Tab("Reports", "/reports", "n", Action.SEE_REPORTS),
    Tab("Audit trail", "/audit", "a", Action.SEE_AUDIT),
    Tab("People", "/people", "e", Action.SEE_PEOPLE),
)


def _overview() -> Routes:
    from shared.edge.console.pages import overview

    return overview.ROUTES


def _orders() -> Routes:
    from shared.edge.console.pages import orders

    return orders.ROUTES


def _stock() -> Routes:
    from shared.edge.console.pages import stock

    return stock.ROUTES


def _warehouses() -> Routes:
    from shared.edge.console.pages import warehouses

    return warehouses.ROUTES


def _papers() -> Routes:
    from shared.edge.console.pages import papers

    return papers.ROUTES


def _parcels() -> Routes:
    from shared.edge.console.pages import parcels

    return parcels.ROUTES


def _letters() -> Routes:
    from shared.edge.console.pages import letters

    return letters.ROUTES


def _carriers() -> Routes:
    from shared.edge.console.pages import carriers

    return carriers.ROUTES


def _webhooks() -> Routes:
    from shared.edge.console.pages import webhooks

    return webhooks.ROUTES


def _rates() -> Routes:
    from shared.edge.console.pages import rates

    return rates.ROUTES


def _policies() -> Routes:
    from shared.edge.console.pages import policies

    return policies.ROUTES


def _reports() -> Routes:
    from shared.edge.console.pages import reports

    return reports.ROUTES


def _audit() -> Routes:
    from shared.edge.console.pages import audit

    return audit.ROUTES


def _people() -> Routes:
    from shared.edge.console.pages import people

    return people.ROUTES


def _profile() -> Routes:
    from shared.edge.console.pages import profile

    return profile.ROUTES


_BELOW: Mapping[str, tuple[Callable[[], Routes], ...]] = {
    "": (_overview,),
    "overview": (_overview,),  # what machines call it
    "orders": (_orders,),
    "stock": (_stock, _warehouses),
    "parcels": (_papers, _parcels),
    "letters": (_letters,),
    "carriers": (_carriers,),
    "webhooks": (_webhooks,),
    "rates": (_rates,),
    "policies": (_policies,),
    "reports": (_reports,),
    "audit": (_audit,),
    "people": (_people,),
    "me": (_profile,),
}


@cache
def _of(word: str) -> Routes:
    return tuple(route for routes in _BELOW[word] for route in routes())


def routes_at(path: str) -> Routes:
    """Those of which one may be at this path."""
    word = path.removeprefix(API).removeprefix("/").partition("/")[0]
    return _of(word) if word in _BELOW else ()


def all_routes() -> Routes:
    """Every view, act and bulk."""
    modules = dict.fromkeys(module for below in _BELOW.values() for module in below)
    return tuple(route for module in modules for route in module())


def done(path: str, name: str) -> str | None:
    """What the page at this path says once the act of this name is done."""
    acts = (route for route in routes_at(path) if isinstance(route, Act))
    return next((act.done for act in acts if act.name == name), None)


def most_bytes(path: str) -> int:
    """How large a request to this path may be."""
    of_act = path.removeprefix(API)
    acts = (route for route in routes_at(path) if isinstance(route, Act))
    return max(
        (act.most_bytes for act in acts if parts_of(act.path, of_act) is not None),
        default=MAX_BODY_BYTES,
    )
