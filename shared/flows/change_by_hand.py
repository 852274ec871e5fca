"""A person changes what is in an order; the channel's own way is `change_order`."""

from collections.abc import Sequence

from shared.contracts.orders import OrderedLine
from shared.flows.audited import audited_order
from shared.flows.change_order import lay_lines
from shared.flows.checked_lines import checked_lines
from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.people.types import Person
from shared.platform.db import Transaction


def change_by_hand(
    tx: Transaction, order_id: str, person: Person, wanted: Sequence[OrderedLine]
) -> None:
    """Replace the order's lines as its channel would, with who and why in the audit trail.

    Its revision is the channel's and stays: what the channel says next replaces this.

    Raises:
        UnknownOrder: there is no such order.
        UnknownSku: a line names something that the catalogue does not have.
        TooLateToChange, LabelBeingBought, IllegalTransition: as for `change_order`.
    """
    lines = checked_lines(tx, order_id, wanted)
    order = orders.lock(tx, order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    tx.follow(order.correlation_id)
    with audited_order(tx, person, "change_lines", order_id):
        lay_lines(tx, order, lines, order.revision)
