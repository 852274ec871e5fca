"""Take back what was decided for an order, as long as nothing of it was bought or sent."""

from collections.abc import Iterable, Mapping

from shared.contracts.parcels import ParcelCancelled
from shared.flows.stocked import increased
from shared.orders.types import Order, TooLateToChange
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, Parcel, ParcelState
from shared.stock import store as stock
from shared.stock.types import Change, Key, together


def unplace(tx: Transaction, order: Order) -> None:
    """Cancel the order's planned parcels and give their units back. The order is locked.

    Raises:
        TooLateToChange: a label is being bought for one of them, or it is on its way.
    """
    parcels = [
        parcel
        for parcel in shipments.lock_of_order(tx, order.order_id)
        if parcel.state is not ParcelState.CANCELLED
    ]
    for parcel in parcels:
        if parcel.state is not ParcelState.PLANNED:
            raise TooLateToChange(
                f"order_id: parcel {parcel.parcel_id} is {parcel.state} already",
                field="order_id",
                order_id=order.order_id,
                parcel_id=parcel.parcel_id,
            )
    if not parcels:
        return
    changes = released(parcels, shipments.contents(tx, [parcel.parcel_id for parcel in parcels]))
    locked = stock.lock(tx, {change.key[:2] for change in changes})
    tx.write(
        shipments.cancel(tx, [parcel.parcel_id for parcel in parcels]),
        stock.change(changes),
        outbox.put(
            tx,
            *(
                ParcelCancelled(parcel_id=parcel.parcel_id, order_id=order.order_id)
                for parcel in parcels
            ),
            *increased(locked, changes),
        ),
    )


def released(
    parcels: Iterable[Parcel], contents: Mapping[str, Iterable[Content]]
) -> tuple[Change, ...]:
    """What giving back all that is in these parcels does to the balances."""
    return together(
        Change(Key(item.sku, parcel.warehouse, item.partition), reserved=-item.quantity)
        for parcel in parcels
        for item in contents[parcel.parcel_id]
    )
