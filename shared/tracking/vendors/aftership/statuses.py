"""AfterShip's tags and subtags in our words.

Source: https://www.aftership.com/docs/tracking/enum/delivery-statuses and
https://www.aftership.com/docs/tracking/enum/delivery-sub-statuses, as of version 2026-07.
"""

from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus

_S, _R = TrackingStatus, TrackingReason

RETURNING = "return_to_sender"  # a flag beside the tag, here as if it were a subtag

_EXCEPTIONS = {
    "Exception_001": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "Exception_002": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_INCORRECT_ADDRESS),  # moved
    "Exception_003": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_REFUSED),
    "Exception_004": Meaning(_S.DELIVERY_DELAYED, _R.CUSTOMS_DELAY),
    "Exception_005": Meaning(_S.DELIVERY_DELAYED, _R.OTHER),
    "Exception_006": Meaning(_S.ON_HOLD, _R.CONSIGNEE_PAYMENT_DUE),
    "Exception_007": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_INCORRECT_ADDRESS),
    "Exception_008": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_COLLECTED),
    "Exception_009": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_POLICY),
    "Exception_010": Meaning(_S.RETURN_TO_SENDER),
    "Exception_011": Meaning(_S.RETURN_TO_SENDER),
    "Exception_012": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_DAMAGED_PARCEL),
    "Exception_013": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_PARCEL_LOST),
    "Exception_016": Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_DELAY),
    "Exception_017": Meaning(_S.DELIVERY_DELAYED, _R.WEATHER_DELAY),
    "Exception_018": Meaning(_S.ON_HOLD, _R.CUSTOMS_DOCUMENTATION),
    RETURNING: Meaning(_S.RETURN_TO_SENDER),
}

STATUSES = StatusTable(
    by_status={
        "Pending": Meaning(_S.PENDING),
        "InfoReceived": Meaning(_S.PENDING),
        "InTransit": Meaning(_S.IN_TRANSIT),
        "OutForDelivery": Meaning(_S.OUT_FOR_DELIVERY),
        "AttemptFail": Meaning(_S.DELIVERY_FAILED),
        "Delivered": Meaning(_S.DELIVERED),
        "AvailableForPickup": Meaning(_S.READY_FOR_PICKUP),
        "Exception": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
        "Expired": Meaning(_S.UNKNOWN),  # nobody has heard anything for a month
    },
    by_detail={
        ("InTransit", "InTransit_002"): Meaning(_S.PICKED_UP),
        ("OutForDelivery", "OutForDelivery_002"): Meaning(_S.READY_FOR_PICKUP),
        ("AttemptFail", "AttemptFail_001"): Meaning(_S.DELIVERY_FAILED, _R.OTHER),
        ("AttemptFail", "AttemptFail_002"): Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_AVAILABLE),
        ("AttemptFail", "AttemptFail_003"): Meaning(
            _S.DELIVERY_FAILED, _R.CONSIGNEE_BUSINESS_CLOSED
        ),
        **{("Exception", subtag): meaning for subtag, meaning in _EXCEPTIONS.items()},
    },
    plain_details=frozenset(
        {
            "AvailableForPickup_001",
            *(f"Delivered_00{n}" for n in range(1, 6)),
            "Expired_001",
            "InfoReceived_001",
            *(f"InTransit_00{n}" for n in (1, 3, 4, 5, 6, 7, 8, 9)),
            "OutForDelivery_001",
            "OutForDelivery_003",
            "OutForDelivery_004",
            *(f"Pending_00{n}" for n in range(1, 7)),
        }
    ),
)
