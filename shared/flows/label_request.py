"""What a carrier has to know of a parcel, from wherever it is kept."""

from math import ceil, sqrt
from typing import Any

from shared.carriers.types import Address, CarrierAccount, Dimensions, LabelRequest
from shared.costing.types import STANDARD
from shared.orders import store as orders
from shared.platform.db import Transaction
from shared.shipments.types import Parcel
from shared.stock import warehouses


def label_request(
    tx: Transaction, parcel: Parcel, label_id: str, account: CarrierAccount
) -> LabelRequest:
    """The label that the parcel would be sent with, under this id, as its vendor wants to hear."""
    order = orders.find(tx, parcel.order_id)
    sender = warehouses.find(tx, parcel.warehouse)
    assert order is not None, "parcels refer to orders"
    assert sender is not None, "parcels refer to warehouses"
    return LabelRequest(
        label_id=label_id,
        carrier=account.name_at_vendor,
        from_address=address_of(sender.address),
        to_address=address_of(order.address),
        weight_g=parcel.weight_g,
        reference=parcel.order_id,
        # A carrier that has one service only here sells the cheapest of its own.
        service=None if parcel.service == STANDARD else parcel.service,
        dimensions_mm=_box(parcel),
        vendor_account=account.vendor_account,
        label_format=account.label_format,
    )


def _box(parcel: Parcel) -> Dimensions | None:
    """A box as long as the parcel's longest side that holds its volume; None: nobody knows."""
    if not (parcel.volume_mm3 and parcel.longest_mm):
        return None
    side_mm = ceil(sqrt(parcel.volume_mm3 / parcel.longest_mm))
    return Dimensions(parcel.longest_mm, side_mm, side_mm)


def address_of(stored: dict[str, Any]) -> Address:
    """An order's or a warehouse's address as carriers want it."""
    return Address(
        name=stored["name"],
        street1=stored["street"],
        city=stored["city"],
        state=stored.get("state", ""),
        postcode=stored["postcode"],
        country=stored["country"],
    )
