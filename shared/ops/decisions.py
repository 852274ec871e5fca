"""Who got what, when and why: the decisions about orders, as they are kept. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from shared.platform.db import Transaction

_OF_ORDER = text("""
    SELECT * FROM placement_decisions WHERE order_id = :order_id ORDER BY decided_at, decision_id
""")
_BETWEEN = text("""
    SELECT * FROM placement_decisions
     WHERE decided_at >= :since AND decided_at < :until
       AND (decided_at, order_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS text))
     ORDER BY decided_at, order_id
     LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with its receipt: {"inputs": ..., "result": ...}."""

    order_id: str
    decided_at: datetime
    outcome: str
    cost_cents: int | None
    policy_id: str
    inputs_hash: str
    duration_us: int
    decided_by: str
    reason: str
    receipt: dict[str, Any]


def of_order(tx: Transaction, order_id: str) -> tuple[Decision, ...]:
    """Every decision about an order, the oldest first: one look-up in an index."""
    return tuple(_decision(row) for row in tx.rows(_OF_ORDER, order_id=order_id))


def between(
    tx: Transaction, since: datetime, until: datetime, after: tuple[datetime, str], limit: int
) -> Sequence[Decision]:
    """Decisions from `since` and before `until`, by time and order, those behind `after`."""
    rows = tx.rows(
        _BETWEEN,
        since=since,
        until=until,
        after_time=after[0],
        after_id=after[1],
        limit=limit,
    )
    return [_decision(row) for row in rows]


def _decision(row: Any) -> Decision:
    return Decision(
        order_id=row.order_id,
        decided_at=row.decided_at,
        outcome=row.outcome,
        cost_cents=row.cost_cents,
        policy_id=row.policy_id,
        inputs_hash=row.inputs_hash,
        duration_us=row.duration_us,
        decided_by=row.decided_by,
        reason=row.reason,
        receipt=row.receipt,
    )
