"""Who waits for stock, in fair order: by priority, promise and id. Only looks."""

from collections.abc import Collection, Sequence

from shared.orders.types import Waiting
from shared.platform.db import Transaction
from shared.platform.sql import text

_BACKORDERED_SKUS = text("""
    SELECT sku FROM order_lines WHERE backordered > 0 AND kit IS NULL
     UNION
    SELECT jsonb_object_keys(kit) FROM order_lines WHERE backordered > 0 AND kit IS NOT NULL
""")
# Fairly, as above. An order that was told a moment may have to be told another one.
_WAITLIST = text("""
    WITH concerned AS (
        SELECT order_id FROM order_lines
         WHERE backordered > 0 AND kit IS NULL AND sku = ANY(CAST(:skus AS text[]))
         UNION
        SELECT order_id FROM order_lines, LATERAL jsonb_object_keys(kit) AS part
         WHERE backordered > 0 AND kit IS NOT NULL AND part = ANY(CAST(:skus AS text[]))
         UNION
        SELECT order_id FROM orders
         WHERE state IN ('backordered', 'partly_placed') AND expected_at IS NOT NULL
    ), parts AS (
        SELECT order_id, part.sku, sum(backordered * part.units) AS units
          FROM concerned JOIN order_lines USING (order_id), LATERAL (
               SELECT order_lines.sku, 1 AS units WHERE kit IS NULL
                UNION ALL
               SELECT key, value::integer FROM jsonb_each_text(kit)) AS part
         WHERE backordered > 0
         GROUP BY order_id, part.sku
    ), wanted AS (
        SELECT order_id, jsonb_object_agg(sku, units) AS units FROM parts GROUP BY order_id)
    SELECT order_id, expected_at, wanted.units,
           (SELECT array_agg(warehouse) FROM channel_warehouses
             WHERE channel_warehouses.channel = orders.channel) AS warehouses,
           (SELECT jsonb_agg(jsonb_build_array(sku, warehouse)) FROM order_exclusions
             WHERE order_exclusions.order_id = orders.order_id AND lifted_at IS NULL) AS excluded
      FROM orders JOIN wanted USING (order_id)
     WHERE state IN ('backordered', 'partly_placed')
     ORDER BY CASE priority WHEN 'express' THEN 0 WHEN 'standard' THEN 1 ELSE 2 END,
              promised_at, order_id
""")


def backordered_skus(tx: Transaction) -> tuple[str, ...]:
    """Every SKU that somebody waits for."""
    return tuple(row.sku for row in tx.rows(_BACKORDERED_SKUS))


def waiting_for(tx: Transaction, skus: Collection[str]) -> Sequence[Waiting]:
    """Who waits for any of these SKUs or was told a moment, in fair order, with all it wants."""
    return [
        Waiting(
            order_id=row.order_id,
            wants=row.units,
            warehouses=None if row.warehouses is None else frozenset(row.warehouses),
            excluded=frozenset((sku, place) for sku, place in row.excluded or ()),
            expected_at=row.expected_at,
        )
        for row in tx.rows(_WAITLIST, skus=sorted(skus))
    ]
