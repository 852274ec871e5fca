"""A warehouse picked a parcel: from here on it cannot be changed."""

from shared.contracts.stock import ParcelPicked
from shared.flows.happened import happened
from shared.flows.reported_parcel import lock_reported
from shared.platform import live_changes, log
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState


def pick_parcel(tx: Transaction, event: ParcelPicked) -> None:
    """Note the pick, once. Of a parcel that was cancelled before, it is noted in the log only.

    Raises:
        AheadOfNow, LongAgo, NoSuchParcel, ParcelOfAnotherWarehouse: says what to look at.
    """
    event = happened(tx, event, "picked_at")
    parcel = lock_reported(tx, event.warehouse, event.parcel_id).parcel
    if parcel.state is ParcelState.CANCELLED:
        log.line(
            "parcel.picked_though_cancelled",
            "WARNING",
            parcel_id=parcel.parcel_id,
            order_id=parcel.order_id,
            warehouse=parcel.warehouse,
        )
    elif parcel.picked_at is None:
        tx.write(
            shipments.pick(parcel.parcel_id, event.picked_at),
            live_changes.note(tx, f"parcel:{parcel.parcel_id}", f"order:{parcel.order_id}"),
        )
