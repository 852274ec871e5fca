"""EasyPost's tracker statuses in our words.

Source: https://docs.easypost.com/docs/trackers, its lists of `status` and `status_detail`.
"""

from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus

_S, _R = TrackingStatus, TrackingReason

STATUSES = StatusTable(
    by_status={
        "pre_transit": Meaning(_S.PENDING),
        "in_transit": Meaning(_S.IN_TRANSIT),
        "out_for_delivery": Meaning(_S.OUT_FOR_DELIVERY),
        "available_for_pickup": Meaning(_S.READY_FOR_PICKUP),
        "failure": Meaning(_S.DELIVERY_FAILED),
        "return_to_sender": Meaning(_S.RETURN_TO_SENDER),
        "delivered": Meaning(_S.DELIVERED),
        "cancelled": Meaning(_S.CANCELLED),
        "unknown": Meaning(_S.UNKNOWN),
        "error": Meaning(_S.UNKNOWN),  # the carrier could not be asked: it says nothing
    },
    # Where our words are finer than theirs. Every other detail leaves the status as it is.
    by_detail={
        ("in_transit", "received_at_origin_facility"): Meaning(_S.PICKED_UP),
        ("in_transit", "delayed"): Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_DELAY),
        ("in_transit", "weather_delay"): Meaning(_S.DELIVERY_DELAYED, _R.WEATHER_DELAY),
        ("in_transit", "missorted"): Meaning(_S.IN_TRANSIT, _R.CARRIER_SORTING_ERROR),
        ("in_transit", "held"): Meaning(_S.ON_HOLD, _R.OTHER),
        ("failure", "damaged"): Meaning(_S.DELIVERY_FAILED, _R.CARRIER_DAMAGED_PARCEL),
        ("failure", "lost"): Meaning(_S.DELIVERY_FAILED, _R.CARRIER_PARCEL_LOST),
        ("failure", "refused"): Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_REFUSED),
        ("return_to_sender", "refused"): Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_REFUSED),
    },
    plain_details=frozenset(
        {
            "address_correction",
            "arrived_at_destination",
            "arrived_at_facility",
            "arrived_at_pickup_location",
            "awaiting_information",
            "cancelled",
            "damaged",
            "delayed",
            "delivery_exception",
            "departed_facility",
            "departed_origin_facility",
            "expired",
            "failure",
            "held",
            "in_transit",
            "label_created",
            "lost",
            "missorted",
            "out_for_delivery",
            "received_at_destination_facility",
            "received_at_origin_facility",
            "refused",
            "return",
            "status_update",
            "transferred_to_destination_carrier",
            "transit_exception",
            "unknown",
            "weather_delay",
        }
    ),
)
