"""Goods arrived at a warehouse: book them, once, and tell who waits."""

from collections import Counter

from shared.contracts.stock import StockReceived
from shared.flows.stocked import checked_warehouse, increased
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Locked, Movement, MovementKind


def receive_stock(tx: Transaction, event: StockReceived) -> None:
    """Book a receipt. The same receipt again changes nothing, whatever its event id.

    A receipt from before the latest count is on the shelf that was counted already: it is booked
    together with the correction that leaves the balance as it was counted.

    Raises:
        UnknownWarehouse, UnknownSku: names the field.
    """
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    units = Counter[str]()
    for line in event.lines:
        units[line.sku] += line.quantity
    stock.ensure_levels(tx, event.warehouse, units)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in units])
    known = stock.booked(tx, event.warehouse, MovementKind.RECEIPT, event.receipt_id, units)
    movements, changes = [], []
    for sku in sorted(units.keys() - known):
        key, came_at = Key(sku, event.warehouse), event.received_at
        movements.append(Movement(key, MovementKind.RECEIPT, units[sku], event.receipt_id, came_at))
        if locked.already_counted(sku, event.warehouse, came_at):
            movements.append(_counted_before(locked, key, units[sku], event.receipt_id))
        else:
            changes.append(Change(key, on_hand=units[sku]))
    if movements:
        tx.write(
            stock.record(tx, movements, actor=event.warehouse),
            stock.change(changes),
            outbox.put(tx, *increased(locked, changes)),
        )


def _counted_before(locked: Locked, key: Key, units: int, receipt_id: str) -> Movement:
    counted_at = locked.counted_at[key.sku, key.warehouse]
    assert counted_at is not None, "it was counted already"
    return Movement(key, MovementKind.COUNT, -units, f"late:{receipt_id}", counted_at)
