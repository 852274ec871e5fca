"""A person cancels an order; the channel's own way is `cancel_order`."""

from shared.contracts.orders import OrderCancelled
from shared.flows.audited import audited_order
from shared.flows.cancel_order import cancel_order
from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.people.types import Person
from shared.platform.db import Transaction


def cancel_by_hand(tx: Transaction, order_id: str, person: Person) -> None:
    """Cancel the order as its channel would, with who and why in the audit trail.

    Raises:
        UnknownOrder: there is no such order; a person's word does not wait for one.
        LabelBeingBought, IllegalTransition: as for `cancel_order`.
    """
    order = orders.lock(tx, order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    tx.follow(order.correlation_id)
    reason = f"cancelled by {person.by}: {person.reason}"
    event = OrderCancelled.model_validate({"order_id": order_id, "reason": reason[:200]})
    with audited_order(tx, person, "cancel_order", order_id):
        cancel_order(tx, event)
