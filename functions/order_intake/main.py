"""Pub/Sub `orders` -> accept, change or cancel an order -> `order-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderSubmitted
from shared.edge import pubsub
from shared.flows.accept_order import accept_order
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.wiring import pages_url, services


@functions_framework.http
def order_intake(request: Request) -> Response:
    """Apply what a channel published about an order."""
    return pubsub.consume(
        request,
        services(),
        {
            OrderSubmitted: lambda tx, event: accept_order(tx, event, pages_url()),
            OrderAmended: change_order,
            OrderCancelled: cancel_order,
        },
        consumer="order_intake",
    )
