"""Pub/Sub `order-events`, `parcel-events`, `delivery-events` -> a webhook for each who wants it."""

import functions_framework
from flask import Request, Response

from shared.contracts.order_facts import (
    OrderBackordered,
    OrderClosed,
    OrderExpected,
    OrderRestCancelled,
    OrderReturnExpected,
)
from shared.contracts.parcels import (
    DeliveryUpdated,
    ParcelCancelled,
    ParcelLabelled,
    ParcelStandsStill,
)
from shared.edge import pubsub
from shared.flows.tell_subscribers import tell_subscribers
from shared.wiring import services


@functions_framework.http
def webhook_events(request: Request) -> Response:
    """Turn one event into work for each subscriber who wants it."""
    return pubsub.consume(
        request,
        services(),
        {
            OrderBackordered: tell_subscribers,
            OrderExpected: tell_subscribers,
            OrderRestCancelled: tell_subscribers,
            OrderReturnExpected: tell_subscribers,
            OrderClosed: tell_subscribers,
            ParcelLabelled: tell_subscribers,
            ParcelCancelled: tell_subscribers,
            DeliveryUpdated: tell_subscribers,
            ParcelStandsStill: tell_subscribers,
        },
        consumer="webhook_events",
    )
