"""A warehouse could not pick all of a parcel: book what is missing, and place the order anew."""

from collections import Counter
from collections.abc import Iterable, Iterator

from shared.contracts.stock import ParcelShortPicked
from shared.flows.happened import happened
from shared.flows.place_elsewhere import Refusal, place_elsewhere
from shared.flows.reported_parcel import lock_reported
from shared.flows.stocked import checked_warehouse
from shared.orders.types import SHORT_PICK
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, NotInParcel, Parcel
from shared.stock.types import Key, Movement, MovementKind


def short_pick(tx: Transaction, event: ParcelShortPicked) -> None:
    """Take what is missing off on-hand, cancel the order's parcels, and let it be placed anew.

    Where other parcels of it are picked already, these go their way, and only what was in this one
    is placed anew. The warehouse is not asked again for the missing SKUs of the order, until more
    of them came or were counted. An order
    that its customer has cancelled meanwhile is closed instead, or goes on without the parcel. A
    report about a parcel that was cancelled or has left changes nothing, and so is harmless when
    it comes twice.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        NoSuchParcel, ParcelOfAnotherWarehouse, NotInParcel: says what to look at.
        PartlyPicked: a kit of it lies in a picked parcel in part, so that a person has to decide.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    event = happened(tx, event, "short_picked_at")
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    reported = lock_reported(tx, event.warehouse, event.parcel_id)
    parcel = reported.parcel
    contents = shipments.contents(tx, [parcel.parcel_id])[parcel.parcel_id]
    missing = _checked_missing(event, contents)
    if not reported.is_here:
        reported.ignore("parcel.short_pick_ignored")
        return
    lost = list(_lost(event, parcel, contents, missing))
    place_elsewhere(tx, reported, contents, Refusal(sorted(missing), SHORT_PICK, lost))


def _checked_missing(event: ParcelShortPicked, contents: Iterable[Content]) -> Counter[str]:
    packed = Counter[str]()
    for item in contents:
        packed[item.sku] += item.quantity
    missing = Counter[str]()
    for position, line in enumerate(event.lines):
        missing[line.sku] += line.missing
        if missing[line.sku] > packed[line.sku]:
            raise NotInParcel(
                f"lines.{position}.missing: {missing[line.sku]} of {line.sku} are missing, but"
                f" parcel {event.parcel_id} has {packed[line.sku]} of them; report what else is"
                " missing as an adjustment",
                field=f"lines.{position}.missing",
                parcel_id=event.parcel_id,
                sku=line.sku,
            )
    return missing


def _lost(
    event: ParcelShortPicked, parcel: Parcel, contents: Iterable[Content], missing: Counter[str]
) -> Iterator[Movement]:
    """What is missing, by the partition that had promised it."""
    left = missing.copy()
    lost = Counter[Key]()
    for item in contents:
        units = min(item.quantity, left[item.sku])
        left[item.sku] -= units
        lost[Key(item.sku, parcel.warehouse, item.partition)] += units
    for key, units in lost.items():
        if units:
            yield Movement(
                key, MovementKind.SHORT_PICK, -units, parcel.parcel_id, event.short_picked_at
            )
