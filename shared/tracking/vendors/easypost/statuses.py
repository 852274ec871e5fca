"""EasyPost's tracker statuses in our words.

Source: https://docs.easypost.com/docs/trackers, its lists of `status` and `status_detail`.
"""

from shared.tracking.types import TrackingStatus

_S = TrackingStatus

BY_STATUS = {
    "pre_transit": _S.PENDING,
    "in_transit": _S.IN_TRANSIT,
    "out_for_delivery": _S.OUT_FOR_DELIVERY,
    "available_for_pickup": _S.READY_FOR_PICKUP,
    "failure": _S.DELIVERY_FAILED,
    "return_to_sender": _S.RETURN_TO_SENDER,
    "delivered": _S.DELIVERED,
    "cancelled": _S.CANCELLED,
    "unknown": _S.UNKNOWN,
    "error": _S.UNKNOWN,  # the vendor could not ask the carrier: it says nothing about the parcel
}

# Where our words are finer than theirs. Every other detail leaves the status as it is.
BY_STATUS_AND_DETAIL = {
    ("in_transit", "received_at_origin_facility"): _S.PICKED_UP,
    ("in_transit", "delayed"): _S.DELIVERY_DELAYED,
    ("in_transit", "weather_delay"): _S.DELIVERY_DELAYED,
    ("in_transit", "held"): _S.ON_HOLD,
}


def status_of(raw_status: str, detail: str) -> TrackingStatus:
    """Our word for EasyPost's; a status that the table does not have is unknown, never a guess."""
    finer = BY_STATUS_AND_DETAIL.get((raw_status, detail))
    return finer or BY_STATUS.get(raw_status, TrackingStatus.UNKNOWN)
