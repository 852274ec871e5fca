"""The table open_counts: counts that found fewer than is promised. Nothing else writes to it.

Such a count changes no balance: who was promised units keeps them. Its balance is fenced off, and
the count waits here, as the latest one that was taken, until it can be applied or another is.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_AT = text("""
    SELECT sku, warehouse, count_id, counted_at, on_hand, actor
      FROM open_counts
     WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                     CAST(:warehouses AS text[])))
     ORDER BY sku, warehouse
""")
_KEEP = """
    INSERT INTO open_counts (sku, warehouse, count_id, counted_at, on_hand, actor)
    SELECT *
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]), CAST(:count_ids AS text[]),
                  CAST(:moments AS timestamptz[]), CAST(:on_hands AS integer[]),
                  CAST(:actors AS text[]))
        ON CONFLICT (sku, warehouse) DO UPDATE
       SET count_id = excluded.count_id, counted_at = excluded.counted_at,
           on_hand = excluded.on_hand, actor = excluded.actor
 RETURNING 1
"""
_SETTLE = """
    DELETE FROM open_counts
     WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                     CAST(:warehouses AS text[])))
 RETURNING 1
"""

Place = tuple[str, str]  # SKU, warehouse


class OpenCount(NamedTuple):
    """What was counted of one SKU in one warehouse, and by whom."""

    sku: str
    warehouse: str
    count_id: str
    counted_at: datetime
    on_hand: int
    actor: str

    @property
    def place(self) -> Place:
        return self.sku, self.warehouse


def at(tx: Transaction, places: Collection[Place]) -> dict[Place, OpenCount]:
    """The counts that are open there; the balances are locked."""
    rows = tx.rows(
        _AT, skus=[sku for sku, _ in places], warehouses=[warehouse for _, warehouse in places]
    )
    return {
        (row.sku, row.warehouse): OpenCount(
            row.sku, row.warehouse, row.count_id, row.counted_at, row.on_hand, row.actor
        )
        for row in rows
    }


def keep(counts: Iterable[OpenCount]) -> Write:
    """These counts are open, each instead of the one of its balance before it."""
    made = sorted(counts, key=lambda count: count.place)
    return Write(
        _KEEP,
        {
            "skus": [count.sku for count in made],
            "warehouses": [count.warehouse for count in made],
            "count_ids": [count.count_id for count in made],
            "moments": [count.counted_at for count in made],
            "on_hands": [count.on_hand for count in made],
            "actors": [count.actor for count in made],
        },
        rows=len(made),
    )


def settle(places: Iterable[Place]) -> Write:
    """A count of these balances was applied."""
    done = sorted(places)
    return Write(
        _SETTLE,
        {"skus": [sku for sku, _ in done], "warehouses": [warehouse for _, warehouse in done]},
    )
