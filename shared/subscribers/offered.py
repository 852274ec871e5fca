"""What subscribers may hear of: what a shop can use, and nothing of how the house works inside.

Costs, reviews and plans that may still change are not among it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from shared.contracts.base import Event
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

OfferedEvent = (
    OrderBackordered
    | OrderExpected
    | OrderRestCancelled
    | OrderReturnExpected
    | OrderClosed
    | ParcelLabelled
    | ParcelCancelled
    | DeliveryUpdated
    | ParcelStandsStill
)
OFFERED: Mapping[str, type[Event]] = MappingProxyType(
    {kind.type: kind for kind in get_args(OfferedEvent)}
)
# What `webhooks send` sends. It is on no topic: only the subscriber that is tried hears of it.
TEST_EVENT = "dispatch.webhook.test.v1"
