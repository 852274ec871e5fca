"""Which parcels of an order went by another carrier than planned. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

_OF_ORDER = text("""
    SELECT parcel_id, rerouted_at, from_carrier, from_service, to_carrier, to_service,
           difference_cents, parcel_reroutes.currency, reason
      FROM parcels JOIN parcel_reroutes USING (parcel_id)
     WHERE order_id = :order_id
     ORDER BY rerouted_at, parcel_id, number
""")


@dataclass(frozen=True, slots=True)
class RerouteRow:
    """A parcel that was taken from one carrier and given to another; what it costs more."""

    parcel_id: str
    rerouted_at: datetime
    from_carrier: str
    from_service: str
    to_carrier: str
    to_service: str
    difference_cents: int
    currency: str
    reason: str


def of_order(tx: Transaction, order_id: str) -> Sequence[RerouteRow]:
    """Every reroute of the order's parcels, the oldest first."""
    return [
        RerouteRow(**row._mapping)  # noqa: SLF001
        for row in tx.rows(_OF_ORDER, order_id=order_id)
    ]
