"""Which backordered orders are next in line for units that are free, and could use them at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.platform.db import Transaction
from shared.platform.driver import Row
from shared.platform.sql import text

# In the order of their priority and then of their promise. Who wants anything of which there is
# not enough everywhere together, or that is not released yet, does not stand in the way. Nor does
# who may not have it from where it is: what a taker reaches is summed up once for each channel and
# sale, and what single orders may not have of that is taken off. Nor does who has what it wants
# kept for it, and has been asked for: it needs nothing of what is free.
_NEXT = text("""
    WITH pool AS (
        SELECT * FROM unnest(CAST(:pool_skus AS text[]), CAST(:pool_places AS text[]),
                             CAST(:pool_sales AS text[]), CAST(:units AS bigint[]))
                      AS pool (sku, warehouse, sale, units)
    ), touched AS (
        SELECT order_id FROM order_lines
         WHERE backordered > 0 AND kit IS NULL AND sku = ANY(CAST(:skus AS text[]))
         UNION
        SELECT order_id FROM order_lines, LATERAL jsonb_object_keys(kit) AS part (sku)
         WHERE backordered > 0 AND kit IS NOT NULL AND part.sku = ANY(CAST(:skus AS text[]))
    ), waiting AS (
        SELECT order_id, priority, promised_at, channel, coalesce(sale, '') AS sale,
               CASE priority WHEN 'express' THEN 0 WHEN 'standard' THEN 1 ELSE 2 END AS rank
          FROM orders JOIN touched USING (order_id)
         WHERE state IN ('backordered', 'partly_placed')
           AND channel <> ALL(CAST(:besides_channels AS text[]))
           AND order_id <> ALL(CAST(:besides_orders AS text[]))
           AND NOT EXISTS (SELECT FROM stock_holds
                            WHERE purpose = 'waitlist' AND reference = orders.order_id
                              AND created_at > CAST(:not_since AS timestamptz))
         ORDER BY rank, promised_at, order_id
         LIMIT :most
    ), wanted AS (
        SELECT order_id, sku, sum(units) AS units
          FROM (SELECT order_id, sku, backordered AS units
                  FROM order_lines JOIN waiting USING (order_id)
                 WHERE backordered > 0 AND kit IS NULL
                 UNION ALL
                SELECT order_id, key, value::integer * backordered
                  FROM order_lines JOIN waiting USING (order_id), LATERAL jsonb_each_text(kit)
                 WHERE backordered > 0 AND kit IS NOT NULL) AS part
         GROUP BY order_id, sku
    ), kept AS (
        SELECT for_order AS order_id, sku, sum(quantity) AS units
          FROM stock_holds JOIN stock_hold_items USING (hold_id)
         WHERE state = 'open' AND for_order IN (SELECT order_id FROM waiting)
         GROUP BY for_order, sku
    ), missing AS (
        SELECT order_id, sku, greatest(0, wanted.units - coalesce(kept.units, 0)) AS units
          FROM wanted LEFT JOIN kept USING (order_id, sku)
    ), elsewhere AS (
        SELECT sku, warehouse, coalesce(allotment, '') AS sale,
               sum(greatest(0, on_hand - reserved - held - safety)) AS units
          FROM stock_levels
         WHERE sku IN (SELECT sku FROM wanted) AND fenced_for IS NULL
           AND (sku, warehouse) NOT IN (SELECT * FROM unnest(CAST(:besides_skus AS text[]),
                                                             CAST(:besides AS text[])))
         GROUP BY sku, warehouse, allotment
    ), free AS (
        SELECT *, true AS in_pool FROM pool
         UNION ALL
        SELECT sku, warehouse, sale, units, false FROM elsewhere WHERE units > 0
    ), scope AS (
        SELECT channel, warehouse FROM channel_warehouses
         WHERE channel IN (SELECT channel FROM waiting)
    ), in_reach AS (
        SELECT taker.channel, taker.sale, free.sku, free.warehouse, free.units, in_pool,
               free.sale <> '' AS of_sale
          FROM (SELECT DISTINCT channel, sale FROM waiting) AS taker
               JOIN free ON free.sale IN ('', taker.sale)
         WHERE (taker.channel, free.warehouse) IN (SELECT * FROM scope)
            OR taker.channel NOT IN (SELECT channel FROM scope)
    ), reach AS (
        SELECT channel, sale, sku, sum(units) AS units,
               jsonb_object_agg(warehouse, units) FILTER (WHERE NOT in_pool AND NOT of_sale)
                   AS places,
               jsonb_object_agg(warehouse, units) FILTER (WHERE NOT in_pool AND of_sale)
                   AS places_of_sale
          FROM in_reach GROUP BY channel, sale, sku
    ), refused AS (
        SELECT order_id, sku, sum(in_reach.units) AS units
          FROM order_exclusions JOIN waiting USING (order_id)
               JOIN in_reach USING (channel, sale, sku, warehouse)
         WHERE lifted_at IS NULL
         GROUP BY order_id, sku
    ), next AS (
        SELECT order_id, channel, sale, priority, rank, promised_at,
               jsonb_object_agg(missing.sku, missing.units) AS wants
          FROM waiting JOIN missing USING (order_id) JOIN skus USING (sku)
          LEFT JOIN reach USING (channel, sale, sku) LEFT JOIN refused USING (order_id, sku)
         GROUP BY order_id, channel, sale, priority, rank, promised_at
        HAVING bool_or(missing.units > 0)
           AND bool_and(missing.units <= coalesce(reach.units, 0) - coalesce(refused.units, 0)
                        AND (released_at IS NULL OR released_at <= :released_by))
         ORDER BY rank, promised_at, order_id
         LIMIT :limit
    )
    SELECT looked_at, order_id, priority, channel, nullif(sale, '') AS sale,
           (SELECT jsonb_object_agg(warehouse, share_percent) FROM channel_warehouses
             WHERE channel_warehouses.channel = next.channel) AS scope,
           (SELECT jsonb_agg(jsonb_build_array(sku, warehouse)) FROM order_exclusions
             WHERE order_exclusions.order_id = next.order_id AND lifted_at IS NULL) AS excluded,
           wants,
           (SELECT jsonb_object_agg(key, coalesce(places, '{}'))
              FROM jsonb_object_keys(wants) AS key
              LEFT JOIN reach ON (reach.channel, reach.sale, reach.sku)
                                 = (next.channel, next.sale, key)) AS elsewhere,
           (SELECT jsonb_object_agg(key, coalesce(places_of_sale, '{}'))
              FROM jsonb_object_keys(wants) AS key
              LEFT JOIN reach ON (reach.channel, reach.sale, reach.sku)
                                 = (next.channel, next.sale, key)) AS of_sale
      FROM (SELECT count(*) AS looked_at FROM waiting) AS line LEFT JOIN next ON true
     ORDER BY rank, promised_at, order_id
