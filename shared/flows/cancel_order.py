"""A channel cancelled an order: give everything back, and close it."""

from shared.contracts.orders import OrderCancelled, OrderClosed
from shared.flows.unplace import unplace
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import OrderNotHereYet, OrderState
from shared.platform import outbox
from shared.platform.db import Transaction


def cancel_order(tx: Transaction, event: OrderCancelled) -> None:
    """Cancel the whole order; cancelling it again changes nothing.

    Raises:
        OrderNotHereYet: the cancellation came before the order.
        TooLateToChange: a label is being bought, or a parcel is on its way.
        IllegalTransition: the order is shipped, delivered or returned.
    """
    order = orders.lock(tx, event.order_id)
    if order is None:
        raise OrderNotHereYet("the order is not known yet", order_id=event.order_id)
    if order.state is OrderState.CANCELLED:
        return
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    unplace(tx, order)
    tx.write(
        orders.move(tx, order, state, event.reason),
        orders.move_units(order.order_id, "cancelled"),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=event.reason)),
    )
