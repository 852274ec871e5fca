"""ShipEngine's status codes and status detail codes in our words.

Source: https://docs.shipstation.com/apis/shipengine/docs/tracking, "Tracking status codes" and
"Status detail codes".
"""

from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus

_S, _R = TrackingStatus, TrackingReason

# Carriers put the same detail beside different codes, as long as the parcel is on its way.
_ON_THE_WAY = ("AC", "IT", "AT", "EX")

_DETAILS = {
    "DESPATCHED": Meaning(_S.PICKED_UP),
    "COLLECTION_MADE": Meaning(_S.PICKED_UP),
    "RECEIVED_BY_CARRIER": Meaning(_S.PICKED_UP),
    "OUT_FOR_DELIVERY": Meaning(_S.OUT_FOR_DELIVERY),
    "AWAITING_COLLECTION_FROM_PICKUP_POINT": Meaning(_S.READY_FOR_PICKUP),
    "COLLECT_AT_LOCAL_PO": Meaning(_S.READY_FOR_PICKUP),
    "CUSTOMER_TO_COLLECT_FROM_CARRIER": Meaning(_S.READY_FOR_PICKUP),
    "DELIVERED_TO_LOCKER_COLLECTION_POINT": Meaning(_S.READY_FOR_PICKUP),
    "ATTEMPTED_DELIVERY": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "ATTEMPTED_DELIVERY_2ND": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "ATTEMPTED_DELIVERY_3RD": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "CUSTOMER_CARDED": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_AVAILABLE),
    "CUSTOMER_IDENTIFICATION_FAILED": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
    "COD_AMOUNT_NOT_PAID": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_PAYMENT_DUE),
    "INVALID_METHOD_OF_PAYMENT": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_PAYMENT_DUE),
    "NO_ACCESS_TO_RECIPIENTS_ADDRESS": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_ACCESS_RESTRICTED),
    "CANCELLED": Meaning(_S.CANCELLED),
    "CANCELLED_BEFORE_DESPATCH": Meaning(_S.CANCELLED),
    "PARCEL_DISPOSED": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_POLICY),
    "PARCEL_LOST": Meaning(_S.DELIVERY_FAILED, _R.CARRIER_PARCEL_LOST),
    "NOT_DELIVERED_ADDRESSEE_DECEASED": Meaning(_S.DELIVERY_FAILED, _R.CONSIGNEE_NOT_AVAILABLE),
    # The vendor says of each of these that the parcel is on its way back.
    "CUSTOMER_MOVED": Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_INCORRECT_ADDRESS),
    "HAZARDOUS_PROHIBITED": Meaning(_S.RETURN_TO_SENDER, _R.CARRIER_POLICY),
    "NOT_COLLECTED_FROM_PICKUP_POINT": Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_NOT_COLLECTED),
    "NOT_DELIVERED": Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_NOT_AVAILABLE),
    "PARCEL_DAMAGED": Meaning(_S.RETURN_TO_SENDER, _R.CARRIER_DAMAGED_PARCEL),
    "PARCEL_OUTSIDE_OF_SERVICE_CAPABILITY": Meaning(_S.RETURN_TO_SENDER, _R.CARRIER_POLICY),
    "REFUSED_BY_CUSTOMER": Meaning(_S.RETURN_TO_SENDER, _R.CONSIGNEE_REFUSED),
    "RETURN_TO_SENDER": Meaning(_S.RETURN_TO_SENDER),
    "ADDRESS_QUERY": Meaning(_S.ON_HOLD, _R.CONSIGNEE_INCORRECT_ADDRESS),
    "HELD_BY_CARRIER": Meaning(_S.ON_HOLD, _R.OTHER),
    "HELD_BY_CARRIER_FOR_CLEARANCE_PRE_PROCESSING": Meaning(_S.ON_HOLD, _R.CUSTOMS_DELAY),
    "HELD_BY_CUSTOMS": Meaning(_S.ON_HOLD, _R.CUSTOMS_DELAY),
    "HELD_BY_EXPORT_CUSTOMS": Meaning(_S.ON_HOLD, _R.CUSTOMS_DELAY),
    "HELD_BY_IMPORT_CUSTOMS": Meaning(_S.ON_HOLD, _R.CUSTOMS_DELAY),
    "CARRIER_DELAYS": Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_DELAY),
    "DELAYED_NOT_CARRIER": Meaning(_S.DELIVERY_DELAYED, _R.OTHER),
    "INCORRECT_DECLARATION": Meaning(_S.DELIVERY_DELAYED, _R.CUSTOMS_DOCUMENTATION),
    "MISSORTED": Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_SORTING_ERROR),
    "ROUTING_ERROR": Meaning(_S.DELIVERY_DELAYED, _R.CARRIER_SORTING_ERROR),
}

