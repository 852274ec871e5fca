"""Which backordered orders are next in line for units that are free, and could use them at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.platform.db import Transaction
from shared.platform.sql import text

# In the order of their priority and then of their promise. Who wants anything of which there is
# not enough everywhere together, or that is not released yet, does not stand in the way. Nor does
# who has what it wants kept for it, and has been asked for: it needs nothing of what is free.
_NEXT = text("""
    WITH pool AS (
        SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:units AS bigint[])) AS pool (sku, units)
    ), touched AS (
        SELECT order_id FROM order_lines JOIN pool USING (sku)
         WHERE backordered > 0 AND kit IS NULL
         UNION
        SELECT order_id FROM order_lines, LATERAL jsonb_object_keys(kit) AS part (sku)
         WHERE backordered > 0 AND kit IS NOT NULL AND part.sku = ANY(CAST(:skus AS text[]))
    ), wanted AS (
        SELECT order_id, sku, sum(units) AS units
          FROM (SELECT order_id, sku, backordered AS units
                  FROM order_lines JOIN touched USING (order_id)
                 WHERE backordered > 0 AND kit IS NULL
                 UNION ALL
                SELECT order_id, key, value::integer * backordered
                  FROM order_lines JOIN touched USING (order_id), LATERAL jsonb_each_text(kit)
                 WHERE backordered > 0 AND kit IS NOT NULL) AS part
         GROUP BY order_id, sku
    ), kept AS (
        SELECT for_order AS order_id, sku, sum(quantity) AS units
          FROM stock_holds JOIN stock_hold_items USING (hold_id)
         WHERE state = 'open' AND for_order IN (SELECT order_id FROM touched)
         GROUP BY for_order, sku
    ), missing AS (
        SELECT order_id, sku, greatest(0, wanted.units - coalesce(kept.units, 0)) AS units
          FROM wanted LEFT JOIN kept USING (order_id, sku)
    ), place AS (
        SELECT sku, allotment, warehouse,
               sum(greatest(0, on_hand - reserved - held - safety)) AS units
          FROM stock_levels
         WHERE sku IN (SELECT sku FROM wanted) AND fenced_for IS NULL
           AND (sku, warehouse) NOT IN (SELECT * FROM unnest(CAST(:place_skus AS text[]),
                                                             CAST(:places AS text[])))
         GROUP BY sku, allotment, warehouse
    ), elsewhere AS (
        SELECT sku, allotment, sum(units) AS units, jsonb_object_agg(warehouse, units) AS places
          FROM place GROUP BY sku, allotment
    )
    SELECT order_id, priority, channel, sale,
           (SELECT jsonb_object_agg(warehouse, share_percent) FROM channel_warehouses
             WHERE channel_warehouses.channel = orders.channel) AS scope,
           (SELECT jsonb_agg(jsonb_build_array(sku, warehouse)) FROM order_exclusions
             WHERE order_exclusions.order_id = orders.order_id AND lifted_at IS NULL) AS excluded,
           jsonb_object_agg(missing.sku, missing.units) AS wants,
           jsonb_object_agg(missing.sku, coalesce(anybody.places, '{}')) AS elsewhere,
           jsonb_object_agg(missing.sku, coalesce(own.places, '{}')) AS of_sale
      FROM orders JOIN missing USING (order_id) JOIN skus USING (sku) LEFT JOIN pool USING (sku)
      LEFT JOIN elsewhere AS anybody ON anybody.sku = missing.sku AND anybody.allotment IS NULL
      LEFT JOIN elsewhere AS own ON own.sku = missing.sku AND own.allotment = orders.sale
     WHERE state IN ('backordered', 'partly_placed')
       AND NOT EXISTS (SELECT FROM stock_holds
                        WHERE purpose = 'waitlist' AND reference = orders.order_id
                          AND created_at > CAST(:not_since AS timestamptz))
     GROUP BY order_id
    HAVING bool_or(missing.units > 0)
       AND bool_and(missing.units <= coalesce(anybody.units, 0) + coalesce(own.units, 0)
                                    + coalesce(pool.units, 0)
                    AND (released_at IS NULL OR released_at <= :now))
     ORDER BY CASE priority WHEN 'express' THEN 0 WHEN 'standard' THEN 1 ELSE 2 END,
              promised_at, order_id
     LIMIT :limit
""")

_KEPT_FOR = text("""
    SELECT order_id, priority
      FROM stock_holds JOIN orders ON order_id = for_order
     WHERE purpose IN ('waitlist', 'order') AND stock_holds.state = 'open'
       AND orders.state IN ('backordered', 'partly_placed')
     ORDER BY purpose DESC, created_at, stock_holds.hold_id  -- the waitlist first: it ends
     LIMIT :limit
""")


class Waiting(NamedTuple):
    """An order that waits for stock, as a taker of it."""

    order_id: str
    priority: str
    channel: str
    sale: str | None
    scope: Mapping[str, int] | None  # as that of an order
    excluded: frozenset[tuple[str, str]]
    wants: Mapping[str, int]  # SKU -> units, beyond those that are kept for it
    # SKU -> warehouse -> units free in other places, for anybody and for its sale alone, whether
    # this order may have them from there or not; no lock: a hint.
    elsewhere: Mapping[str, Mapping[str, int]]
    of_sale: Mapping[str, Mapping[str, int]]

    def may_have_from(self, sku: str, warehouse: str) -> bool:
        """Whether its channel sells from there, and nobody there missed the SKU for it before."""
        return (self.scope is None or warehouse in self.scope) and (
            (sku, warehouse) not in self.excluded
        )

    def free_elsewhere(self, sku: str) -> int:
        """Units that are free in other places and that it may have."""
        return sum(
            units
            for places in (self.elsewhere, self.of_sale)
            for warehouse, units in places.get(sku, {}).items()
            if self.may_have_from(sku, warehouse)
        )


def kept_for(tx: Transaction, limit: int) -> Sequence[tuple[str, str]]:
    """(Order, priority) of those that wait although units are kept for them, the longest first."""
    return [(row.order_id, row.priority) for row in tx.rows(_KEPT_FOR, limit=limit)]


def next_in_line(
    tx: Transaction,
    free: Mapping[str, int],
    *,
    besides: Collection[tuple[str, str]] = (),
    not_since: datetime | None = None,
    limit: int,
) -> Sequence[Waiting]:
    """Who waits for these SKUs, in fair order, and could be placed with what is free.

    What is kept for them already they need no more.

    Args:
        tx: the transaction.
        free: SKU -> units that may be given to them, beside those that are free elsewhere.
        besides: the (SKU, warehouse) in which these units are.
        not_since: orders for which units were kept after this moment are left out; None: nobody.
        limit: how many orders at most.
    """
    places = sorted(besides)
    rows = tx.rows(
        _NEXT,
        skus=list(free),
        units=list(free.values()),
        place_skus=[sku for sku, _ in places],
        places=[warehouse for _, warehouse in places],
        not_since=not_since,
        now=tx.now,
        limit=limit,
    )
    return [
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
    ]
