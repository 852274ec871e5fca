"""Changes that come before their order: they wait for it, as rows and not as retries.

A redelivery would come a second later, when the label has been bought and it is too late.
"""

from datetime import timedelta

from shared.contracts.orders import OrderAmended, OrderCancelled
from shared.kit.errors import Rejected
from shared.orders import early_changes
from shared.orders import store as orders
from shared.orders.types import EarlyChange, Order
from shared.platform import dead_letters
from shared.platform.db import Transaction
from shared.platform.dead_letters import DeadLetter

PATIENCE = timedelta(hours=24)
PARKED_AT_ONCE = 500
LAST_REVISION = 2_147_483_647  # a cancellation is the last word


class OrderNeverCame(Rejected):
    """A change has waited for its order for too long."""

    code = "order_never_came"


def locked_or_remembered(tx: Transaction, event: OrderAmended | OrderCancelled) -> Order | None:
    """The order, locked; or None, and the change is kept until `accept_order` takes it."""
    order = orders.lock(tx, event.order_id)
    if order is not None:
        return order
    orders.one_at_a_time(tx, event.order_id)
    order = orders.lock(tx, event.order_id)  # it may have come while we waited
    if order is None:
        revision = event.revision if isinstance(event, OrderAmended) else LAST_REVISION
        change = EarlyChange(event.order_id, event.type, event.encode(), tx.cause.event_id)
        tx.write(early_changes.remember(tx, change, revision))
    return order


def park_early_changes(tx: Transaction) -> int:
    """Housekeeping: park the changes whose order has not come. Returns how many."""
    overdue = early_changes.take_overdue(tx, tx.now - PATIENCE, PARKED_AT_ONCE)
    for change in overdue:
        error = OrderNeverCame(
            f"order_id: no such order came within {PATIENCE}",
            field="order_id",
            order_id=change.order_id,
        )
        dead_letters.park(
            tx,
            DeadLetter(
                source="early_changes",
                message_id=change.event_id,
                code=error.code,
                reason=str(error),
                facts=error.facts,
                attributes={"ce-type": change.type, "ce-id": change.event_id},
                payload=change.body,
                attempts=1,
            ),
        )
    return len(overdue)
