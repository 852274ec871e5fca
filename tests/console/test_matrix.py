"""Every route, every role, everybody's warehouses: a new route is covered by being in the table."""

import json
from itertools import product
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts.base import Document
from shared.contracts.http_ops import Assignment, SplitWanted
from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_carriers import SellerWanted
from shared.contracts.http_ops_letters import LettersMeant
from shared.contracts.http_ops_orders import LinesWanted, NoteWanted, OrdersMeant
from shared.contracts.http_ops_parcels import ManifestWanted, ServiceChosen, ThresholdsWanted
from shared.contracts.http_ops_people import (
    Invitation,
    KeyWanted,
    PasswordWanted,
    RoleWanted,
    SecondFactorUnwanted,
    SecondFactorWanted,
)
from shared.contracts.http_ops_rules import PolicyProposed, Publication, RatesFile
from shared.contracts.http_ops_stock import (
    AdjustmentSaid,
    AllotmentOver,
    AllotmentSaid,
    AtWarehouse,
    CountSaid,
    HoldOver,
    ReceiptSaid,
    SafetySaid,
    SpreadSaid,
)
from shared.contracts.http_ops_subscribers import (
    SecretWanted,
    SubscriberChange,
    SubscriberWanted,
    WebhooksMeant,
)
from shared.contracts.http_ops_warehouses import TransferArrived, TransferSent, TransferWanted
from shared.edge.console.routes import Act, Bulk, Paper, Route, View
from shared.edge.console.table import all_routes
from shared.people.permissions import ALLOWED, EVERYWHERE, Action
from shared.people.types import Role, Warehouses
from shared.platform.db import Database
from tests.console import stocked
from tests.console.browser import Browser, Machine
from tests.letters.letters import dead, park
from tests.people import given as people
from tests.support import given

pytestmark = pytest.mark.slow

ROUTES = all_routes()
VIEWS = tuple(route for route in ROUTES if isinstance(route, View))
ACTS = tuple(route for route in ROUTES if isinstance(route, Act))
BULKS = tuple(route for route in ROUTES if isinstance(route, Bulk))

# What stands for the parts of paths: something that is in BER. And a good body of each contract.
PARTS = {
    "order_id": "ord_1",
    "carrier": "correios",
    "service": "standard",
    "policy_id": "web-1",
    "sku": "MUG",
    "warehouse": "BER",
    "inbound_id": "trf_1",
    "letter_id": "1",
    "parcel_id": "par_1",
    "user_id": "usr_cy.x.org",
    "key_id": "key_till",
    "manifest_id": "man_1",
    "subscriber": "shop",
    "delivery_id": "whd_1",
}
_ONE = [{"sku": "MUG", "quantity": 1}]
_BER = {"reason": "because", "warehouse": "BER"}
LINE = {"line_no": 1, "sku": "MUG", "quantity": 1, "unit_price_cents": 900}
BODIES: dict[type[Document], dict[str, Any]] = {
    Because: {"reason": "because"},
    SellerWanted: {"reason": "because", "vendor": "shippo", "is_enabled": True},
    ServiceChosen: {"reason": "because", "rate_card_id": "correios-1"},
    ThresholdsWanted: {
        "reason": "because",
        "carrier": "correios",
        "not_handed_over_hours": 48,
        "silent_hours": 72,
        "not_collected_hours": 120,
        "overdue_hours": 0,
        "poll_after_hours": 12,
        "poll_every_hours": 12,
    },
    Invitation: {
        "reason": "because",
        "email": "new@example.org",
        "name": "New",
        "role": "viewer",
        "everywhere": True,
    },
    RoleWanted: {"reason": "because", "role": "viewer", "warehouses": ["BER"]},
    KeyWanted: {
        "reason": "because",
        "name": "robot",
        "actions": ["see_orders"],
        "everywhere": True,
        "days": 9,
    },
    PasswordWanted: {
        "current": "wrong",
        "wanted": "another of my own",
        "again": "another of my own",
    },
    SecondFactorWanted: {"secret": "A" * 32, "code": "000000"},
    SecondFactorUnwanted: {"current": "wrong"},
    LettersMeant: {"reason": "because", "letter_ids": [1]},
    Assignment: {"reason": "because", "warehouses": ["BER"]},
    OrdersMeant: {"reason": "because", "order_ids": ["ord_1"], "as_seen": ["ord_1=placed"]},
    LinesWanted: {"reason": "because", "lines": [LINE]},
    NoteWanted: {"note": "they have called"},
    SplitWanted: {
        "reason": "because",
        "units": [{"warehouse": "BER", "sku": "MUG", "quantity": 2}],
    },
    RatesFile: {"rows": "row,carrier,service\n"},
    PolicyProposed: {"document": {"channel": "web"}},
    Publication: {"reason": "because"},
    AtWarehouse: _BER,
    AdjustmentSaid: {**_BER, "kind": "up", "quantity": 1, "code": "found"},
    CountSaid: {**_BER, "on_hand": 9},
    ReceiptSaid: {**_BER, "quantity": 1},
    SafetySaid: {**_BER, "units": 1},
    SpreadSaid: {**_BER, "into": 2},
    AllotmentSaid: {**_BER, "sale": "black", "units": 1},
    AllotmentOver: {**_BER, "sale": "black"},
    HoldOver: {"reason": "because", "hold_id": "cart_1"},
    TransferWanted: {
        **_BER,
        "origin": "BER",
        "warehouse": "MUC",
        "expected_on": "2026-12-01",
        "lines": _ONE,
    },
    ManifestWanted: {**_BER, "carrier": "correios"},
    TransferSent: {"reason": "because", "lines": _ONE},
    TransferArrived: {"reason": "because", "lines": _ONE},
    SubscriberWanted: {"reason": "because", "name": "new", "url": "https://new.test/"},
    SubscriberChange: {"reason": "because", "url": "https://new.test/"},
    SecretWanted: {"reason": "because"},
    WebhooksMeant: {"reason": "because", "delivery_ids": ["whd_1"]},
}
# What holds for every warehouse: who may see it may see all of it, and who may change it must be
# there for all of them.
# What all these are about is in BER, or between BER and MUC.
OF_A_PLACE = (
    "{order_id}",
    "{letter_id}",
    "{parcel_id}",
    "{warehouse}",
    "{inbound_id}",
    "{manifest_id}",
)
OWNERS: tuple[Warehouses, ...] = (None, frozenset({"BER", "MUC"}), frozenset({"LIS"}))
MARK = "ord_1"  # what nobody of LIS may ever read


