"""The table backorder_caps: how many units of a SKU may wait. Nothing else writes to it."""

from collections.abc import Collection, Mapping

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

# Read as it was before the statement: what waits no longer afterwards.
_LEAVE = """
    UPDATE backorder_caps AS limited SET taken = taken - units
      FROM (SELECT sku, sum(backordered) AS units FROM order_lines
             WHERE order_id = :order_id GROUP BY sku) AS left_by
     WHERE limited.sku = left_by.sku
 RETURNING 1
"""
_CAPS = text("SELECT sku, cap FROM backorder_caps WHERE sku = ANY(CAST(:skus AS text[]))")
# What begins or ends to wait is counted where there is a cap, by who has locked its order. All of
# them have to see a new cap: who is at it now ends first, and who comes waits.
_ALONE = text("LOCK TABLE orders IN EXCLUSIVE MODE")
_SET = text("""
    INSERT INTO backorder_caps (sku, cap, taken)
    SELECT wanted.sku, cap, coalesce((SELECT sum(backordered) FROM order_lines
                                       WHERE order_lines.sku = wanted.sku AND backordered > 0), 0)
      FROM unnest(CAST(:skus AS text[]), CAST(:caps AS integer[])) AS wanted (sku, cap)
        ON CONFLICT (sku) DO UPDATE SET cap = excluded.cap
""")
# Whoever changes what waits changes this row in the same transaction. Where they are locked both
# agree, or never will.
_LOCK_WRONG = text("""
    SELECT sku FROM backorder_caps AS limited
     WHERE taken <> coalesce((SELECT sum(backordered) FROM order_lines
                               WHERE order_lines.sku = limited.sku AND backordered > 0), 0)
     ORDER BY sku FOR NO KEY UPDATE
""")
_RECOUNT = text("""
    UPDATE backorder_caps AS limited SET taken = waiting.units
      FROM (SELECT sku, taken AS found,
                   coalesce((SELECT sum(backordered) FROM order_lines
                              WHERE order_lines.sku = known.sku AND backordered > 0), 0) AS units
              FROM backorder_caps AS known
             WHERE sku = ANY(CAST(:skus AS text[]))) AS waiting
     WHERE limited.sku = waiting.sku AND found <> units
 RETURNING limited.sku, found, units
""")
_DROP = text("DELETE FROM backorder_caps WHERE sku = ANY(CAST(:skus AS text[]))")
_LOCK = text("""
    SELECT sku, cap, taken FROM backorder_caps
     WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY sku FOR NO KEY UPDATE
""")
_LOCK_OF_ORDER = text("""
    SELECT sku FROM backorder_caps
     WHERE sku IN (SELECT sku FROM order_lines WHERE order_id = :order_id AND backordered > 0)
     ORDER BY sku FOR NO KEY UPDATE
""")
_CHANGE = """
    UPDATE backorder_caps AS limited SET taken = taken + wanted.units
      FROM unnest(CAST(:skus AS text[]), CAST(:units AS integer[])) AS wanted (sku, units)
     WHERE limited.sku = wanted.sku
 RETURNING 1
"""


def put(tx: Transaction, caps: Mapping[str, int | None]) -> None:
    """How many units of each SKU may wait for stock; None for any number.

    Where one of them changes, no order changes until the transaction ends: call it before
    anything is locked that is locked after orders.
    """
    known = {row.sku: row.cap for row in tx.rows(_CAPS, skus=sorted(caps))}
    if all(known.get(sku) == cap for sku, cap in caps.items()):
        return
    tx.rows(_ALONE)
    capped = {sku: cap for sku, cap in caps.items() if cap is not None}
    tx.rows(_DROP, skus=sorted(caps.keys() - capped.keys()))
    tx.rows(_SET, skus=list(capped), caps=list(capped.values()))


def recount(tx: Transaction) -> dict[str, tuple[int, int]]:
    """Set right what does not agree with the orders that wait: SKU -> units found, and waiting."""
    skus = [row.sku for row in tx.rows(_LOCK_WRONG)]
    rows = tx.rows(_RECOUNT, skus=skus) if skus else ()
    return {row.sku: (row.found, row.units) for row in rows}


def lock(tx: Transaction, skus: Collection[str]) -> dict[str, int]:
    """How many more units of each capped SKU may wait; locked. SKUs without a cap are missing."""
    return {row.sku: row.cap - row.taken for row in tx.rows(_LOCK, skus=sorted(set(skus)))}


def lock_of_order(tx: Transaction, order_id: str) -> None:
    """The caps of what waits of an order, which is about to wait no longer, are locked."""
    tx.rows(_LOCK_OF_ORDER, order_id=order_id)


def change(units: Mapping[str, int]) -> Write:
    """So many more units of each SKU wait, or fewer; of SKUs without a cap nothing is counted.

    Of what begins to wait `lock` has said that there is room.
    """
    return Write(_CHANGE, {"skus": sorted(units), "units": [units[sku] for sku in sorted(units)]})


def leave(order_id: str) -> Write:
    """Nothing of the order waits for stock any more."""
    return Write(_LEAVE, {"order_id": order_id})
