"""Which queue an order waits in."""

from datetime import datetime, timedelta

from shared.orders.types import Priority

URGENT_WITHIN = timedelta(hours=24)

_BY_SERVICE = {"express": Priority.EXPRESS, "economy": Priority.BULK}


def priority_of(service_level: str, promised_at: datetime, now: datetime) -> Priority:
    """Express when the customer paid for it or the promise is near, bulk for economy."""
    if promised_at - now <= URGENT_WITHIN:
        return Priority.EXPRESS
    return _BY_SERVICE.get(service_level, Priority.STANDARD)
