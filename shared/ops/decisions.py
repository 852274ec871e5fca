"""Who got what, when and why: the decisions about orders, as they are kept. Writes nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kit.geo import PostalPlace, bare_postcode
from shared.platform.db import Transaction
from shared.platform.sql import text

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
# By a hash of the order, so that every hour of the time has its share; only what is drawn is read
# whole. Left out is what a person wished: it would be so again.
_SAMPLE = text("""
    WITH drawn AS (
        SELECT decision_id, decided_at, order_id, count(*) OVER () AS of_all
          FROM placement_decisions AS decision JOIN orders USING (order_id)
         WHERE decided_at >= CAST(:since AS timestamptz) AND decided_by = 'engine'
           AND outcome IN ('placed', 'partly_placed')
           AND (CAST(:channel AS text) IS NULL OR channel = :channel)
           AND channel <> ALL(CAST(:other_channels AS text[]))
         ORDER BY hashtextextended(order_id, 0), decided_at
         LIMIT :limit)
    SELECT decision.*, of_all, destination->>'country' AS country,
           destination->>'postcode' AS postcode, promised_at
      FROM drawn JOIN placement_decisions AS decision USING (order_id, decided_at, decision_id)
      JOIN orders USING (order_id)
     ORDER BY decided_at, order_id
""")
_ORIGINS = text("""
    SELECT warehouse, address->>'country' AS country, address->>'postcode' AS postcode
      FROM warehouses
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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A decision of a sample, with what its order is like today."""

    decision: Decision
    to: PostalPlace
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of the decisions of a time, and how many there are."""

    drawn: Sequence[Drawn]
    of_all: int


def sample(
    tx: Transaction,
    since: datetime,
    limit: int,
    *,
    channel: str | None = None,
    other_channels: Collection[str] = (),
) -> Sample:
    """At most `limit` decisions by which orders got parcels, evenly from the time since then.

    Args:
        tx: the transaction.
        since: from when on.
        limit: how many at most.
        channel: only of its orders; None: of all.
        other_channels: not of theirs.
    """
    rows = tx.rows(
        _SAMPLE, since=since, limit=limit, channel=channel, other_channels=sorted(other_channels)
    )
    drawn = [
        Drawn(
            _decision(row), PostalPlace(row.country, bare_postcode(row.postcode)), row.promised_at
        )
        for row in rows
    ]
    return Sample(drawn, rows[0].of_all if rows else 0)


def origins(tx: Transaction) -> dict[str, PostalPlace]:
    """Warehouse -> where its parcels come from."""
    return {
        row.warehouse: PostalPlace(row.country, bare_postcode(row.postcode))
        for row in tx.rows(_ORIGINS)
    }


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
