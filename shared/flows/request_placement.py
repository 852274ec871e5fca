"""Facts become placement work on the queue of its priority."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from shared.contracts.order_facts import OrderAccepted, OrderChanged
from shared.contracts.stock_facts import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.ops.waitlist import Place, kept_for, next_in_line
from shared.orders import store as orders
from shared.orders import waitlist
from shared.orders.types import Priority
from shared.platform import outbox
from shared.platform.db import Transaction

WOKEN_AT_ONCE = 5_000  # orders; more than that come with the next round


def request_placement(tx: Transaction, event: OrderAccepted | OrderChanged) -> None:
    """An order is new or changed: it is to be placed."""
    _place(tx, [(event.order_id, Priority(event.priority))])


def wake_for_stock(tx: Transaction, event: StockIncreased) -> None:
    """There is more: as many of those who wait as the units may serve try again, fairly."""
    _place(tx, _served(tx, event.available))


def wake_backorders(tx: Transaction) -> int:
    """Housekeeping: backorders that stock could serve try again. Returns how many.

    Those first for which units are kept already, should the work that placed them be lost.
    """
    kept = [(order_id, Priority(priority)) for order_id, priority in kept_for(tx, WOKEN_AT_ONCE)]
    woken = dict([*kept, *_served(tx, waitlist.backordered_skus(tx))])
    _place(tx, woken.items())
    return len(woken)


def promote_waiting(tx: Transaction, longest_wait_s: int) -> int:
    """Housekeeping: an order that has waited for its share in one queue asks the next one too.

    The rules are data (`ageing_rules`): the share of the longest wait, and the queue to ask then.
    So a standard order is never longer behind express ones than that, and work that a queue has
    lost is asked for again. Being asked twice is harmless: whoever comes second finds it placed.

    Args:
        tx: the transaction.
        longest_wait_s: how long an order may wait before everything is done to place it.

    Returns:
        How many orders were promoted.
    """
    promoted = orders.promote(tx, longest_wait_s, WOKEN_AT_ONCE)
    _place(tx, promoted)
    return len(promoted)


def _served(tx: Transaction, skus: Collection[str]) -> Sequence[tuple[str, Priority]]:
    """Who waits for these SKUs and can be served by what all warehouses have together.

    Who wants more of anything than those before have left, or may not have it from where it is,
    does not stand in the way of others.
    """
    taken = Counter[Place]()
    served = []
    for order in next_in_line(tx, skus, limit=WOKEN_AT_ONCE):
        own = {
            place: units
            for sku, wanted in order.wants.items()
            for place, units in order.from_elsewhere(sku, wanted, taken).items()
        }
        if sum(own.values()) == sum(order.wants.values()):
            taken.update(own)
            served.append((order.order_id, Priority(order.priority)))
    return served


def _place(tx: Transaction, waiting: Iterable[tuple[str, Priority]]) -> None:
    work = [PlaceOrder(order_id=order_id, priority=priority) for order_id, priority in waiting]
    if work:
        tx.write(outbox.put(tx, *work))
