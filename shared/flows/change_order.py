"""A channel changed an order's lines: give everything back, and let it be placed anew."""

from shared.contracts.orders import OrderAmended, OrderChanged
from shared.flows.checked_lines import checked_lines
from shared.flows.unplace import unplace
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import OrderNotHereYet
from shared.platform import outbox
from shared.platform.db import Transaction


def change_order(tx: Transaction, event: OrderAmended) -> None:
    """Replace the order's lines; a revision that is not newer than the known one is ignored.

    Raises:
        OrderNotHereYet: the change came before the order.
        UnknownSku: a line names something that the catalogue does not have.
        TooLateToChange: a label is being bought, or a parcel is on its way.
        IllegalTransition: the order is shipped or closed.
    """
    order = orders.lock(tx, event.order_id)
    if order is None:
        raise OrderNotHereYet("the order is not known yet", order_id=event.order_id)
    if event.revision <= order.revision:
        return
    lines = checked_lines(tx, event.order_id, event.lines)
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    unplace(tx, order)
    orders.delete_lines(tx, order.order_id)
    tx.write(
        orders.move(tx, order, state, revision=event.revision),
        orders.insert_lines(order.order_id, lines),
        outbox.put(
            tx,
            OrderChanged(order_id=order.order_id, priority=order.priority, revision=event.revision),
        ),
    )
