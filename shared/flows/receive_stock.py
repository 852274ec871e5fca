"""Goods arrived at a warehouse: book them, once, and tell who waits."""

from collections import Counter

from shared.contracts.stock import StockReceived
from shared.flows.booking import as_of
from shared.flows.stocked import checked_warehouse, increased
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Key, Movement, MovementKind


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
    movements, changes = as_of(
        locked,
        [
            Movement(
                Key(sku, event.warehouse),
                MovementKind.RECEIPT,
                units[sku],
                event.receipt_id,
                event.received_at,
            )
            for sku in sorted(units.keys() - known)
        ],
    )
    if movements:
        tx.write(
            stock.record(tx, movements, actor=event.warehouse),
            stock.change(changes),
            outbox.put(tx, *increased(locked, changes)),
        )
