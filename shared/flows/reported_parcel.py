"""The parcel that a warehouse reports about, with its order and its siblings locked."""

from typing import NamedTuple

from shared.orders import store as orders
from shared.orders.types import Order
from shared.platform import log
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.lifecycle import OPEN
from shared.shipments.types import NoSuchParcel, Parcel, ParcelOfAnotherWarehouse


class ReportedParcel(NamedTuple):
    """A parcel with all that is decided together with it."""

    order: Order
    parcel: Parcel
    siblings: tuple[Parcel, ...]

    @property
    def is_here(self) -> bool:
        """Whether it has neither left nor been cancelled."""
        return self.parcel.state in OPEN

    def ignore(self, said: str) -> None:
        """Note that the report came too late to change anything."""
        log.line(
            said,
            parcel_id=self.parcel.parcel_id,
            order_id=self.order.order_id,
            state=self.parcel.state,
        )


def lock_reported(tx: Transaction, warehouse: str, parcel_id: str) -> ReportedParcel:
    """Lock the order of a parcel and all its parcels, for a report of this warehouse.

    Raises:
        NoSuchParcel, ParcelOfAnotherWarehouse: says what to look at.
    """
    found = shipments.find(tx, parcel_id)
    if found is None:
        raise NoSuchParcel(
            f"parcel_id: there is no parcel {parcel_id}; send the parcel_id of"
            " dispatch.parcel.planned.v1",
            field="parcel_id",
        )
    if found.warehouse != warehouse:
        raise ParcelOfAnotherWarehouse(
            f"warehouse: parcel {parcel_id} is packed in {found.warehouse}, not in {warehouse};"
            " that warehouse has to report it",
            field="warehouse",
            parcel_id=parcel_id,
            warehouse=warehouse,
        )
    order = orders.lock(tx, found.order_id)
    assert order is not None, "parcels refer to orders"
    tx.follow(order.correlation_id)  # the warehouse knows nothing of it
    parcels = {parcel.parcel_id: parcel for parcel in shipments.lock_of_order(tx, order.order_id)}
    parcel = parcels.pop(parcel_id)
    return ReportedParcel(order, parcel, tuple(parcels.values()))
