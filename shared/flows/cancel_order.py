"""A channel cancelled an order: give everything back and close it, or expect it back."""

from collections.abc import Sequence

from shared.contracts.orders import OrderCancelled, OrderClosed, OrderReturnExpected
from shared.flows.cancel_rest import NOTHING_SENT, cancel_rest, release_kept
from shared.flows.early_changes import locked_or_remembered
from shared.flows.unplace import take_back
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Move, Order, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Parcel, ParcelState


def cancel_order(tx: Transaction, event: OrderCancelled) -> None:
    """Cancel the order, or what of it has no parcel yet; cancelling it again changes nothing.

    What its cart held, or was kept for it while it waited, is free again at once.

    Once a parcel of it is picked the cancellation is a return: what waits is cancelled, the order
    goes on, and what was sent is expected back.

    A cancellation that comes before its order is kept until the order comes.

    Raises:
        LabelBeingBought: whether there is a label to void shows in a moment.
        IllegalTransition: the order has come back already.
        NothingWaits: only the rest is to be cancelled, and there is none.
    """
    order = locked_or_remembered(tx, event)
    if order is None:
        return
    if order.state is OrderState.CANCELLED or order.return_wanted_at is not None:
        return
    parcels = shipments.lock_of_order(tx, order.order_id)
    if event.rest_only and order.state not in NOTHING_SENT:
        cancel_rest(tx, order, parcels, event.reason)
    elif any(parcel.is_picked for parcel in parcels):
        if order.state is OrderState.PARTLY_PLACED:
            order = cancel_rest(tx, order, parcels, event.reason)
        _expect_back(tx, order, parcels, event.reason)
    else:
        _cancel(tx, order, parcels, event.reason)


def _cancel(tx: Transaction, order: Order, parcels: Sequence[Parcel], reason: str) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    tx.write(
        orders.move(tx, Move(order, state, reason)),
        *order_lines.move_all(order, "cancelled"),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=reason)),
    )
    take_back(tx, order, parcels, to_waitlist=True)
    release_kept(tx, order)


def _expect_back(tx: Transaction, order: Order, parcels: Sequence[Parcel], reason: str) -> None:
    sent = [parcel.parcel_id for parcel in parcels if parcel.state is not ParcelState.CANCELLED]
    state = LIFECYCLE.advance(order.state, OrderStep.WANT_BACK)
    tx.write(
        orders.want_back(tx, order, state),
        outbox.put(
            tx,
            OrderReturnExpected(order_id=order.order_id, parcel_ids=tuple(sent), reason=reason),
        ),
    )
