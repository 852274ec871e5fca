"""What a warehouse may report about."""

from collections.abc import Sequence

from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import UnknownSku, UnknownWarehouse


def checked_warehouse(tx: Transaction, warehouse: str, skus: Sequence[str]) -> None:
    """Refuse reports from places and about things that we do not know.

    Raises:
        UnknownWarehouse: there is no such warehouse.
        UnknownSku: names the first line whose SKU is not in the catalogue.
    """
    if stock.warehouse(tx, warehouse) is None:
        raise UnknownWarehouse(
            f"warehouse: {warehouse} is not known", field="warehouse", warehouse=warehouse
        )
    unknown = stock.unknown_skus(tx, skus)
    for position, sku in enumerate(skus):
        if sku in unknown:
            field = f"lines.{position}.sku"
            raise UnknownSku(f"{field}: {sku} is not in the catalogue", field=field)
