"""Where a customer can follow an order."""

from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.platform.db import Transaction


def page_of(base_url: str, token: str) -> str:
    """The address of the page that a token opens."""
    return f"{base_url}/{token}"


def link_order(tx: Transaction, order_id: str, base_url: str) -> str:
    """The address of the order's page, below `base_url`; the same each time.

    Raises:
        UnknownOrder: there is no such order.
    """
    token = orders.tracking_token(tx, order_id)
    if token is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    return page_of(base_url, token)
