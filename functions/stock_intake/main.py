"""Pub/Sub `stock-updates` -> book receipts and counts -> `stock-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.stock import StockCounted, StockReceived
from shared.edge import pubsub
from shared.flows.count_stock import count_stock
from shared.flows.receive_stock import receive_stock
from shared.wiring import services


@functions_framework.http
def stock_intake(request: Request) -> Response:
    """Book what a warehouse reports."""
    return pubsub.consume(
        request,
        services(),
        {StockReceived: receive_stock, StockCounted: count_stock},
        consumer="stock_intake",
    )
