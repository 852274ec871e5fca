"""Goods came back: restock them, keep them in quarantine, or write them off, once."""

from collections import Counter
from collections.abc import Iterator, Mapping

from shared.contracts.stock import Disposition, StockReturned
from shared.flows.booking import as_of
from shared.flows.happened import happened
from shared.flows.stocked import checked_warehouse, told
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.kit.ids import derived_id
from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.lifecycle import OPEN
from shared.shipments.types import (
    NoSuchParcel,
    NotInParcel,
    Parcel,
    ParcelNeverLeft,
    ParcelState,
)
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.types import Change, Key, Locked, Movement, MovementKind


def return_stock(tx: Transaction, event: StockReturned) -> None:
    """Book a return as of its time. The same again changes nothing, whatever its event id.

    What is in quarantine is on hand and held, one hold a SKU, until `release_stock`. Of a return
    from before the latest count it holds no more than is free: the rest has been promised since.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        NoSuchParcel, UnknownOrder: names the field.
        NotInParcel: more came back than the parcel had, together with what came back of it before.
        ParcelNeverLeft: the parcel was cancelled, or nobody has picked it: it is in the stock.
    """
    event = happened(tx, event, "returned_at")
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    _checked_origin(tx, event)
    units = {disposition: Counter[str]() for disposition in Disposition}
    for line in event.lines:
        units[line.disposition][line.sku] += line.quantity
    came = sum(units.values(), Counter[str]())
    stock.ensure_levels(tx, event.warehouse, came)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in came])
    known = stock.booked(tx, event.warehouse, MovementKind.RETURN, event.return_id, came)
    new = sorted(came.keys() - known)
    if not new:
        return
    apart = {sku: partitions.fullest(locked.of(sku, event.warehouse)) for sku in new}
    movements, changes = as_of(locked, _moved(event, locked, units, apart))
    kept = _in_quarantine(
        event, locked, {apart[sku]: units[Disposition.QUARANTINE][sku] for sku in new}
    )
    changes += [Change(key, held=quantity) for key, quantity in kept.items()]
    tx.write(
        stock.record(tx, movements, actor=event.warehouse),
        *(
            write
            for key, quantity in kept.items()
            for write in holds.insert(_hold(tx, event, key, quantity))
        ),
        stock.change(changes),
        told(tx, [change.key for change in changes]),
    )
    share_out(tx, locked, locked.after(changes))


def quarantine(warehouse: str, return_id: str) -> str:
    """What the holds of one return refer to."""
    return f"{warehouse}/{return_id}"


def _checked_origin(tx: Transaction, event: StockReturned) -> None:
    if event.order_id is not None and orders.find(tx, event.order_id) is None:
        raise UnknownOrder(
            f"order_id: there is no order {event.order_id}; leave it out if the goods are not of an"
            " order of ours",
            field="order_id",
        )
    if event.parcel_id is None:
        return
    parcel = _locked(tx, event.parcel_id)
    if parcel is None:
        raise NoSuchParcel(
            f"parcel_id: there is no parcel {event.parcel_id}; leave it out if nobody knows in"
            " which parcel the goods were sent",
            field="parcel_id",
        )
    if parcel.state is ParcelState.CANCELLED:
        raise ParcelNeverLeft(
            f"parcel_id: {event.parcel_id} was cancelled, so its units never left the stock; count"
            " the SKUs, or report an adjustment",
            field="parcel_id",
            parcel_id=event.parcel_id,
        )
    if parcel.state in OPEN and not parcel.is_picked:
        # It could be cancelled still: its units would be free again, and here a second time.
        raise ParcelNeverLeft(
            f"parcel_id: {event.parcel_id} was not picked yet, and its carrier never had it, so its"
            f" units are in the stock of {parcel.warehouse}; correct the parcel_id, or send this"
            " again once the parcel is reported as picked",
            field="parcel_id",
            parcel_id=event.parcel_id,
        )
    packed = Counter[str]()
    for item in shipments.contents(tx, [event.parcel_id])[event.parcel_id]:
        packed[item.sku] += item.quantity
    before = stock.came_back(tx, event.parcel_id, besides=(event.warehouse, event.return_id))
    packed.subtract(before)
    for position, line in enumerate(event.lines):
        packed[line.sku] -= line.quantity
        if packed[line.sku] < 0:
            raise NotInParcel(
                f"lines.{position}.quantity: parcel {event.parcel_id} had fewer of {line.sku}, and"
                f" {before.get(line.sku, 0)} of them came back before; report what was not in it as"
                " a return without a parcel_id",
                field=f"lines.{position}.quantity",
                parcel_id=event.parcel_id,
                sku=line.sku,
            )


def _locked(tx: Transaction, parcel_id: str) -> Parcel | None:
    """The parcel, with its order locked: two returns of it see one another."""
    found = shipments.find(tx, parcel_id)
    if found is None:
        return None
    orders.lock(tx, found.order_id)
    parcels = shipments.lock_of_order(tx, found.order_id)
    return next(parcel for parcel in parcels if parcel.parcel_id == parcel_id)


def _moved(
    event: StockReturned,
    locked: Locked,
    units: Mapping[Disposition, Counter[str]],
    apart: Mapping[str, Key],
) -> Iterator[Movement]:
    """What is restocked goes to all partitions; what is not, comes to one and stays or leaves."""
    reason = event.parcel_id or event.order_id or ""
    for sku, key in apart.items():
        lost = units[Disposition.WRITE_OFF][sku]
        came = Counter({key: units[Disposition.QUARANTINE][sku] + lost})
        levels = locked.of(sku, event.warehouse)
        came.update(dict(partitions.added(levels, units[Disposition.RESTOCK][sku])))
        moved = [(at, MovementKind.RETURN, n) for at, n in came.items() if n]
        moved += [(key, MovementKind.WRITE_OFF, -lost)] if lost else []
        for at, kind, quantity in moved:
            yield Movement(at, kind, quantity, event.return_id, event.returned_at, reason)


def _in_quarantine(
    event: StockReturned, locked: Locked, wanted: Mapping[Key, int]
) -> dict[Key, int]:
    kept = {}
    for key, quantity in wanted.items():
        room = quantity
        if locked.already_counted(key.sku, event.warehouse, event.returned_at):
            room = locked.levels[key].available
        kept[key] = min(quantity, room)
    return {key: quantity for key, quantity in kept.items() if quantity}


def _hold(tx: Transaction, event: StockReturned, key: Key, quantity: int) -> Hold:
    return Hold(
        hold_id=derived_id("hold", "return", event.warehouse, event.return_id, key.sku),
        purpose=Purpose.QUARANTINE,
        reference=quarantine(event.warehouse, event.return_id),
        channel=None,
        sale=None,
        state=HoldState.OPEN,
        created_at=tx.now,
        expires_at=None,
        release_at=None,
        items=(HeldUnits(*key, quantity),),
    )
