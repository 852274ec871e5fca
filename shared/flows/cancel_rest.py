"""What of an order has no parcel yet is no longer wanted: the rest of it goes its way."""

from collections.abc import Sequence

from shared.flows.give_back import give_back
from shared.flows.without_rest import without_rest
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState
from shared.orders import backorder_caps, order_lines
from shared.orders import store as orders
from shared.orders.types import WAITS_FOR_STOCK, NothingWaits, Order, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.lifecycle import OPEN
from shared.shipments.types import Parcel
from shared.stock import store as stock

# All of these orders waits, so that cancelling the rest is cancelling the order.
NOTHING_SENT = frozenset({OrderState.WAITING, OrderState.BACKORDERED, OrderState.REVIEW})


def cancel_rest(tx: Transaction, order: Order, parcels: Sequence[Parcel], reason: str) -> Order:
    """Cancel what has no parcel yet, once. Order and parcels are locked.

    Returns:
        The order as it is then.

    Raises:
        NothingWaits: every unit of the order has a parcel.
    """
    lines = order_lines.of_order(tx, order.order_id)
    if order.state is not OrderState.PARTLY_PLACED:
        if any(line.cancelled for line in lines):
            return order
        raise NothingWaits(
            "rest_only: every unit of the order has a parcel; cancel the whole order instead",
            field="rest_only",
            order_id=order.order_id,
        )
    made = without_rest(order, lines, [parcel.state for parcel in parcels], reason)
    kept = lock_what_it_leaves(tx, order)
    tx.write(
        orders.move(tx, made.move),
        order_lines.split(made.splits),
        backorder_caps.change(order_lines.waits_more(lines, made.splits)),
        outbox.put(tx, *made.news),
    )
    give_back(tx, kept, HoldState.RELEASED)
    return order._replace(state=made.move.state)


def lock_what_it_leaves(
    tx: Transaction, order: Order, parcels: Sequence[Parcel] = ()
) -> tuple[Hold, ...]:
    """Lock what others may have once the order wants it no longer, in the order of all locks.

    Its own holds: what its cart held, and what was kept for it while it waited. Then the balances
    that they and these parcels are in, and the caps that it waits under.

    Returns:
        The holds, which are to be given back.
    """
    kept = holds.lock_of_orders(tx, [order.order_id])
    places = {(item.sku, item.warehouse) for hold in kept for item in hold.items}
    open_parcels = {p.parcel_id: p.warehouse for p in parcels if p.state in OPEN}
    if (kept or order.state in WAITS_FOR_STOCK) and open_parcels:
        contents = shipments.contents(tx, list(open_parcels))
        places |= {
            (item.sku, warehouse)
            for parcel_id, warehouse in open_parcels.items()
            for item in contents[parcel_id]
        }
    if places:
        stock.lock(tx, places)
    if order.state in WAITS_FOR_STOCK:
        backorder_caps.lock_of_order(tx, order.order_id)
    return kept
