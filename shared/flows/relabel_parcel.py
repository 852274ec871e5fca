"""A person wants another label for a parcel: it gives way to its twin, which buys one anew.

What was decided stays as it is: warehouse, carrier, day, units and price. A label is never bought
twice for one parcel, so the old one goes with its parcel, and is given back as every label of a
cancelled parcel is.
"""

from datetime import datetime

from shared.carriers import store as labels
from shared.contracts.parcels import ParcelCancelled, ParcelContent, ParcelPlanned
from shared.contracts.work import BuyLabel, VoidLabel
from shared.flows.audited import audited_order
from shared.flows.offers import is_home
from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.orders import store as orders
from shared.orders.types import Order, TooLateToChange
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import parcel_reroutes
from shared.shipments import store as shipments
from shared.shipments.types import NoSuchParcel, Parcel, ParcelState, PlannedParcel


class NoLabelYet(Rejected):
    """The parcel has no label that could be given back."""

    code = "no_label_yet"


def relabel_parcel(tx: Transaction, parcel_id: str, person: Person) -> str:
    """Give the parcel's label back and buy one for its twin, whose id is returned.

    No unit of stock moves: what one parcel gives back the other has.

    Raises:
        NoSuchParcel: there is none.
        TooLateToChange: it is picked, or has left already.
        NoLabelYet: it is cancelled, or its label is still to be bought.
    """
    order, parcel = locked_parcel(tx, parcel_id)
    _check(parcel)
    with audited_order(tx, person, "relabel_parcel", order.order_id):
        twin = replace_parcel(tx, order, parcel)
        work = BuyLabel(parcel_id=twin.parcel_id, carrier=twin.carrier, priority=order.priority)
        tx.write(outbox.put(tx, work))
    return twin.parcel_id


def locked_parcel(tx: Transaction, parcel_id: str) -> tuple[Order, Parcel]:
    """A parcel with its order, both locked, to be decided about.

    Raises:
        NoSuchParcel: there is none.
    """
    found = shipments.find(tx, parcel_id)
    if found is None:
        raise NoSuchParcel(f"there is no parcel {parcel_id}", parcel_id=parcel_id)
    order = orders.lock(tx, found.order_id)
    assert order is not None, "parcels refer to orders"
    tx.follow(order.correlation_id)
    parcels = {one.parcel_id: one for one in shipments.lock_of_order(tx, order.order_id)}
    return order, parcels[parcel_id]


def replace_parcel(tx: Transaction, order: Order, parcel: Parcel) -> PlannedParcel:
    """Cancel a labelled parcel that is locked, and plan its twin, which has its units from now on.

    The label is given back; the twin's is not asked for yet.
    """
    twin = shipments.as_planned(tx, parcel.parcel_id)._replace(parcel_id=new_id("par"))
    decided_at = parcel_reroutes.latest_at(tx, parcel.parcel_id) or parcel.planned_at
    tx.write(
        shipments.cancel(tx, [parcel.parcel_id]),
        *shipments.plan(tx, [twin]),
        labels.request_void([parcel.parcel_id]),
        outbox.put(
            tx,
            ParcelCancelled(parcel_id=parcel.parcel_id, order_id=order.order_id),
            _planned(order, twin, decided_at),
            VoidLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier),
        ),
    )
    return twin


def _check(parcel: Parcel) -> None:
    if parcel.is_picked:
        raise TooLateToChange(
            f"parcel_id: {parcel.parcel_id} is picked already; its label stays on it",
            field="parcel_id",
            parcel_id=parcel.parcel_id,
        )
    if parcel.state is not ParcelState.LABELLED:
        raise NoLabelYet(
            f"parcel_id: {parcel.parcel_id} is {parcel.state}, so it has no label to give back",
            field="parcel_id",
            parcel_id=parcel.parcel_id,
        )


def _planned(order: Order, twin: PlannedParcel, decided_at: datetime) -> ParcelPlanned:
    """It is charged by the rate card of the decision, not by one that came since."""
    return ParcelPlanned(
        parcel_id=twin.parcel_id,
        order_id=twin.order_id,
        warehouse=twin.warehouse,
        carrier=twin.carrier,
        weight_g=twin.weight_g,
        distance_m=twin.distance_m,
        planned_at=decided_at,
        items=tuple(
            [
                ParcelContent(line_no=item.line_no, sku=item.sku, quantity=item.quantity)
                for item in twin.contents
            ]
        ),
        service=twin.service,
        zone=twin.zone,
        volume_mm3=twin.volume_mm3,
        longest_mm=twin.longest_mm,
        residential=is_home(order),
        ship_on=twin.ship_on,
        arrives_on=twin.arrives_on,
    )
