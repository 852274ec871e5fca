"""A channel cancelled an order: give everything back, and close it."""

from shared.contracts.orders import OrderCancelled, OrderClosed
from shared.flows.early_changes import locked_or_remembered
from shared.flows.unplace import unplace
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import OrderState
from shared.platform import outbox
from shared.platform.db import Transaction


def cancel_order(tx: Transaction, event: OrderCancelled) -> None:
    """Cancel the whole order; cancelling it again changes nothing.

    A cancellation that comes before its order is kept until the order comes.

    Raises:
        TooLateToChange: a label is being bought, or a parcel is on its way.
        IllegalTransition: the order is shipped, delivered or returned.
    """
    order = locked_or_remembered(tx, event)
    if order is None:
        return
    if order.state is OrderState.CANCELLED:
        return
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    unplace(tx, order)
    tx.write(
        orders.move(tx, order, state, event.reason),
        *orders.move_units(order, "cancelled"),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=event.reason)),
    )
