"""Which SKUs many orders are placed for at the same time, and which no more. Writes nothing."""

from collections.abc import Sequence
from datetime import datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

_HOT = text("""
    WITH asked AS (
        SELECT sku, warehouse, count(DISTINCT parcels.order_id) AS orders
          FROM parcels JOIN parcel_items USING (parcel_id)
         WHERE state IN ('planned', 'labelling', 'labelled') AND planned_at > :since
         GROUP BY sku, warehouse
    )
    SELECT sku, warehouse
      FROM asked JOIN stock_levels USING (sku, warehouse)
     WHERE orders >= :least AND partition = 0 AND spread = 1
     ORDER BY sku, warehouse
     LIMIT :limit
""")
# What somebody has spread by hand is theirs to merge.
_COOLED = text("""
    SELECT sku, warehouse
      FROM stock_levels AS level
     WHERE partition = 0 AND spread > 1
       AND :actor = (SELECT actor FROM stock_movements AS said
                      WHERE said.sku = level.sku AND said.warehouse = level.warehouse
                        AND said.partition = 0 AND kind = 'repartition'
                        AND reference LIKE 'spread:%'
                      ORDER BY movement_id DESC LIMIT 1)
       AND NOT EXISTS (SELECT FROM parcels JOIN parcel_items USING (parcel_id)
                        WHERE state IN ('planned', 'labelling', 'labelled')
                          AND planned_at > :since
                          AND parcel_items.sku = level.sku AND parcels.warehouse = level.warehouse)
     ORDER BY sku, warehouse
     LIMIT :limit
""")

Place = tuple[str, str]  # SKU, warehouse


def hot(tx: Transaction, *, since: datetime, least: int, limit: int) -> Sequence[Place]:
    """Where at least so many orders were placed since then, all of them from one row."""
    rows = tx.rows(_HOT, since=since, least=least, limit=limit)
    return [(row.sku, row.warehouse) for row in rows]


def cooled(tx: Transaction, *, since: datetime, actor: str, limit: int) -> Sequence[Place]:
    """Where the actor has the last word on the spread, and no open parcel is newer than that."""
    rows = tx.rows(_COOLED, since=since, actor=actor, limit=limit)
    return [(row.sku, row.warehouse) for row in rows]
