"""Pub/Sub `carrier-updates` -> fold into parcel and order -> `delivery-events`, `order-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.parcels import CarrierUpdateReceived
from shared.edge import pubsub
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Transaction
from shared.wiring import services, vendors


@functions_framework.http
def order_tracking(request: Request) -> Response:
    """Fold one update."""

    def track(tx: Transaction, event: CarrierUpdateReceived) -> None:
        track_parcel(tx, event, vendors())

    return pubsub.consume(
        request, services(), {CarrierUpdateReceived: track}, consumer="order_tracking"
    )
