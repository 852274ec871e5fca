"""The audit trail as a person looks through it. Writes nothing.

Whoever is there for some warehouses sees what was done to orders and parcels of theirs, and people
what they did themselves: of machines several may have one name.
"""

from collections.abc import Sequence

from shared.contracts.http_ops_people import AuditEntry, AuditFilters, OpsAudit
from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.platform.narrowed import narrowed

PAGE = 50
SHOWN = 10  # of somebody, on their page
_LATEST = 2**63 - 1  # the largest id there can be

_LIST = """
    SELECT audit_id, at, actor_kind, actor, action, subject_kind, subject_id, reason, before, after,
           correlation_id
      FROM audit_log
     WHERE audit_id < :before_id AND {conditions}
     ORDER BY audit_id DESC
     LIMIT :limit
"""
_CONDITIONS = {
    "actor": "actor = :actor",
    "action": "action = :action",
    "subject_kind": "subject_kind = :subject_kind",
    "subject_id": "subject_id = :subject_id",
    "since": "at >= CAST(:since AS timestamptz)",
    "until": "at <= CAST(:until AS timestamptz)",
    "scope": """(actor = :asker AND actor_kind = 'user'
             OR subject_kind = 'order'
                AND EXISTS (SELECT FROM parcels WHERE parcels.order_id = subject_id
                               AND warehouse = ANY(CAST(:scope AS text[])))
             OR subject_kind = 'parcel'
                AND EXISTS (SELECT FROM parcels WHERE parcels.parcel_id = subject_id
                               AND warehouse = ANY(CAST(:scope AS text[]))))""",
}


def audit_list(
    tx: Transaction, filters: AuditFilters, scope: frozenset[str] | None, asker: str
) -> OpsAudit:
    """The next page of the acts that fit, the newest first.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    rows = _read(tx, filters, scope, asker, limit=PAGE + 1)
    entries = tuple(rows[:PAGE])
    return OpsAudit(entries=entries, next=str(entries[-1].audit_id) if len(rows) > PAGE else None)


def latest(tx: Transaction, filters: AuditFilters) -> tuple[AuditEntry, ...]:
    """The newest few acts that fit, wherever they were done."""
    return tuple(_read(tx, filters, None, "", limit=SHOWN))


def _read(
    tx: Transaction,
    filters: AuditFilters,
    scope: frozenset[str] | None,
    asker: str,
    *,
    limit: int,
) -> Sequence[AuditEntry]:
    said: dict[str, object] = {
        "actor": filters.actor.strip() or None,
        "action": filters.action.strip().replace(" ", "_") or None,
        "subject_kind": filters.subject_kind.strip().replace(" ", "_") or None,
        "subject_id": filters.subject_id.strip() or None,
        "since": filters.since,
        "until": filters.until,
        "scope": None if scope is None else sorted(scope),
    }
    asked = {name: value for name, value in said.items() if value is not None}
    statement = narrowed(_LIST, [_CONDITIONS[name] for name in asked])
    if scope is not None:
        asked["asker"] = asker
    rows = tx.rows(statement, before_id=_before(filters.cursor), limit=limit, **asked)
    return [AuditEntry.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def _before(cursor: str) -> int:
    if not cursor:
        return _LATEST
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) > _LATEST:
        raise Malformed("cursor: is none that was given out", field="cursor")
    return int(cursor)
