"""What a warehouse may report about, and what is told of balances that grew."""

from collections import Counter
from collections.abc import Iterable, Sequence

from shared.contracts.stock_facts import StockIncreased
from shared.platform import live_changes
from shared.platform.db import Transaction, Write
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.types import Key, KitHasNoStock, Locked, UnknownSku, UnknownWarehouse

WHAT_TO_DO = "correct the name, or load it with the catalogue, and send this again"


def checked_warehouse(
    tx: Transaction, warehouse: str, skus: Sequence[str], *, field: str = "lines.{}.sku"
) -> None:
    """Refuse what is said of places and things that we do not know.

    `field` is the name of the field that has the SKU at a position.

    Raises:
        UnknownWarehouse: there is no such warehouse.
        UnknownSku: names the first line whose SKU is not in the catalogue.
        KitHasNoStock: names the first line whose SKU is a kit, and its components.
    """
    if warehouses.find(tx, warehouse) is None:
        raise UnknownWarehouse(
            f"warehouse: {warehouse} is not known; {WHAT_TO_DO}",
            field="warehouse",
            warehouse=warehouse,
        )
    checked_skus(tx, skus, field=field)


def checked_skus(tx: Transaction, skus: Sequence[str], *, field: str) -> None:
    """Refuse what is said of things that we do not know, or that lie on no shelf.

    Raises:
        UnknownSku, KitHasNoStock: as above.
    """
    known = stock.known(tx, skus)
    for position, sku in enumerate(skus):
        named = field.format(position)
        if sku not in known:
            raise UnknownSku(
                f"{named}: {sku} is not in the catalogue; {WHAT_TO_DO}", field=named, sku=sku
            )
        if kit := known[sku]:
            components = ", ".join(sorted(kit))
            raise KitHasNoStock(
                f"{named}: {sku} is a kit and lies on no shelf; name {components} instead",
                field=named,
                sku=sku,
            )


def told(tx: Transaction, keys: Iterable[Key]) -> Write:
    """Who looks on at these balances is told; that there are fewer units is announced to nobody."""
    rooms = {room for key in keys for room in (f"sku:{key.sku}", f"warehouse:{key.warehouse}")}
    return live_changes.note(tx, *sorted(rooms))


def grown(before: Locked, after: Locked) -> list[StockIncreased]:
    """One event a warehouse for all SKUs of which more can be promised there than before.

    To anybody: also where only orders of a sale can have it.
    """
    now, then = _available(before), _available(after)
    more: dict[str, dict[str, int]] = {}
    for (sku, warehouse, sale), units in sorted(then.items(), key=lambda of: of[0][:2]):
        if units > now[sku, warehouse, sale]:
            more.setdefault(warehouse, {})[sku] = then[sku, warehouse, None]
    return [StockIncreased(warehouse=place, available=skus) for place, skus in more.items()]


def _available(locked: Locked) -> Counter[tuple[str, str, str | None]]:
    """What everybody can be promised (None), and what only orders of a sale can be."""
    units = Counter[tuple[str, str, str | None]]()
    for key, level in locked.levels.items():
        units[key.sku, key.warehouse, level.allotment] += level.available
    return units
