"""What we say about a parcel on its way, whoever carries it.

The twelve words are those of Karrio's unified tracking status, and the reasons those of its
incident reasons (modules/sdk/karrio/core/units.py of karrioapi/karrio).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.kit.ids import derived_id


class TrackingStatus(StrEnum):
    """Where a parcel stands."""

    PENDING = "pending"  # announced; the carrier does not have it yet
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"  # waits for the customer at a counter
    DELIVERY_FAILED = "delivery_failed"  # an attempt failed; another may follow
    DELIVERY_DELAYED = "delivery_delayed"
    ON_HOLD = "on_hold"
    RETURN_TO_SENDER = "return_to_sender"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a code that our table does not have; the code itself is kept


class TrackingReason(StrEnum):
    """Why a parcel does not go the usual way, and who could mend it."""

    CARRIER_DAMAGED_PARCEL = "carrier_damaged_parcel"
    CARRIER_PARCEL_LOST = "carrier_parcel_lost"
    CARRIER_SORTING_ERROR = "carrier_sorting_error"
    CARRIER_DELAY = "carrier_delay"
    CARRIER_POLICY = "carrier_policy"  # it carries no such goods, or had to destroy them
    RETAILER_CANCELLED = "retailer_cancelled"
    RETAILER_NOT_HANDED_OVER = "retailer_not_handed_over"
    CONSIGNEE_REFUSED = "consignee_refused"
    CONSIGNEE_NOT_AVAILABLE = "consignee_not_available"
    CONSIGNEE_BUSINESS_CLOSED = "consignee_business_closed"
    CONSIGNEE_INCORRECT_ADDRESS = "consignee_incorrect_address"
    CONSIGNEE_ACCESS_RESTRICTED = "consignee_access_restricted"
    CONSIGNEE_NOT_COLLECTED = "consignee_not_collected"
    CONSIGNEE_PAYMENT_DUE = "consignee_payment_due"
    CONSIGNEE_RESCHEDULED = "consignee_rescheduled"
    CUSTOMS_DELAY = "customs_delay"
    CUSTOMS_DOCUMENTATION = "customs_documentation"
    WEATHER_DELAY = "weather_delay"
    OTHER = "other"  # the vendor names a reason that none of these is


class RawUpdate(NamedTuple):
    """What a vendor sent about a parcel, as it sent it."""

    update_id: str  # derived from vendor and body: the same body is one update
    tracking_code: str
    body: str


class KeptUpdate(NamedTuple):
    """What a vendor sent, and when it came."""

    vendor: str
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Location:
    """Where something was seen, as far as the carrier says. Empty means that it does not."""

    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class TrackingUpdate:
    """One thing that a carrier reported about a parcel.

    Vendors send whole histories again and again, so what identifies an update is its content:
    `content_id` is the same for the same moment, codes and message. The location is left out,
    because vendors fill it in later; so are our own words, because tables learn.
    """

    status: TrackingStatus
    raw_status: str  # the vendor's own code
    detail: str  # the vendor's code for the reason, empty where there is none
    occurred_at: datetime  # UTC
    message: str = ""
    location: Location = Location()
    reason: TrackingReason | None = None  # None: as usual, or the vendor does not say
    is_documented: bool = True  # whether our table of the vendor has both codes
    content_id: str = field(init=False)

    def __post_init__(self) -> None:
        if self.occurred_at.utcoffset() != timedelta(0):
            raise ValueError(f"occurred_at must be UTC, got {self.occurred_at!r}")
        moment = self.occurred_at.isoformat(timespec="microseconds")
        content = derived_id("upd", moment, self.raw_status, self.detail, self.message)
        object.__setattr__(self, "content_id", content)


class TrackingReport(NamedTuple):
    """What a vendor told us in one message: one parcel's history, or a part of it."""

    tracking_code: str
    carrier: str  # as the vendor names it, empty where it does not
    updates: tuple[TrackingUpdate, ...]  # oldest first, each content once
