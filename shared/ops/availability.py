"""What can be promised of each SKU, for a channel and some warehouses. Writes nothing."""

from collections.abc import Collection

from shared.contracts.http_stock import SkuAvailability
from shared.ops.channel_promises import PROMISES
from shared.platform.db import Transaction
from shared.platform.sql import text

# One statement, so that all figures are of one moment. A kit is as many as its scarcest component
# makes; what is not released yet cannot be promised.
_AVAILABILITY = text(f"""
    WITH parts AS (
        SELECT sku, coalesce(component, sku) AS part, coalesce(quantity, 1) AS each,
               count(*) OVER (PARTITION BY sku) AS of
          FROM skus LEFT JOIN kit_components ON kit = sku
         WHERE sku = ANY(CAST(:skus AS text[]))
    ), scope AS (
        SELECT warehouse, share_percent FROM channel_warehouses
         WHERE channel = CAST(:channel AS text)
    ), promised AS (
        SELECT sku AS part, warehouse, sum(quantity) AS units
          FROM ({PROMISES}) AS promise
         WHERE sku IN (SELECT part FROM parts)
         GROUP BY sku, warehouse
    ), there AS (
        SELECT sku AS part, warehouse,
               -- Of figures that cannot be right only what is promised is shared: they take nothing
               -- from what the other rows of their place promise.
               sum(CASE WHEN coalesce(fenced_for, 'shut') = 'shut' AND least(reserved, held) >= 0
                             AND on_hand >= reserved + held
                        THEN on_hand ELSE greatest(0, reserved) + greatest(0, held) END) AS on_hand,
               sum(CASE WHEN fenced_for IS NULL
                        THEN greatest(0, on_hand - reserved - held - safety) ELSE 0 END) AS free
          FROM stock_levels JOIN skus USING (sku)
         WHERE sku IN (SELECT part FROM parts)
           AND (released_at IS NULL OR released_at <= :now)
           AND (allotment IS NULL OR allotment = CAST(:sale AS text))
           AND (cardinality(CAST(:warehouses AS text[])) = 0
                OR warehouse = ANY(CAST(:warehouses AS text[])))
         GROUP BY sku, warehouse
    ), usable AS (
        SELECT part, warehouse,
               CASE WHEN coalesce(share_percent, 100) = 100 THEN free
                    ELSE greatest(0, least(free, on_hand * share_percent / 100
                                                 - coalesce(promised.units, 0))) END AS units
          FROM there LEFT JOIN scope USING (warehouse) LEFT JOIN promised USING (part, warehouse)
         WHERE share_percent IS NOT NULL OR NOT EXISTS (SELECT FROM scope)
    ), in_all AS (
        SELECT sku, min(div(units, each))::bigint AS available
          FROM (SELECT sku, part, each, coalesce(sum(usable.units), 0) AS units
                  FROM parts LEFT JOIN usable USING (part) GROUP BY sku, part, each) AS total
         GROUP BY sku
    ), in_each AS (
        SELECT sku, jsonb_object_agg(warehouse, whole) AS warehouses
          FROM (SELECT sku, warehouse, min(div(units, each))::bigint AS whole
                  FROM parts JOIN usable USING (part)
                 GROUP BY sku, warehouse, parts.of HAVING count(*) = parts.of) AS here
         WHERE whole > 0
         GROUP BY sku
    )
    SELECT sku, available, coalesce(warehouses, '{{}}') AS warehouses
      FROM in_all LEFT JOIN in_each USING (sku)
     ORDER BY sku
""")  # noqa: S608


def available_to_promise(
    tx: Transaction,
    skus: Collection[str],
    *,
    channel: str | None = None,
    sale: str | None = None,
    warehouses: Collection[str] = (),
) -> tuple[SkuAvailability, ...]:
    """What can be promised of those of `skus` that the catalogue has, by SKU, without a lock.

    Without warehouses of all of them, and without a channel of everything.
    """
    rows = tx.rows(
        _AVAILABILITY,
        skus=sorted(set(skus)),
        channel=channel,
        sale=sale,
        warehouses=sorted(set(warehouses)),
        now=tx.now,
    )
    return tuple(
        SkuAvailability(sku=row.sku, available=row.available, warehouses=row.warehouses)
        for row in rows
    )
