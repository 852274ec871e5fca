"""Pub/Sub `parcel-events` -> charge a parcel, or take its charges back -> `parcel-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.edge import pubsub
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.wiring import bookshelf, services


@functions_framework.http
def order_costing(request: Request) -> Response:
    """Book what a parcel costs."""
    return pubsub.consume(
        request,
        services(),
        {
            ParcelPlanned: lambda tx, event: charge_parcel(tx, event, bookshelf()),
            ParcelCancelled: take_charges_back,
        },
        consumer="order_costing",
    )
