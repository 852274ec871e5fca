"""Pub/Sub `stock-updates` -> book what warehouses report -> `stock-events`, `parcel-events`, ..."""

import functions_framework
from flask import Request, Response

from shared.contracts.inbound import (
    InboundAnnounced,
    TransferCancelled,
    TransferReceived,
    TransferRequested,
    TransferShipped,
)
from shared.contracts.stock import (
    ParcelPicked,
    ParcelRejected,
    ParcelShortPicked,
    QuarantineReleased,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from shared.edge import pubsub
from shared.flows.adjust_stock import adjust_stock
from shared.flows.cancel_transfer import cancel_transfer
from shared.flows.count_stock import count_stock
from shared.flows.expect_delivery import expect_delivery
from shared.flows.pick_parcel import pick_parcel
from shared.flows.receive_stock import receive_stock
from shared.flows.receive_transfer import receive_transfer
from shared.flows.reject_parcel import reject_parcel
from shared.flows.release_stock import release_stock
from shared.flows.request_transfer import request_transfer
from shared.flows.return_stock import return_stock
from shared.flows.ship_transfer import ship_transfer
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
            InboundAnnounced: expect_delivery,
            TransferRequested: request_transfer,
            TransferShipped: ship_transfer,
            TransferReceived: receive_transfer,
            TransferCancelled: cancel_transfer,
            StockAdjusted: adjust_stock,
            StockReturned: return_stock,
            QuarantineReleased: release_stock,
            ParcelPicked: pick_parcel,
            ParcelShortPicked: short_pick,
            ParcelRejected: reject_parcel,
        },
        consumer="stock_intake",
    )
