"""What of an order has no parcel yet is no longer wanted: the rest of it goes its way."""

from collections.abc import Sequence
from dataclasses import replace

from shared.flows.give_back import give_back
from shared.flows.without_rest import without_rest
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.orders import backorder_caps, order_lines
from shared.orders import store as orders
from shared.orders.types import NothingWaits, Order, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments.types import Parcel

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
    tx.write(
        orders.move(tx, made.move),
        order_lines.split(made.splits),
        backorder_caps.change(order_lines.waits_more(lines, made.splits)),
        outbox.put(tx, *made.news),
    )
    release_kept(tx, order)
    return replace(order, state=made.move.state)


def release_kept(tx: Transaction, order: Order) -> None:
    """What its cart held, or was kept for the order while it waited, is free again."""
    kept = holds.lock_of_orders(tx, {order.order_id: order.hold_id})
    if kept:
        give_back(tx, kept, HoldState.RELEASED)
