"""The table backorder_caps: how many units of a SKU may wait. Nothing else writes to it."""

from collections.abc import Collection, Mapping

from sqlalchemy import text

from shared.platform.db import Transaction, Write

# Read as it was before the statement: what waits no longer afterwards.
_LEAVE = """
    UPDATE backorder_caps AS limited SET taken = taken - units
      FROM (SELECT sku, sum(backordered) AS units FROM order_lines
             WHERE order_id = :order_id GROUP BY sku) AS left_by
     WHERE limited.sku = left_by.sku
 RETURNING 1
"""
_SET = text("""
    INSERT INTO backorder_caps (sku, cap, taken)
    SELECT wanted.sku, cap, coalesce((SELECT sum(backordered) FROM order_lines
                                       WHERE order_lines.sku = wanted.sku AND backordered > 0), 0)
      FROM unnest(CAST(:skus AS text[]), CAST(:caps AS integer[])) AS wanted (sku, cap)
        ON CONFLICT (sku) DO UPDATE SET cap = excluded.cap
""")
_DROP = text("DELETE FROM backorder_caps WHERE sku = ANY(CAST(:skus AS text[]))")
_LOCK = text("""
    SELECT sku, cap, taken FROM backorder_caps
     WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY sku FOR NO KEY UPDATE
""")
_CHANGE = """
    UPDATE backorder_caps AS limited SET taken = taken + wanted.units
      FROM unnest(CAST(:skus AS text[]), CAST(:units AS integer[])) AS wanted (sku, units)
     WHERE limited.sku = wanted.sku
 RETURNING 1
"""


def put(tx: Transaction, caps: Mapping[str, int | None]) -> None:
    """How many units of each SKU may wait for stock; None for any number."""
    capped = {sku: cap for sku, cap in caps.items() if cap is not None}
    tx.connection.execute(_DROP, {"skus": sorted(caps.keys() - capped.keys())})
    tx.connection.execute(_SET, {"skus": list(capped), "caps": list(capped.values())})


def lock(tx: Transaction, skus: Collection[str]) -> dict[str, int]:
    """How many more units of each capped SKU may wait; locked. SKUs without a cap are missing."""
    return {row.sku: row.cap - row.taken for row in tx.rows(_LOCK, skus=sorted(set(skus)))}


def change(units: Mapping[str, int]) -> Write:
    """So many more units of each SKU wait, or fewer; of SKUs without a cap nothing is counted.

    Of what begins to wait `lock` has said that there is room.
    """
    return Write(_CHANGE, {"skus": sorted(units), "units": [units[sku] for sku in sorted(units)]})


def leave(order_id: str) -> Write:
    """Nothing of the order waits for stock any more."""
    return Write(_LEAVE, {"order_id": order_id})
