"""What is there of a SKU, row by row."""

from collections.abc import Sequence

from shared.flows.stocked import checked_skus
from shared.ops.stock_view import BalanceRow, balance_rows
from shared.platform.db import Transaction


def show_stock(tx: Transaction, sku: str) -> Sequence[BalanceRow]:
    """Every partition in every warehouse, as it is now.

    Raises:
        UnknownSku, KitHasNoStock: names the field.
    """
    checked_skus(tx, [sku], field="sku")
    return balance_rows(tx, sku)
