"""A channel cancelled an order: give everything back and close it, or expect it back."""

from collections.abc import Collection, Sequence

from shared.contracts.order_facts import OrderClosed, OrderReturnExpected
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_rest import NOTHING_SENT, cancel_rest, lock_what_it_leaves
from shared.flows.early_changes import locked_or_remembered
from shared.flows.give_back import give_back
from shared.flows.left_out import leave_out, taken_out
from shared.flows.unplace import NOTHING, take_back
from shared.holds.types import HoldState
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.lifecycle import OPEN
from shared.shipments.types import Parcel, ParcelState


def cancel_order(tx: Transaction, event: OrderCancelled) -> None:
    """Cancel the order, or what of it has no parcel yet; cancelling it again changes nothing.

    What its cart held, or was kept for it while it waited, is free again at once.

    Once a parcel of it is picked the cancellation is a return of what is picked: the order goes on
    with that, which is expected back. The others are not sent, but those that have another part of
    a kit that is sent.

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
        _expect_back(tx, order, parcels, event.reason)
    else:
        _cancel(tx, order, parcels, event.reason)


def _cancel(tx: Transaction, order: Order, parcels: Sequence[Parcel], reason: str) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    kept = lock_what_it_leaves(tx, order, parcels)
    tx.write(
        orders.move(tx, Move(order, state, reason)),
        *order_lines.move_all(order, "cancelled"),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=reason)),
    )
    take_back(tx, order, parcels, keeping=NOTHING)
    give_back(tx, kept, HoldState.RELEASED)


def _expect_back(tx: Transaction, order: Order, parcels: Sequence[Parcel], reason: str) -> None:
    left = {p.parcel_id: p for p in parcels if p.state in OPEN and not p.is_picked}
    if order.state is OrderState.PARTLY_PLACED:
        lock_what_it_leaves(tx, order, list(left.values()))
        order = cancel_rest(tx, order, parcels, reason)
    taken = _take_whole(tx, order, left) if left else []
    sent = [
        parcel
        for parcel in parcels
        if parcel.state is not ParcelState.CANCELLED and parcel.parcel_id not in left
    ]
    tx.write(
        orders.want_back(tx, order, LIFECYCLE.advance(order.state, OrderStep.WANT_BACK)),
        outbox.put(
            tx,
            OrderReturnExpected(
                order_id=order.order_id,
                parcel_ids=tuple([parcel.parcel_id for parcel in sent]),
                reason=reason,
            ),
        ),
    )
    if left:
        take_back(tx, order, left.values(), keeping=NOTHING)
        leave_out(tx, order, taken, [parcel.state for parcel in sent])


def _take_whole(
    tx: Transaction, order: Order, left: dict[str, Parcel]
) -> Collection[tuple[Line, int]]:
    """What is in the parcels that are left; those that would tear a kit are taken out of them."""
    lines = order_lines.of_order(tx, order.order_id)
    contents = shipments.contents(tx, list(left))
    while True:
        taken, torn = taken_out(lines, [item for name in left for item in contents[name]])
        if not torn:
            return taken
        apart = {line.line_no for line in torn}
        for name in list(left):
            if any(item.line_no in apart for item in contents[name]):
                del left[name]
