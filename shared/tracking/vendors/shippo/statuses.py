"""Shippo's statuses and substatus codes in our words.

At the top Shippo has six statuses only; that a parcel is out for delivery, say, is a substatus.
Source: https://docs.goshippo.com/docs/tracking/tracking, "Tracking statuses".
"""

from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus

_S, _R = TrackingStatus, TrackingReason

STATUSES = StatusTable(
    by_status={
        "PRE_TRANSIT": Meaning(_S.PENDING),
        "TRANSIT": Meaning(_S.IN_TRANSIT),
        "DELIVERED": Meaning(_S.DELIVERED),
        "RETURNED": Meaning(_S.RETURN_TO_SENDER),
        "FAILURE": Meaning(_S.DELIVERY_FAILED),
        "UNKNOWN": Meaning(_S.UNKNOWN),
    },
    by_detail={
        ("TRANSIT", "address_issue"): Meaning(_S.ON_HOLD, _R.CONSIGNEE_INCORRECT_ADDRESS),
        ("TRANSIT", "contact_carrier"): Meaning(_S.ON_HOLD, _R.OTHER),
        ("TRANSIT", "delayed"): Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_DELAY),
        ("TRANSIT", "delivery_attempted"): Meaning(_S.DELIVERY_FAILED, _R.OTHER),
        ("TRANSIT", "delivery_rescheduled"): Meaning(_S.DELIVERY_DELAYED, _R.CONSIGNEE_RESCHEDULED),
        ("TRANSIT", "location_inaccessible"): Meaning(
            _S.DELIVERY_FAILED, _R.CONSIGNEE_ACCESS_RESTRICTED
        ),
        ("TRANSIT", "notice_left"): Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_AVAILABLE),
        ("TRANSIT", "out_for_delivery"): Meaning(_S.OUT_FOR_DELIVERY),
        ("TRANSIT", "package_accepted"): Meaning(_S.PICKED_UP),
        ("TRANSIT", "package_damaged"): Meaning(_S.ON_HOLD, _R.CARRIER_DAMAGED_PARCEL),
        ("TRANSIT", "package_held"): Meaning(_S.ON_HOLD, _R.OTHER),
        ("TRANSIT", "pickup_available"): Meaning(_S.READY_FOR_PICKUP),
        ("TRANSIT", "reschedule_delivery"): Meaning(_S.ON_HOLD, _R.OTHER),
        ("RETURNED", "package_unclaimed"): Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_NOT_COLLECTED),
        ("FAILURE", "package_disposed"): Meaning(_S.DELIVERY_FAILED, _R.CARRIER_POLICY),
        ("FAILURE", "package_lost"): Meaning(_S.DELIVERY_FAILED, _R.CARRIER_PARCEL_LOST),
    },
    plain_details=frozenset(
        {
            "delivered",
            "delivery_scheduled",
            "information_received",
            "other",
            "package_arrived",
            "package_departed",
            "package_forwarded",
            "package_processed",
            "package_processing",
            "package_undeliverable",
            "return_to_sender",
        }
    ),
)
