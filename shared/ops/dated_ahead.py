"""Where the books of stock speak of moments to come. Writes nothing.

Nothing has happened that is still to come: a clock was wrong when it was reported. What counts is
when it was recorded.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

# What was dated back is taken off again at the moment to come.
_PLACES = text("""
    WITH place AS (
        SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]))
                      AS place (sku, warehouse)
    ), found AS (
        SELECT sku, warehouse, counted_at AS moment
          FROM stock_levels JOIN place USING (sku, warehouse)
         WHERE counted_at > CAST(:now AS timestamptz)
         UNION ALL
        SELECT sku, warehouse, occurred_at
          FROM stock_movements JOIN place USING (sku, warehouse)
         WHERE occurred_at > greatest(recorded_at, CAST(:now AS timestamptz))
         GROUP BY sku, warehouse, partition, occurred_at
        HAVING sum(quantity) <> 0)
    SELECT sku, warehouse, max(moment) AS latest,
           (SELECT max(least(occurred_at, recorded_at)) FROM stock_movements AS counted
             WHERE (counted.sku, counted.warehouse) = (found.sku, found.warehouse)
               AND kind = 'count' AND reference NOT LIKE 'late:%') AS counted_at
      FROM found
     GROUP BY sku, warehouse
     ORDER BY sku, warehouse
""")
_MOVEMENTS = text("""
    SELECT movement_id, sku, warehouse, partition, kind, quantity, occurred_at, recorded_at,
           (SELECT late.occurred_at FROM stock_movements AS late
             WHERE (late.sku, late.warehouse, late.partition)
                   = (movement.sku, movement.warehouse, movement.partition)
               AND movement.kind = 'count'
               AND movement.reference = 'late:' || late.kind || ':' || late.reference)
               AS corrects_at
      FROM stock_movements AS movement
     WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                     CAST(:warehouses AS text[])))
       AND occurred_at > greatest(recorded_at, CAST(:now AS timestamptz))
       AND kind <> 'repair' AND quantity <> 0
       AND NOT EXISTS (SELECT FROM stock_movements AS twin
                        WHERE (twin.sku, twin.warehouse, twin.partition)
                              = (movement.sku, movement.warehouse, movement.partition)
                          AND twin.kind = 'repair'
                          AND twin.reference = 'ahead:' || movement.movement_id)
     ORDER BY movement_id
""")

Place = tuple[str, str]  # SKU, warehouse


@dataclass(frozen=True, slots=True)
class AheadOfItself:
    """A balance of which the books speak of a moment to come.

    Attributes:
        latest: that moment, the last of them.
        counted_at: when it was counted last, or when that was recorded where it was dated ahead;
            None: it never was.
    """

    sku: str
    warehouse: str
    latest: datetime
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class DatedAhead:
    """A movement that is dated ahead.

    Attributes:
        corrects_at: when the movement occurred that this one takes off again, because a count was
            thought to have seen it; None where it is no such correction.
    """

    movement_id: int
    sku: str
    warehouse: str
    partition: int
    kind: str
    quantity: int
    occurred_at: datetime
    recorded_at: datetime
    corrects_at: datetime | None


def places(tx: Transaction, among: Collection[Place]) -> Sequence[AheadOfItself]:
    """Those of the balances of which a count or a movement is dated ahead of now."""
    rows = tx.rows(_PLACES, now=tx.now, **_named(among)) if among else ()
    return [AheadOfItself(**row._mapping) for row in rows]  # noqa: SLF001


def movements(tx: Transaction, among: Collection[Place]) -> Sequence[DatedAhead]:
    """The movements of these balances that are dated ahead of now, as they were recorded."""
    rows = tx.rows(_MOVEMENTS, now=tx.now, **_named(among))
    return [DatedAhead(**row._mapping) for row in rows]  # noqa: SLF001


def _named(among: Collection[Place]) -> dict[str, list[str]]:
    wanted = sorted(among)
    return {"skus": [sku for sku, _ in wanted], "warehouses": [place for _, place in wanted]}
