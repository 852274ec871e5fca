"""A warehouse counted: make the balance what was counted, as of when it was counted."""

from shared.contracts.stock import StockCounted, StockIncreased
from shared.flows.stocked import checked_warehouse
from shared.kit.errors import Malformed
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.stock import store as stock
from shared.stock.types import CountBelowReserved, Movement


def count_stock(tx: Transaction, event: StockCounted) -> None:
    """Apply a count as of its time: what has moved since then stays moved.

    A count that is not newer than the one applied before it changes nothing, per SKU, and neither
    does one whose `count_id` was booked before.

    Raises:
        UnknownWarehouse, UnknownSku: names the field.
        CountBelowReserved: fewer units are there than are promised; nothing of it is applied.
    """
    skus = [line.sku for line in event.lines]
    if len(set(skus)) < len(skus):
        raise Malformed("lines: a SKU is counted twice", field="lines")
    checked_warehouse(tx, event.warehouse, skus)
    stock.ensure_levels(tx, event.warehouse, skus)
    levels = stock.lock(tx, [(sku, event.warehouse) for sku in skus])
    known = stock.booked(tx, event.warehouse, "count", event.count_id, skus)
    moved = stock.moved_since(tx, event.warehouse, skus, event.counted_at)
    movements: list[Movement] = []
    more: dict[str, int] = {}
    for position, line in enumerate(event.lines):
        level, counted_at = levels[line.sku, event.warehouse]
        if line.sku in known or (counted_at is not None and event.counted_at <= counted_at):
            continue
        on_hand = line.on_hand + moved.get(line.sku, 0)
        if on_hand < level.reserved:
            raise CountBelowReserved(
                f"lines.{position}.on_hand: {on_hand} would be left of {line.sku},"
                f" but {level.reserved} are reserved",
                field=f"lines.{position}.on_hand",
                sku=line.sku,
                warehouse=event.warehouse,
            )
        change = on_hand - level.on_hand
        movements.append(
            Movement(line.sku, event.warehouse, "count", change, event.count_id, event.counted_at)
        )
        if change > 0:
            more[line.sku] = level.plus(change).available
    if movements:
        changes = {(m.sku, m.warehouse): m.quantity for m in movements}
        tx.write(
            stock.add(changes, counted_at=event.counted_at),
            stock.record(tx, movements, actor=event.warehouse),
            *((_announce(tx, event.warehouse, more),) if more else ()),
        )


def _announce(tx: Transaction, warehouse: str, available: dict[str, int]) -> Write:
    return outbox.put(tx, StockIncreased(warehouse=warehouse, available=available))
