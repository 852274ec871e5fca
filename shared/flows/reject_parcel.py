"""A warehouse will not send a parcel, though nothing is missing: the order is placed elsewhere."""

from shared.contracts.stock import ParcelRejected
from shared.flows.happened import happened
from shared.flows.place_elsewhere import Refusal, place_elsewhere
from shared.flows.reported_parcel import lock_reported
from shared.flows.stocked import checked_warehouse
from shared.platform.db import Transaction
from shared.shipments import store as shipments


def reject_parcel(tx: Transaction, event: ParcelRejected) -> None:
    """Cancel the parcel, and place what was in it where it can be sent.

    The warehouse is not asked again for these SKUs of the order. A rejection of a parcel that was
    cancelled or has left changes nothing, and so is harmless when it comes twice.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse: names the field.
        NoSuchParcel, ParcelOfAnotherWarehouse: says what to look at.
        PartlyPicked: a kit of it lies in a picked parcel in part, so that a person has to decide.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    event = happened(tx, event, "rejected_at")
    checked_warehouse(tx, event.warehouse, [])
    reported = lock_reported(tx, event.warehouse, event.parcel_id)
    parcel = reported.parcel
    if not reported.is_here:
        reported.ignore("parcel.rejection_ignored")
        return
    contents = shipments.contents(tx, [parcel.parcel_id])[parcel.parcel_id]
    skus = sorted({item.sku for item in contents})
    place_elsewhere(tx, reported, contents, Refusal(skus, f"rejected: {event.reason}"))
