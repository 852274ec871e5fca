"""Balances beside all that should explain them: ledger, parcels and holds. Writes nothing."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from shared.platform.db import Transaction
from shared.platform.sql import text

_PLACES = text("""
    SELECT sku, warehouse
      FROM ((SELECT DISTINCT sku, warehouse FROM stock_levels
              WHERE (sku, warehouse) > (:sku, :warehouse)
              ORDER BY sku, warehouse LIMIT :limit)
             UNION
            (SELECT DISTINCT sku, warehouse FROM parcels JOIN parcel_items USING (parcel_id)
              WHERE state IN ('planned', 'labelling', 'labelled')
                AND (sku, warehouse) > (:sku, :warehouse)
              ORDER BY sku, warehouse LIMIT :limit)) AS place
     ORDER BY sku, warehouse
     LIMIT :limit
""")
# One statement, so that all figures are of one moment. Few of all parcels are open, so these are
# found first.
_NOT_RIGHT = text("""
    WITH place AS (
        SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]))
                      AS place (sku, warehouse)
    ), level AS (
        SELECT stock_levels.* FROM stock_levels JOIN place USING (sku, warehouse)
    ), moved AS (
        SELECT sku, warehouse, partition, sum(quantity) AS units
          FROM stock_movements JOIN place USING (sku, warehouse)
         GROUP BY sku, warehouse, partition
    ), packed AS MATERIALIZED (
        SELECT sku, warehouse, partition, quantity
          FROM parcels JOIN parcel_items USING (parcel_id)
         WHERE state IN ('planned', 'labelling', 'labelled')
    ), parcelled AS (
        SELECT sku, warehouse, partition, sum(quantity) AS units
          FROM packed JOIN place USING (sku, warehouse)
         GROUP BY sku, warehouse, partition
    ), kept AS (
        SELECT sku, warehouse, partition, sum(quantity) AS units
          FROM stock_holds JOIN stock_hold_items USING (hold_id)
               JOIN place USING (sku, warehouse)
         WHERE state = 'open'
         GROUP BY sku, warehouse, partition
    ), books AS (
        SELECT sku, warehouse, partition, coalesce(on_hand, 0) AS on_hand,
               coalesce(reserved, 0) AS reserved, coalesce(held, 0) AS held,
               coalesce(moved.units, 0) AS moved, coalesce(parcelled.units, 0) AS in_parcels,
               coalesce(kept.units, 0) AS in_holds,
               coalesce(fenced_for, :shut) <> :shut AS fenced
          FROM level FULL JOIN parcelled USING (sku, warehouse, partition)
               LEFT JOIN moved USING (sku, warehouse, partition)
               LEFT JOIN kept USING (sku, warehouse, partition)
    )
    SELECT sku, warehouse, partition, on_hand, reserved, held, moved, in_parcels, in_holds
      FROM books
     WHERE fenced OR on_hand <> moved OR reserved <> in_parcels OR held <> in_holds
        OR on_hand < in_parcels + in_holds
     ORDER BY sku, warehouse, partition
""")
_KEPT_FOR_NOBODY = text("""
    SELECT stock_holds.hold_id FROM stock_holds LEFT JOIN orders ON order_id = for_order
     WHERE stock_holds.state = 'open' AND purpose = 'order'
       AND coalesce(orders.state, '') NOT IN ('waiting', 'backordered', 'partly_placed', 'review')
     ORDER BY stock_holds.hold_id
     LIMIT :limit
""")

Place = tuple[str, str]  # SKU, warehouse


class Books(NamedTuple):
    """The figures of one row, and what they should be by what happened. All zero: no such row."""

    sku: str
    warehouse: str
    partition: int
    on_hand: int
    reserved: int
    held: int
    moved: int  # the sum of the ledger
    in_parcels: int  # units in parcels that have not left
    in_holds: int  # units of open holds


def places(tx: Transaction, after: Place, limit: int) -> Sequence[Place]:
    """The next (SKU, warehouse) behind `after` with a balance, or with promises and none."""
    rows = tx.rows(_PLACES, sku=after[0], warehouse=after[1], limit=limit)
    return [(row.sku, row.warehouse) for row in rows]


def not_right(tx: Transaction, among: Collection[Place], shut: str) -> Sequence[Books]:
    """The rows there whose figures are not explained, or that are fenced off for another reason.

    What happens at this moment is no drift: where it matters the balances are locked, since
    whoever changes parcels, holds or the ledger changes the balance in the same transaction.
    """
    wanted = sorted(among)
    rows = tx.rows(
        _NOT_RIGHT,
        skus=[sku for sku, _ in wanted],
        warehouses=[warehouse for _, warehouse in wanted],
        shut=shut,
    )
    return [
        Books(
            sku=row.sku,
            warehouse=row.warehouse,
            partition=row.partition,
            on_hand=row.on_hand,
            reserved=row.reserved,
            held=row.held,
            moved=row.moved,
            in_parcels=row.in_parcels,
            in_holds=row.in_holds,
        )
        for row in rows
    ]


def kept_for_nobody(tx: Transaction, limit: int) -> Sequence[str]:
    """Holds of what orders had in parcels that are not to be placed anew, without a lock."""
    return [row.hold_id for row in tx.rows(_KEPT_FOR_NOBODY, limit=limit)]
