"""What people and machines did by hand, with before and after."""

from shared.contracts.http_ops_people import AuditFilters, OpsAudit
from shared.edge.console.routes import View, Visit, room
from shared.ops.audit_list import audit_list
from shared.people.permissions import Action


def _list(visit: Visit, filters: AuditFilters) -> OpsAudit:
    return audit_list(visit.tx, filters, visit.who.warehouses, visit.who.name)


AUDIT = View(
    name="listAudit",
    path="/audit",
    purpose="List what was done by hand: who, what, to what, why, before and after.",
    action=Action.SEE_AUDIT,
    show=_list,
    answer=OpsAudit,
    template="audit.html",
    query=AuditFilters,
    tab="Audit trail",
    key="a",
    rows="entries",
    rooms=room("audit"),
)
ROUTES = (AUDIT,)
