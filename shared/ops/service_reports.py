"""How orders were placed, and whether promises were kept, day by day in UTC. Writes nothing.

Most days have been added up before (shared/reports).
"""

from collections.abc import Sequence
from datetime import date

from shared.contracts.http_ops_reports import PlacementDay, PromiseDay
from shared.ops.reported_days import AS_JSON, AUDITED, DIFFERING, ONE, STALE
from shared.platform.db import Transaction
from shared.platform.sql import text

_DECIDED = """, live AS (
        SELECT day, count(*) AS decisions,
               count(*) FILTER (WHERE decided_by <> 'engine') AS by_hand,
               count(*) FILTER (WHERE outcome = 'placed') AS placed,
               count(*) FILTER (WHERE outcome = 'partly_placed') AS partly_placed,
               count(*) FILTER (WHERE outcome = 'backordered') AS backordered,
               count(*) FILTER (WHERE outcome = 'review') AS review,
               percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_us) AS p95_us
          FROM anew CROSS JOIN LATERAL (
               SELECT decided_by, outcome, duration_us FROM placement_decisions
                WHERE decided_at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
                  AND decided_at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC' OFFSET 0)
               AS decided
         GROUP BY day)
"""
# An order has come when its last parcel has, whether something went back afterwards or not. Those
# that are open and those that have come are in an index by their promise each.
_PROMISED = """, promised AS MATERIALIZED (  -- when each has come is looked up once
        SELECT day, promised_at,
               CASE WHEN has_come
                    THEN (SELECT max(delivered_at) FROM parcels
                           WHERE parcels.order_id = orders.order_id) END AS came_at
          FROM anew CROSS JOIN LATERAL (
               SELECT order_id, false AS has_come, promised_at FROM orders
                WHERE promised_at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
                  AND promised_at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC'
                  AND state NOT IN ('delivered', 'returned', 'cancelled')
                UNION ALL
               SELECT order_id, true, promised_at FROM orders
                WHERE promised_at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
                  AND promised_at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC'
                  AND state IN ('delivered', 'returned') OFFSET 0) AS orders
    ), live AS (
        SELECT day, count(*) AS orders, count(*) FILTER (WHERE came_at <= promised_at) AS kept,
               count(*) FILTER (WHERE came_at > promised_at) AS late
          FROM promised GROUP BY day)
"""
_EVERY = """, every AS (
        SELECT * FROM live
         UNION ALL
        SELECT * FROM {table} AS kept
         WHERE day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
           AND NOT EXISTS (SELECT FROM anew WHERE anew.day = kept.day)
    ), days AS (
        SELECT CAST(asked AS date) AS day
          FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day')
               AS asked)
"""
_SHOW_DECIDED = """
    SELECT day, coalesce(decisions, 0) AS decisions, coalesce(by_hand, 0) AS by_hand,
           coalesce(placed, 0) AS placed, coalesce(partly_placed, 0) AS partly_placed,
           coalesce(backordered, 0) AS backordered, coalesce(review, 0) AS review,
           coalesce(p95_us, 0) AS p95_us
      FROM days LEFT JOIN every USING (day)
     ORDER BY day
"""
# Of a day that is over, whatever has not come is overdue; of today, what was promised until now.
_SHOW_PROMISED = """
    SELECT day, coalesce(orders, 0) AS orders, coalesce(kept, 0) AS kept, coalesce(late, 0) AS late,
           CASE WHEN day < CAST(CAST(:now AS timestamptz) AT TIME ZONE 'UTC' AS date)
                THEN coalesce(orders - kept - late, 0)
                ELSE (SELECT count(*) FROM promised
                       WHERE promised.day = days.day AND came_at IS NULL
                         AND promised_at < CAST(:now AS timestamptz)) END AS overdue
      FROM days LEFT JOIN every USING (day)
     ORDER BY day
"""
_PLACEMENTS = text(
    STALE.format(kind="decisions") + _DECIDED + _EVERY.format(table="decision_days") + _SHOW_DECIDED
)
_PROMISES = text(
    STALE.format(kind="promises") + _PROMISED + _EVERY.format(table="promise_days") + _SHOW_PROMISED
)
_PLACEMENTS_OF_DAY = text(ONE + _DECIDED + AS_JSON)
_PROMISES_OF_DAY = text(ONE + _PROMISED + AS_JSON)
# Kept days that are not what happened on them.
DIFFERING_DECISIONS = (
    AUDITED.format(kind="decisions") + _DECIDED + DIFFERING.format(table="decision_days")
)
DIFFERING_PROMISES = (
    AUDITED.format(kind="promises") + _PROMISED + DIFFERING.format(table="promise_days")
)


def placement_days(tx: Transaction, first: date, last: date) -> Sequence[PlacementDay]:
    """Every day from the first to the last."""
    rows = tx.rows(_PLACEMENTS, first=first, last=last)
    return [PlacementDay.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def promise_days(tx: Transaction, first: date, last: date) -> Sequence[PromiseDay]:
    """Every day from the first to the last."""
    rows = tx.rows(_PROMISES, first=first, last=last, now=tx.now)
    return [PromiseDay.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def placements_of_day(tx: Transaction, day: date) -> dict[str, str]:
    """Table -> its rows of a day, as JSON: what is to be kept of it."""
    return {"decision_days": tx.rows(_PLACEMENTS_OF_DAY, day=day)[0].rows}


def promises_of_day(tx: Transaction, day: date) -> dict[str, str]:
    """Table -> its rows of a day, as JSON: what is to be kept of it."""
    return {"promise_days": tx.rows(_PROMISES_OF_DAY, day=day)[0].rows}
