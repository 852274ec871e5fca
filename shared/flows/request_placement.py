"""Facts become placement work on the queue of its priority."""

from collections.abc import Iterable
from datetime import timedelta

from shared.contracts.orders import OrderAccepted, OrderChanged
from shared.contracts.stock import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.orders import store as orders
from shared.orders.types import Priority
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock

WOKEN_AT_ONCE = 500  # orders; more than that come with the next round
OVERDUE = timedelta(minutes=5)  # a waiting order that no queue seems to know about


def request_placement(tx: Transaction, event: OrderAccepted | OrderChanged) -> None:
    """An order is new or changed: it is to be placed."""
    _place(tx, [(event.order_id, Priority(event.priority))])


def wake_for_stock(tx: Transaction, event: StockIncreased) -> None:
    """There is more: as many of those who wait as the units may serve try again, fairly."""
    _place(tx, orders.backordered_for(tx, event.available, WOKEN_AT_ONCE))


def wake_backorders(tx: Transaction) -> int:
    """Housekeeping: backorders that stock could serve, and orders that no queue knows, try again.

    Returns:
        How many orders were woken.
    """
    supply = stock.available(tx, orders.backordered_skus(tx))
    served = {sku: units for sku, units in supply.items() if units > 0}
    woken = [
        *orders.backordered_for(tx, served, WOKEN_AT_ONCE),
        *orders.overdue(tx, tx.now - OVERDUE, WOKEN_AT_ONCE),
    ]
    _place(tx, woken)
    return len(woken)


def _place(tx: Transaction, waiting: Iterable[tuple[str, Priority]]) -> None:
    work = [PlaceOrder(order_id=order_id, priority=priority) for order_id, priority in waiting]
    if work:
        tx.write(outbox.put(tx, *work))
