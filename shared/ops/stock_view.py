"""Every row of a SKU's balances, to look at. Writes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.platform.db import Transaction
from shared.platform.sql import text

_ROWS = text("""
    SELECT warehouse, partition, on_hand, reserved, held, safety,
           CASE WHEN fenced_for IS NULL
                THEN greatest(0, on_hand - reserved - held - safety) ELSE 0 END AS available,
           allotment, fenced_for, max(counted_at) OVER (PARTITION BY warehouse) AS counted_at
      FROM stock_levels
     WHERE sku = :sku
       AND (CAST(:warehouse AS text) IS NULL OR warehouse = CAST(:warehouse AS text))
     ORDER BY warehouse, partition
""")


class BalanceRow(NamedTuple):
    """One partition of a SKU in a warehouse, in units."""

    warehouse: str
    partition: int
    on_hand: int
    reserved: int
    held: int
    safety: int
    available: int
    allotment: str | None  # the sale that alone may take from it
    fenced_for: str | None  # why nothing of it is promised
    counted_at: datetime | None  # of the whole warehouse


def balance_rows(tx: Transaction, sku: str, warehouse: str | None = None) -> Sequence[BalanceRow]:
    """The rows by warehouse and number, without a lock; in one warehouse, or in all."""
    rows = tx.rows(_ROWS, sku=sku, warehouse=warehouse)
    return [BalanceRow(**row._mapping) for row in rows]  # noqa: SLF001
