"""Reports: what it cost, who decided, which promises were kept, what was refused."""

from shared.contracts.http_ops_reports import (
    CostsAsked,
    OpsCosts,
    OpsPlacements,
    OpsPromises,
    OpsRefusals,
    ReportDays,
)
from shared.edge.console.routes import View, Visit
from shared.flows.show_reports import show_costs, show_placements, show_promises, show_refusals
from shared.people.permissions import Action


def _costs(visit: Visit, asked: CostsAsked | None) -> OpsCosts:
    return show_costs(visit.tx, asked or CostsAsked(), visit.who.warehouses)


def _placements(visit: Visit, asked: ReportDays | None) -> OpsPlacements:
    return show_placements(visit.tx, asked or ReportDays())


def _promises(visit: Visit, asked: ReportDays | None) -> OpsPromises:
    return show_promises(visit.tx, asked or ReportDays())


def _refusals(visit: Visit, asked: ReportDays | None) -> OpsRefusals:
    return show_refusals(visit.tx, asked or ReportDays(), visit.who.warehouses)


ROUTES = (
    View(
        name="reportCosts",
        path="/reports",
        purpose="Add up what the parcels of one's warehouses cost.",
        action=Action.SEE_REPORTS,
        show=_costs,
        answer=OpsCosts,
        template="report_costs.html",
        query=CostsAsked,
        tab="Reports",
        key="n",
        rows="rows",
    ),
    View(
        name="reportPlacements",
        path="/reports/placements",
        purpose="Count what was decided, by the engine and by hand.",
        action=Action.SEE_REPORTS,
        show=_placements,
        answer=OpsPlacements,
        template="report_placements.html",
        query=ReportDays,
        rows="days",
    ),
    View(
        name="reportPromises",
        path="/reports/promises",
        purpose="Count which promises were kept.",
        action=Action.SEE_REPORTS,
        show=_promises,
        answer=OpsPromises,
        template="report_promises.html",
        query=ReportDays,
        rows="days",
    ),
    View(
        name="reportRefusals",
        path="/reports/refusals",
        purpose="Count what one's warehouses could not send.",
        action=Action.SEE_REPORTS,
        show=_refusals,
        answer=OpsRefusals,
        template="report_refusals.html",
        query=ReportDays,
        rows="rows",
    ),
)
