"""Take back what was decided for an order, as long as nothing of it was bought or sent."""

from collections import Counter

from shared.contracts.parcels import ParcelCancelled
from shared.contracts.stock import StockIncreased
from shared.orders.types import Order, TooLateToChange
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState
from shared.stock import store as stock
from shared.stock.types import Pick


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
    contents = shipments.contents(tx, [parcel.parcel_id for parcel in parcels])
    units = Counter[tuple[str, str]]()
    for parcel in parcels:
        for item in contents[parcel.parcel_id]:
            units[item.sku, parcel.warehouse] += item.quantity
    levels = stock.lock(tx, units)
    more: dict[str, dict[str, int]] = {}
    for (sku, place), quantity in units.items():
        level, _ = levels[sku, place]
        more.setdefault(place, {})[sku] = level.without_reserved(quantity).available
    tx.write(
        shipments.cancel(tx, [parcel.parcel_id for parcel in parcels]),
        stock.release([Pick(place, sku, quantity) for (sku, place), quantity in units.items()]),
        outbox.put(
            tx,
            *(
                ParcelCancelled(parcel_id=parcel.parcel_id, order_id=order.order_id)
                for parcel in parcels
            ),
            *(StockIncreased(warehouse=place, available=skus) for place, skus in more.items()),
        ),
    )
