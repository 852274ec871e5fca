"""A channel changed an order's lines: give everything back, and let it be placed anew."""

from shared.contracts.orders import OrderAmended, OrderChanged
from shared.flows.checked_lines import checked_lines
from shared.flows.early_changes import locked_or_remembered
from shared.flows.unplace import unplace
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Move
from shared.platform import outbox
from shared.platform.db import Transaction


def change_order(tx: Transaction, event: OrderAmended) -> None:
    """Replace the order's lines; a revision that is not newer than the known one is ignored.

    A change that comes before its order is kept until the order comes.

    Raises:
        UnknownSku: a line names something that the catalogue does not have.
        TooLateToChange: a parcel of it is picked.
        LabelBeingBought: whether there is a label to void shows in a moment.
        IllegalTransition: the order is shipped or closed.
    """
    lines = checked_lines(tx, event.order_id, event.lines)
    order = locked_or_remembered(tx, event)
    if order is None or event.revision <= order.revision:
        return
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    unplace(tx, order)
    order_lines.delete(tx, order.order_id)
    tx.write(
        orders.move(tx, Move(order, state, revision=event.revision)),
        order_lines.insert(order.order_id, lines),
        outbox.put(
            tx,
            OrderChanged(order_id=order.order_id, priority=order.priority, revision=event.revision),
        ),
    )
