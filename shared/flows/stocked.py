"""What a warehouse may report about, and what is told of balances that grew."""

from collections.abc import Iterable, Sequence

from shared.contracts.stock import StockIncreased
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, KitHasNoStock, Locked, UnknownSku, UnknownWarehouse


def checked_warehouse(tx: Transaction, warehouse: str, skus: Sequence[str]) -> None:
    """Refuse reports from places and about things that we do not know.

    Raises:
        UnknownWarehouse: there is no such warehouse.
        UnknownSku: names the first line whose SKU is not in the catalogue.
        KitHasNoStock: names the first line whose SKU is a kit, and its components.
    """
    if stock.warehouse(tx, warehouse) is None:
        raise UnknownWarehouse(
            f"warehouse: {warehouse} is not known", field="warehouse", warehouse=warehouse
        )
    known = stock.known(tx, skus)
    for position, sku in enumerate(skus):
        field = f"lines.{position}.sku"
        if sku not in known:
            raise UnknownSku(f"{field}: {sku} is not in the catalogue", field=field)
        if kit := known[sku]:
            components = ", ".join(sorted(kit))
            raise KitHasNoStock(
                f"{field}: {sku} is a kit and lies on no shelf; report {components} instead",
                field=field,
                sku=sku,
            )


def increased(locked: Locked, changes: Iterable[Change]) -> list[StockIncreased]:
    """One event a warehouse for all SKUs of which more can be promised there after `changes`."""
    after = dict(locked.levels)
    for change in changes:
        after[change.key] = after[change.key].after(change)
    grown: dict[str, dict[str, int]] = {}
    for sku, warehouse in sorted({key[:2] for key in after}):
        now = sum(level.available for level in locked.of(sku, warehouse))
        then = sum(level.available for key, level in after.items() if key[:2] == (sku, warehouse))
        if then > now:
            grown.setdefault(warehouse, {})[sku] = then
    return [StockIncreased(warehouse=place, available=skus) for place, skus in grown.items()]
