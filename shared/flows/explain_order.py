"""Why an order was decided as it was, for a person to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.http_orders import OrderView
from shared.ops import decisions, reroutes
from shared.ops.decisions import Decision
from shared.ops.order_view import view_order
from shared.ops.reroutes import RerouteRow
from shared.orders.types import UnknownOrder
from shared.platform.db import Transaction


@dataclass(frozen=True, slots=True)
class Explained:
    """An order as it stands, every decision about it and every reroute, the oldest first."""

    order: OrderView
    decisions: tuple[Decision, ...]
    reroutes: Sequence[RerouteRow]


def explain_order(tx: Transaction, order_id: str) -> Explained:
    """The order and what was decided about it.

    Raises:
        UnknownOrder: there is no such order.
    """
    order = view_order(tx, order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    return Explained(order, decisions.of_order(tx, order_id), reroutes.of_order(tx, order_id))
