"""Facts become placement work on the queue of its priority."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.contracts.order_facts import OrderAccepted, OrderChanged
from shared.contracts.stock_facts import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.ops.waitlist import Waiting, kept_for, next_in_line
from shared.orders import store as orders
from shared.orders import waitlist
from shared.orders.types import Priority
from shared.platform import outbox
from shared.platform.db import Transaction

WOKEN_AT_ONCE = 5_000  # orders; more than that come with the next round

_Place = tuple[str, str, str | None]  # SKU, warehouse, and the sale that alone may have it


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
    left: dict[_Place, int] = {}
    served = []
    for order in next_in_line(tx, dict.fromkeys(skus, 0), limit=WOKEN_AT_ONCE):
        taken = _taken(order, left)
        if taken:
            for place, units in taken.items():
                left[place] -= units
            served.append((order.order_id, Priority(order.priority)))
    return served


def _taken(order: Waiting, left: dict[_Place, int]) -> Mapping[_Place, int]:
    """What the order could have of what is left; nothing where it could not be served in full."""
    taken: dict[_Place, int] = {}
    for sku, wanted in order.wants.items():
        missing = wanted
        for sale, places in ((order.sale, order.of_sale[sku]), (None, order.elsewhere[sku])):
            for warehouse, units in places.items():
                if order.may_have_from(sku, warehouse):
                    place = (sku, warehouse, sale)
                    taken[place] = min(missing, left.setdefault(place, units))
                    missing -= taken[place]
        if missing:
            return {}
    return taken


def _place(tx: Transaction, waiting: Iterable[tuple[str, Priority]]) -> None:
    work = [PlaceOrder(order_id=order_id, priority=priority) for order_id, priority in waiting]
    if work:
        tx.write(outbox.put(tx, *work))