@pytest.fixture
def placed(placed: Database) -> Database:
    """With a letter about the order, somebody, a machine, a transfer, and a cart in BER."""
    given.apply(placed, park, dead(code="unknown_sku", order_id="ord_1"))
    people.user(placed, "cy@x.org")
    people.key(placed, Action.SEE_OVERVIEW, name="till")
    stocked.transfer(placed, "trf_1", "BER", "MUC", {"MUG": 1})
    stocked.hold(placed, "cart_1", "BER", {"MUG": 1})
    stocked.manifest(placed, "man_1", "BER")
    stocked.webhook(placed, "shop", "whd_1")
    return placed


def path_of(route: Route) -> str:
    return route.path.format(**PARTS)


def is_of_a_place(route: Route) -> bool:
    """Whether it is about a place, so that those of another one have nothing to do with it."""
    says_where = isinstance(route, Act) and route.path.startswith(("/stock", "/parcels/manifests"))
    return says_where or any(part in route.path for part in OF_A_PLACE)


def api_path(route: Route) -> str:
    return "/overview" if route.path == "/" else path_of(route)


WHO = tuple(product(Role, OWNERS))


def is_refused(route: Route, role: Role, warehouses: Warehouses) -> bool:
    """Whether the role does not allow it, or not to somebody who is not there for all of them."""
    return role not in ALLOWED[route.action] or (
        warehouses is not None and route.action in EVERYWHERE
    )


def is_elsewhere(route: Route, warehouses: Warehouses) -> bool:
    """Whether it is about a place where somebody has nothing to do."""
    return warehouses == frozenset({"LIS"}) and is_of_a_place(route)


DOING: tuple[Act | Bulk, ...] = (*ACTS, *BULKS)
DONE = [
    pytest.param(
        route, role, warehouses, id=f"{route.name}-{role}-{'-'.join(sorted(warehouses or ['all']))}"
    )
    for route, (role, warehouses) in product(DOING, WHO)
    if not is_refused(route, role, warehouses) and not is_elsewhere(route, warehouses)
]


