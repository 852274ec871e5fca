"""The first page: how everything stands."""

from shared.contracts.http_ops import OpsOverview
from shared.edge.console.routes import View, Visit, room
from shared.flows.show_overview import show_overview
from shared.people.permissions import Action


def _show(visit: Visit, _query: None) -> OpsOverview:
    return show_overview(visit.tx, visit.who.warehouses)


OVERVIEW = View(
    name="showOverview",
    path="/",
    purpose="Show how everything stands, and what of it needs somebody.",
    action=Action.SEE_OVERVIEW,
    show=_show,
    answer=OpsOverview,
    template="overview.html",
    tab="Overview",
    key="h",
    rooms=room("overview"),
)
ROUTES = (OVERVIEW,)
