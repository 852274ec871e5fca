"""17TRACK's statuses, sub-statuses and stages in our words.

A sub-status begins with its status (`Exception_Lost`), and some scans have a stage instead.
Source: https://asset.17track.net/api/document/v2_en, "Main status", "Sub status", "Key stage".
"""

from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus

_S, _R = TrackingStatus, TrackingReason

NOT_SORTED = ""  # a scan that the vendor has not sorted: history, and no more

_SUB_STATUSES = {
    "InTransit_PickedUp": Meaning(_S.PICKED_UP),
    "InTransit_CustomsRequiringInformation": Meaning(_S.ON_HOLD, _R.CUSTOMS_DOCUMENTATION),
    "DeliveryFailure_NoBody": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_AVAILABLE),
    "DeliveryFailure_Security": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "DeliveryFailure_Rejected": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_REFUSED),
    "DeliveryFailure_InvalidAddress": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_INCORRECT_ADDRESS),
    "Exception_Returning": Meaning(_S.RETURN_TO_SENDER),
    "Exception_Returned": Meaning(_S.RETURN_TO_SENDER),
    "Exception_NoBody": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_INCORRECT_ADDRESS),
    "Exception_Security": Meaning(_S.ON_HOLD, _R.OTHER),
    "Exception_Damage": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_DAMAGED_PARCEL),
    "Exception_Rejected": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_REFUSED),
    "Exception_Delayed": Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_DELAY),
    "Exception_Lost": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_PARCEL_LOST),
    "Exception_Destroyed": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_POLICY),
    "Exception_Cancel": Meaning(_S.CANCELLED, _R.RETAILER_CANCELLED),
}

STATUSES = StatusTable(
    by_status={
        "NotFound": Meaning(_S.PENDING),
        "InfoReceived": Meaning(_S.PENDING),
        "InTransit": Meaning(_S.IN_TRANSIT),
        "Expired": Meaning(_S.UNKNOWN),  # on its way for too long: nobody knows
        "AvailableForPickup": Meaning(_S.READY_FOR_PICKUP),
        "OutForDelivery": Meaning(_S.OUT_FOR_DELIVERY),
        "DeliveryFailure": Meaning(_S.DELIVERY_FAILED),
        "Delivered": Meaning(_S.DELIVERED),
        "Exception": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
        # Stages that are not the name of a status as well.
        "PickedUp": Meaning(_S.PICKED_UP),
        "Departure": Meaning(_S.IN_TRANSIT),
        "Arrival": Meaning(_S.IN_TRANSIT),
        "Returning": Meaning(_S.RETURN_TO_SENDER),
        "Returned": Meaning(_S.RETURN_TO_SENDER),
        NOT_SORTED: Meaning(_S.UNKNOWN),
    },
    by_detail={(sub.partition("_")[0], sub): meaning for sub, meaning in _SUB_STATUSES.items()},
    plain_details=frozenset(
        {
            "NotFound_Other",
            "NotFound_InvalidCode",
            "InfoReceived",
            "InTransit_Other",
            "InTransit_Departure",
            "InTransit_Arrival",
            "InTransit_CustomsProcessing",
            "InTransit_CustomsReleased",
            "Expired_Other",
            "AvailableForPickup_Other",
            "OutForDelivery_Other",
            "DeliveryFailure_Other",
            "Delivered_Other",
            "Exception_Other",
        }
    ),
)