def asked(machine: Machine, route: Route) -> Any:
    if isinstance(route, View | Paper):
        return machine.get(api_path(route))
    return machine.post(api_path(route), BODIES[route.body])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_who_may_not_may_not_and_nothing_has_changed(
    client: FlaskClient, placed: Database, route: Route
) -> None:
    before = given.rows(placed, "SELECT state, state_reason FROM orders")
    for number, (role, warehouses) in enumerate(WHO):
        user = people.user(placed, f"{number}@x.org", role=role, warehouses=warehouses)
        machine = Machine(client, session=people.session(placed, user))
        if is_refused(route, role, warehouses):
            assert asked(machine, route).status_code == 403, (role, warehouses)
        elif is_elsewhere(route, warehouses):
            assert asked(machine, route).status_code in {403, 404}, (role, warehouses)
    others = [action for action in Action if action is not route.action]
    key = people.key(placed, *others, name="other")
    assert asked(Machine(client, key=key), route).status_code == 403

    assert given.rows(placed, "SELECT state, state_reason FROM orders") == before
    assert people.trail(placed) == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_who_may_see_sees_their_own_places_only(
    client: FlaskClient, placed: Database, view: View
) -> None:
    for number, (role, warehouses) in enumerate(WHO):
        if is_refused(view, role, warehouses) or is_elsewhere(view, warehouses):
            continue
        user = people.user(placed, f"{number}@x.org", role=role, warehouses=warehouses)
        answer = asked(Machine(client, session=people.session(placed, user)), view)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200, (role, warehouses, page)
        assert warehouses != frozenset({"LIS"}) or MARK not in page


@pytest.mark.parametrize(("route", "role", "warehouses"), DONE)
def test_who_may_do_it_does_it_in_their_own_places_only(
    *,
    client: FlaskClient,
    placed: Database,
    route: Act | Bulk,
    role: Role,
    warehouses: Warehouses,
) -> None:
    user = people.user(placed, role=role, warehouses=warehouses)
    before = given.rows(placed, "SELECT state, state_reason FROM orders")

    answer = asked(Machine(client, session=people.session(placed, user)), route)

    page = answer.get_data(as_text=True)
    assert answer.status_code in {200, 409, 422}, page
    if answer.status_code == 200 and warehouses == frozenset({"LIS"}):
        if isinstance(route, Bulk):
            assert answer.get_json()["done"] == 0
            assert people.trail(placed) == []
        else:
            assert MARK not in page
    if answer.status_code != 200:
        assert given.rows(placed, "SELECT state, state_reason FROM orders") == before
        assert people.trail(placed) == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_stranger_gets_nothing_and_a_key_opens_what_it_is_for(
    client: FlaskClient, placed: Database, route: Route
) -> None:
    browser = Browser(client)
    is_read = isinstance(route, View | Paper)
    page = browser.get(path_of(route)) if is_read else browser.post(path_of(route))
    bad = Machine(client, key="dispatch.key_none.guessed")

    assert page.status_code == (303 if is_read else 401)
    assert asked(Machine(client, key="nonsense"), route).status_code == 401
    refused = asked(bad, route)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert MARK not in browser.page + refused.get_data(as_text=True)

    own = Machine(client, key=people.key(placed, route.action, name="own"))
    assert asked(own, route).status_code in {200, 409, 422}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_and_its_document_are_there_for_a_viewer(
    client: FlaskClient, placed: Database, view: View
) -> None:
    browser = Browser(client)
    browser.carry(people.session(placed, people.user(placed, role=Role.VIEWER)))

    page = browser.get(path_of(view))

    if Role.VIEWER not in ALLOWED[view.action]:
        assert page.status_code == 403
        return
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert browser.page.count("<h1") == 1
    others = [act for act in DOING if Role.VIEWER not in ALLOWED[act.action]]
    acts = [act for act in others if act.view is view]
    assert all(path_of(act) not in browser.page for act in acts)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_document_fits_its_contract(client: FlaskClient, placed: Database, view: View) -> None:
    machine = Machine(client, session=people.session(placed, people.user(placed, role=Role.ADMIN)))

    answer = machine.get(api_path(view))

    document = view.answer.decode(answer.data)
    assert json.loads(document.encode()) == answer.get_json()


def test_every_name_path_and_form_is_there_once() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(type(route), route.path) for route in ROUTES}) == len(ROUTES)
    keys = [view.key for view in VIEWS if view.key is not None]
    assert len(set(keys)) == len(keys)
