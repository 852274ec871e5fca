"""Pub/Sub `order-events`, `stock-events` -> placement work on the queue of its priority.

What is on its way tells those who wait when they can expect it -> `order-events`.
"""

import functions_framework
from flask import Request, Response

from shared.contracts.inbound import InboundChanged
from shared.contracts.order_facts import OrderAccepted, OrderChanged
from shared.contracts.stock_facts import StockIncreased
from shared.edge import pubsub
from shared.flows.expect_backorders import expect_after
from shared.flows.request_placement import request_placement, wake_for_stock
from shared.wiring import services


@functions_framework.http
def order_placement(request: Request) -> Response:
    """Turn one fact into work."""
    return pubsub.consume(
        request,
        services(),
        {
            OrderAccepted: request_placement,
            OrderChanged: request_placement,
            StockIncreased: wake_for_stock,
            InboundChanged: expect_after,
        },
        consumer="order_placement",
    )
