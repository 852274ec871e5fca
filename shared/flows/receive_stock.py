"""Goods arrived at a warehouse: book them, once, and tell who waits."""

from collections import Counter

from shared.contracts.stock import StockIncreased, StockReceived
from shared.flows.stocked import checked_warehouse
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Movement


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
    levels = stock.lock(tx, [(sku, event.warehouse) for sku in units])
    known = stock.booked(tx, event.warehouse, "receipt", event.receipt_id, units)
    movements, news = [], []
    for sku in sorted(units.keys() - known):
        level, counted_at = levels[sku, event.warehouse]
        receipt, came_at = event.receipt_id, event.received_at
        movements.append(Movement(sku, event.warehouse, "receipt", units[sku], receipt, came_at))
        if counted_at is not None and came_at <= counted_at:
            reference = f"late:{receipt}"
            movements.append(
                Movement(sku, event.warehouse, "count", -units[sku], reference, counted_at)
            )
        else:
            news.append((level, units[sku]))
    if movements:
        tx.write(stock.record(tx, movements, actor=event.warehouse))
    if news:
        tx.write(
            stock.add({(level.sku, level.warehouse): quantity for level, quantity in news}),
            outbox.put(
                tx,
                StockIncreased(
                    warehouse=event.warehouse,
                    available={
                        level.sku: level.plus(quantity).available for level, quantity in news
                    },
                ),
            ),
        )
