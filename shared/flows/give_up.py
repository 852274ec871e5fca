"""Work that will not be tried again: park it, and tell that a person has to look at its order."""

from shared.contracts.base import Work
from shared.contracts.order_facts import OrderNeedsReview
from shared.contracts.work import BuyLabel, DeliverWebhook, PlaceOrder
from shared.flows.park_under_order import concerning_order
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, PLACEABLE, OrderStep
from shared.orders.types import Move, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.platform.dead_letters import DeadLetter, park
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState

_UNLABELLED = frozenset({ParcelState.PLANNED, ParcelState.LABELLING})


def give_up(tx: Transaction, letter: DeadLetter, work: Work | None) -> None:
    """Park the work and compensate, once for each time that its letter becomes open.

    `work` is what the letter holds as it was understood; None where it could not be read.
    """
    if not park(tx, concerning_order(tx, letter)):
        return
    if isinstance(work, PlaceOrder):
        _let_review(tx, work, letter)
    elif isinstance(work, BuyLabel):
        _tell_of_missing_label(tx, work, letter)
    elif isinstance(work, DeliverWebhook):
        from shared.flows.deliver_webhook import give_up_webhook  # noqa: PLC0415  for its own only

        give_up_webhook(tx, work)


def _let_review(tx: Transaction, work: PlaceOrder, letter: DeadLetter) -> None:
    """The order waits for a person from here on.

    It has nothing to give back: placing is one transaction, so what was given up reserved nothing.
    """
    order = orders.lock(tx, work.order_id)
    if order is None or order.state not in PLACEABLE:
        return
    tx.follow(order.correlation_id)
    reason = f"placing it was given up: {letter.code}"
    if order.state is OrderState.PARTLY_PLACED:  # what has parcels goes its way
        tx.write(outbox.put(tx, OrderNeedsReview(order_id=order.order_id, reason=reason)))
        return
    tx.write(
        orders.move(tx, Move(order, LIFECYCLE.advance(order.state, OrderStep.REVIEW), reason)),
        *order_lines.move_all(order, "waiting"),
        outbox.put(tx, OrderNeedsReview(order_id=order.order_id, reason=reason)),
    )


def _tell_of_missing_label(tx: Transaction, work: BuyLabel, letter: DeadLetter) -> None:
    """The order stays as it is, and its open letter is what marks it for review.

    Its goods are there and promised, and others of its parcels may be on their way.
    """
    parcel = shipments.find(tx, work.parcel_id)
    if parcel is None or parcel.state not in _UNLABELLED:
        return
    order = orders.find(tx, parcel.order_id)
    assert order is not None, "parcels refer to orders"
    tx.follow(order.correlation_id)
    reason = f"parcel {parcel.parcel_id} has no label: {letter.code}"
    tx.write(outbox.put(tx, OrderNeedsReview(order_id=order.order_id, reason=reason)))