""")

_KEPT_FOR = text("""
    SELECT order_id, priority
      FROM stock_holds JOIN orders ON order_id = for_order
     WHERE purpose IN ('waitlist', 'order') AND stock_holds.state = 'open'
       AND orders.state IN ('backordered', 'partly_placed')
       AND NOT EXISTS (SELECT FROM stock_hold_items JOIN skus USING (sku)
                        WHERE stock_hold_items.hold_id = stock_holds.hold_id
                          AND released_at > :now)
     ORDER BY purpose DESC, created_at, stock_holds.hold_id  -- the waitlist first: it ends
     LIMIT :limit
""")


# Of a long line only so many more than are asked for are looked at, and all where too few of those
# could be placed: with 40,000 in line that takes a fifth of the time, while balances are locked.
LOOKED_AT = 1_000

Place = tuple[str, str, str | None]  # SKU, warehouse, and the sale that alone may have it


class Waiting(NamedTuple):
    """An order that waits for stock, as a taker of it."""

    order_id: str
    priority: str
    channel: str
    sale: str | None
    scope: Mapping[str, int] | None  # as that of an order
    excluded: frozenset[tuple[str, str]]
    wants: Mapping[str, int]  # SKU -> units, beyond those that are kept for it
    # SKU -> warehouse -> units free in other places that its channel sells from, for anybody and
    # for its sale alone; no lock: a hint.
    elsewhere: Mapping[str, Mapping[str, int]]
    of_sale: Mapping[str, Mapping[str, int]]

    def from_elsewhere(self, sku: str, wanted: int, taken: Mapping[Place, int]) -> dict[Place, int]:
        """Where else it could have the units, after others have `taken` theirs.

        Fewer than are wanted where there are fewer, and none from where they were missed for it.
        """
        found: dict[Place, int] = {}
        for sale, places in ((self.sale, self.of_sale[sku]), (None, self.elsewhere[sku])):
            for warehouse, units in places.items():
                place = (sku, warehouse, sale)
                n = min(wanted, units - taken.get(place, 0))
                if n > 0 and (sku, warehouse) not in self.excluded:
                    found[place] = n
                    wanted -= n
        return found


def kept_for(tx: Transaction, limit: int) -> Sequence[tuple[str, str]]:
    """(Order, priority) of those that wait although units are kept for them, the longest first.

    Not of those for whom something is kept that is still to be released.
    """
    rows = tx.rows(_KEPT_FOR, now=tx.now, limit=limit)
    return [(row.order_id, row.priority) for row in rows]


def next_in_line(
    tx: Transaction,
    skus: Collection[str],
    *,
    pool: Mapping[Place, int] = MappingProxyType({}),
    besides: Collection[tuple[str, str]] = (),
    besides_orders: Collection[str] = (),
    besides_channels: Collection[str] = (),
    not_since: datetime | None = None,
    released_by: datetime | None = None,
    limit: int,
) -> Sequence[Waiting]:
    """Who waits for these SKUs, in fair order, and could be placed with what is free.

    What is kept for them already they need no more.

    Args:
        tx: the transaction.
        skus: for which of them.
        pool: units that may be given to them, beside those that are free elsewhere.
        besides: the (SKU, warehouse) in which these units are.
        besides_orders: who is left out.
        besides_channels: whose orders are.
        not_since: orders for which units were kept after this moment are left out; None: nobody.
        released_by: who waits for what is released later is left out; None: later than now.
        limit: how many orders at most.
    """
    places = sorted(besides)
    asked: dict[str, Any] = {
        "skus": sorted(skus),
        "pool_skus": [sku for sku, _, _ in pool],
        "pool_places": [warehouse for _, warehouse, _ in pool],
        "pool_sales": [sale or "" for _, _, sale in pool],
        "units": list(pool.values()),
        "besides_skus": [sku for sku, _ in places],
        "besides": [warehouse for _, warehouse in places],
        "besides_orders": sorted(besides_orders),
        "besides_channels": sorted(besides_channels),
        "not_since": not_since,
        "released_by": released_by or tx.now,
        "limit": limit,
    }
    first = limit + LOOKED_AT
    line, found = _found(tx.rows(_NEXT, **asked, most=first))
    if len(found) < limit and line == first:
        _, found = _found(tx.rows(_NEXT, **asked, most=None))
    return found


def _found(rows: Sequence[Row]) -> tuple[int, Sequence[Waiting]]:
    """How many were looked at, and those of them who could be placed."""
    return rows[0].looked_at, [
        Waiting(
            order_id=row.order_id,
            priority=row.priority,
            channel=row.channel,
            sale=row.sale,
            scope=row.scope,
            excluded=frozenset((sku, place) for sku, place in row.excluded or ()),
            wants=row.wants,
            elsewhere=row.elsewhere,
            of_sale=row.of_sale,
        )
        for row in rows
        if row.order_id is not None
    ]
