"""How often warehouses could not send what they were given."""

from datetime import datetime

from sqlalchemy import text

from shared.platform.db import Transaction

# Per order, so that a parcel that is asked for again and again counts once.
_COUNTED = text("""
    WITH given AS (
        SELECT warehouse, count(DISTINCT order_id) AS orders FROM parcels
         WHERE planned_at > :since GROUP BY warehouse
    ), refused AS (
        SELECT warehouse, count(DISTINCT order_id) AS refused FROM order_exclusions
         WHERE excluded_at > :since GROUP BY warehouse)
    SELECT warehouse, coalesce(orders, 0) AS orders, coalesce(refused, 0) AS refused
      FROM warehouses LEFT JOIN given USING (warehouse) LEFT JOIN refused USING (warehouse)
""")


def refusals(tx: Transaction, since: datetime) -> dict[str, tuple[int, int]]:
    """Warehouse -> orders that it was given since then, and of how many it refused something."""
    return {row.warehouse: (row.orders, row.refused) for row in tx.rows(_COUNTED, since=since)}
