"""Pub/Sub `stock-updates` -> book what warehouses report -> `stock-events`, `parcel-events`, ..."""

import functions_framework
from flask import Request, Response

from shared.contracts.stock import (
    ParcelPicked,
    ParcelShortPicked,
    QuarantineReleased,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from shared.edge import pubsub
from shared.flows.adjust_stock import adjust_stock
from shared.flows.count_stock import count_stock
from shared.flows.pick_parcel import pick_parcel
from shared.flows.receive_stock import receive_stock
from shared.flows.release_stock import release_stock
from shared.flows.return_stock import return_stock
from shared.flows.short_pick import short_pick
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
            StockAdjusted: adjust_stock,
            StockReturned: return_stock,
            QuarantineReleased: release_stock,
            ParcelPicked: pick_parcel,
            ParcelShortPicked: short_pick,
        },
        consumer="stock_intake",
    )
