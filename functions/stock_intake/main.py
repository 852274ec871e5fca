"""Pub/Sub `stock-updates` -> book receipts and counts -> `stock-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.inbound import (
    InboundAnnounced,
    TransferCancelled,
    TransferReceived,
    TransferRequested,
    TransferShipped,
)
from shared.contracts.stock import StockCounted, StockReceived
from shared.edge import pubsub
from shared.flows.cancel_transfer import cancel_transfer
from shared.flows.count_stock import count_stock
from shared.flows.expect_delivery import expect_delivery
from shared.flows.receive_stock import receive_stock
from shared.flows.receive_transfer import receive_transfer
from shared.flows.request_transfer import request_transfer
from shared.flows.ship_transfer import ship_transfer
from shared.wiring import services


@functions_framework.http
def stock_intake(request: Request) -> Response:
    """Book what a warehouse reports."""
    return pubsub.consume(
        request,
        services(),
        {
            StockReceived: receive_stock,
            StockCounted: count_stock,
            InboundAnnounced: expect_delivery,
            TransferRequested: request_transfer,
            TransferShipped: ship_transfer,
            TransferReceived: receive_transfer,
            TransferCancelled: cancel_transfer,
        },
        consumer="stock_intake",
    )