STATUSES = StatusTable(
    by_status={
        "UN": Meaning(_S.UNKNOWN),
        "NY": Meaning(_S.PENDING),  # not yet in the carrier's system
        "AC": Meaning(_S.PICKED_UP),
        "IT": Meaning(_S.IN_TRANSIT),
        "AT": Meaning(_S.DELIVERY_FAILED),
        "EX": Meaning(_S.DELIVERY_FAILED, _R.OTHER),
        "SP": Meaning(_S.READY_FOR_PICKUP),
        "DE": Meaning(_S.DELIVERED),
    },
    by_detail={
        **{(code, detail): said for code in _ON_THE_WAY for detail, said in _DETAILS.items()},
        # The label is sold, and the carrier has only heard of the parcel.
        ("AC", "ELEC_ADVICE_RECD_BY_CARRIER"): Meaning(_S.PENDING),
        ("NY", "COLLECTION_FAILED"): Meaning(_S.PENDING, _R.RETAILER_NOT_HANDED_OVER),
        ("NY", "NOT_YET_RECEIVED_BY_CARRIER"): Meaning(_S.PENDING, _R.RETAILER_NOT_HANDED_OVER),
        ("NY", "CANCELLED_BEFORE_DESPATCH"): Meaning(_S.CANCELLED),
        ("DE", "DELIVERED_DAMAGED"): Meaning(_S.DELIVERED, _R.CARRIER_DAMAGED_PARCEL),
    },
    plain_details=frozenset(
        {
            *_DETAILS,
            "AWAITING_DESPATCH",
            "AWAITING_ELECTRONIC_ADVICE",
            "CARRIER_STATUS_NOT_MAPPED",
            "COD_AMOUNT_PAID",
            "COLLECTION_FAILED",
            "COLLECTION_REQUESTED",
            "CUSTOMS_CLEARED",
            "CUSTOMS_PROCESSING",
            "DELIVERED",
            "DELIVERED_DAMAGED",
            "DELIVERED_IN_PART",
            "DELIVERED_SPECIFIED_SAFE_PLACE",
            "DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION",
            "DELIVERED_TO_NEIGHBOUR",
            "DELIVERED_TO_PO_BOX",
            "DELIVERY_ARRANGED_WITH_RECIPIENT",
            "ELEC_ADVICE_RECD_BY_CARRIER",
            "HUB_SCAN_IN",
            "HUB_SCAN_OUT",
            "INFORMATION",
            "IN_TRANSIT",
            "NOT_YET_RECEIVED_BY_CARRIER",
            "PARCEL_COLLECTED_FROM_PICKUP_POINT",
            "PARCEL_OVER_LABELLED",
            "PARCEL_REPACKED",
            "PARCEL_UPDATE_NOTIFICATION_VIA_EMAIL",
            "PARCEL_UPDATE_NOTIFICATION_VIA_SMS",
            "POST_TRANSIT_STATUS",
            "PROOF_OF_DELIVERY",
            "RECD_BY_CARRIER_NO_ELEC_ADVICE",
            "RECEIVED_LOCAL_DELIVERY_DEPOT",
            "SUB_CONTRACTOR_EVENT",
            "SUB_CONTRACTOR_RECEIVED",
        }
    ),
)
