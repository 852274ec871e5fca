"""Take back what was decided for an order, as long as nothing of it was picked."""

from collections.abc import Iterable, Mapping, Sequence

from shared.carriers import store as labels
from shared.contracts.parcels import ParcelCancelled
from shared.contracts.work import VoidLabel
from shared.flows.booking import as_of
from shared.flows.stocked import grown
from shared.flows.waitlist import share_out
from shared.orders.types import Order, TooLateToChange
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import site_days
from shared.shipments import store as shipments
from shared.shipments.types import Content, LabelBeingBought, Parcel, ParcelState
from shared.stock import store as stock
from shared.stock.types import Change, Key, Movement, together

_PERHAPS_LABELLED = frozenset({ParcelState.LABELLING, ParcelState.LABELLED})


def unplace(tx: Transaction, order: Order) -> None:
    """Cancel the order's parcels and give their units back. The order is locked.

    Raises:
        TooLateToChange: one of them is picked.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    parcels = shipments.lock_of_order(tx, order.order_id)
    for parcel in parcels:
        if parcel.is_picked:
            raise TooLateToChange(
                f"order_id: parcel {parcel.parcel_id} is picked already; cancel the order to have"
                " it sent back, or submit another one",
                field="order_id",
                order_id=order.order_id,
                parcel_id=parcel.parcel_id,
            )
    take_back(tx, order, parcels)


def take_back(
    tx: Transaction,
    order: Order,
    parcels: Iterable[Parcel],
    lost: Sequence[Movement] = (),
    actor: str = "",
    *,
    to_waitlist: bool = False,
) -> None:
    """Cancel these parcels, void their labels, and give back their units, but those that are lost.

    To the waitlist first where the order needs them no more; else it may take them again itself.

    Raises:
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    parcels = [parcel for parcel in parcels if parcel.state is not ParcelState.CANCELLED]
    if not parcels:
        return
    parcel_ids = [parcel.parcel_id for parcel in parcels]
    to_void = [parcel for parcel in parcels if parcel.state in _PERHAPS_LABELLED]
    if to_void:
        being_bought = labels.being_bought(tx, [parcel.parcel_id for parcel in to_void])
        for parcel_id in sorted(being_bought):
            raise LabelBeingBought(
                f"order_id: the label of parcel {parcel_id} is being bought; ask again shortly",
                field="order_id",
                order_id=order.order_id,
                parcel_id=parcel_id,
            )
    days = [(parcel.warehouse, parcel.ship_on) for parcel in parcels if parcel.ship_on]
    given_back = released(parcels, shipments.contents(tx, parcel_ids))
    locked = stock.lock(tx, {change.key[:2] for change in given_back})
    movements, gone = as_of(locked, lost)
    changes = together([*given_back, *gone])
    tx.write(
        shipments.cancel(tx, parcel_ids),
        *([site_days.give_back(days)] if days else []),
        stock.change(changes),
        *([stock.record(tx, movements, actor)] if movements else []),
        *([labels.request_void([parcel.parcel_id for parcel in to_void])] if to_void else []),
        outbox.put(
            tx,
            *(
                ParcelCancelled(parcel_id=parcel_id, order_id=order.order_id)
                for parcel_id in parcel_ids
            ),
            *(() if to_waitlist else grown(locked, locked.after(changes))),
            *(VoidLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier) for parcel in to_void),
        ),
    )
    if to_waitlist:
        share_out(tx, locked, locked.after(changes))


def released(
    parcels: Iterable[Parcel], contents: Mapping[str, Iterable[Content]]
) -> tuple[Change, ...]:
    """What giving back all that is in these parcels does to the balances."""
    return together(
        Change(Key(item.sku, parcel.warehouse, item.partition), reserved=-item.quantity)
        for parcel in parcels
        for item in contents[parcel.parcel_id]
    )
