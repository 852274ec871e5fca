"""How often warehouses could not send what they were given. Writes nothing.

Most days have been added up before (shared/reports).
"""

from datetime import date

from shared.ops.reported_days import AS_JSON, AUDITED, DIFFERING, ONE, STALE
from shared.platform.db import Transaction
from shared.platform.sql import text

# Per order, so that a parcel that is asked for again and again counts once, in whatever range of
# days: an order is counted on the first day of the range on which it was given or refused, which is
# one with no other `earlier` in the range. So the counts of days can be added up.
_COUNTED = """, given AS (
        SELECT day, warehouse, earlier, count(*) AS orders
          FROM anew CROSS JOIN LATERAL (
               SELECT DISTINCT warehouse, order_id FROM parcels
                WHERE planned_at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
                  AND planned_at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC') AS given
         CROSS JOIN LATERAL (
               SELECT coalesce(CAST(max(planned_at) AT TIME ZONE 'UTC' AS date), '-infinity')
                      AS earlier
                 FROM parcels AS before
                WHERE before.order_id = given.order_id AND before.warehouse = given.warehouse
                  AND before.planned_at < CAST(day AS timestamp) AT TIME ZONE 'UTC') AS before
         GROUP BY day, warehouse, earlier
    ), refused AS (
        SELECT day, warehouse, earlier, count(*) AS refused
          FROM anew CROSS JOIN LATERAL (
               SELECT DISTINCT warehouse, order_id FROM order_exclusions
                WHERE excluded_at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
                  AND excluded_at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC') AS refused
         CROSS JOIN LATERAL (
               SELECT coalesce(CAST(max(excluded_at) AT TIME ZONE 'UTC' AS date), '-infinity')
                      AS earlier
                 FROM order_exclusions AS before
                WHERE before.order_id = refused.order_id AND before.warehouse = refused.warehouse
                  AND before.excluded_at < CAST(day AS timestamp) AT TIME ZONE 'UTC') AS before
         GROUP BY day, warehouse, earlier
    ), live AS (
        SELECT day, warehouse, earlier, coalesce(orders, 0) AS orders,
               coalesce(refused, 0) AS refused
          FROM given FULL JOIN refused USING (day, warehouse, earlier))
"""
_SHOWN = """, every AS (
        SELECT * FROM live
         UNION ALL
        SELECT * FROM refusal_days AS kept
         WHERE day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
           AND NOT EXISTS (SELECT FROM anew WHERE anew.day = kept.day))
    SELECT warehouse, CAST(coalesce(sum(orders), 0) AS bigint) AS orders,
           CAST(coalesce(sum(refused), 0) AS bigint) AS refused
      FROM warehouses
      LEFT JOIN (SELECT * FROM every WHERE earlier < CAST(:first AS date)) AS new
           USING (warehouse)
     GROUP BY warehouse
"""
_REFUSALS = text(STALE.format(kind="refusals") + _COUNTED + _SHOWN)
_OF_DAY = text(ONE + _COUNTED + AS_JSON)
# Kept days that are not what happened on them.
DIFFERING_DAYS = AUDITED.format(kind="refusals") + _COUNTED + DIFFERING.format(table="refusal_days")


def refusals(tx: Transaction, first: date, last: date) -> dict[str, tuple[int, int]]:
    """Warehouse -> orders that it was given on these days, and of how many it refused some."""
    rows = tx.rows(_REFUSALS, first=first, last=last)
    return {row.warehouse: (row.orders, row.refused) for row in rows}


def refusals_of_day(tx: Transaction, day: date) -> dict[str, str]:
    """Table -> its rows of a day, as JSON: what is to be kept of it."""
    return {"refusal_days": tx.rows(_OF_DAY, day=day)[0].rows}
