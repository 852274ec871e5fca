"""The words of inbound.

An inbound is a delivery on its way to a warehouse: a transfer from another of our warehouses, its
origin, or a supplier's delivery, which has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import NotYet, Rejected


class InboundState(StrEnum):
    """How far an inbound has come."""

    REQUESTED = "requested"  # asked of the origin, or announced by a supplier
    SHIPPED = "shipped"  # a transfer's units have left the origin
    RECEIVED = "received"  # nothing more of it will come
    CANCELLED = "cancelled"


class Item(NamedTuple):
    """Units of one SKU in an inbound. Of a supplier's delivery nobody tells what was shipped."""

    sku: str
    quantity: int  # asked for or announced; 0 for what came and nobody had announced
    shipped: int = 0
    received: int = 0


class Inbound(NamedTuple):
    """An inbound as it is stored, with its items by SKU.

    A transfer's receipt may be reported before its shipment: then it has a `received_at` and is
    still requested. A supplier's receipt may come before the announcement, which says when.
    """

    inbound_id: str
    origin: str | None  # None: a supplier
    warehouse: str
    state: InboundState
    items: Mapping[str, Item]
    expected_at: datetime | None
    hold_id: str | None = None  # what keeps a transfer's units at the origin
    announced_at: datetime | None = None  # of the supplier's latest announcement
    shipped_at: datetime | None = None
    received_at: datetime | None = None
    reason: str = ""  # why it was cancelled

    @property
    def coming(self) -> dict[str, int]:
        """SKU -> units that are still to come."""
        if self.state is InboundState.REQUESTED:
            sent = {item.sku: item.quantity for item in self.items.values()}
        elif self.state is InboundState.SHIPPED:
            sent = {item.sku: item.shipped for item in self.items.values()}
        else:
            return {}
        left = {sku: units - self.items[sku].received for sku, units in sent.items()}
        return {sku: units for sku, units in sorted(left.items()) if units > 0}

    @property
    def missing(self) -> dict[str, int]:
        """SKU -> units of a received transfer that left the origin and did not arrive."""
        if self.state is not InboundState.RECEIVED:
            return {}
        lost = {item.sku: item.shipped - item.received for item in self.items.values()}
        return {sku: units for sku, units in sorted(lost.items()) if units > 0}


class Lot(NamedTuple):
    """Units of one SKU that can be promised in a warehouse from a moment on."""

    sku: str
    warehouse: str
    units: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits for units, and from where it may have them."""

    name: str
    wants: Mapping[str, int]  # SKU -> units, each at least 1
    warehouses: frozenset[str] | None = None  # None: all
    excluded: frozenset[tuple[str, str]] = frozenset()  # (SKU, warehouse)

    def may_take(self, lot: Lot) -> bool:
        """Whether units of this lot would serve it."""
        return (self.warehouses is None or lot.warehouse in self.warehouses) and (
            lot.sku,
            lot.warehouse,
        ) not in self.excluded


class InboundNotHereYet(NotYet):
    """Something happened to an inbound that nobody has asked for or announced yet."""

    code = "inbound_not_here_yet"


class UnknownInbound(Rejected):
    """There is no such delivery."""

    code = "unknown_inbound"


class InboundConflict(Rejected):
    """The inbound id is known, with other contents."""

    code = "inbound_conflict"


class InboundEnded(Rejected):
    """The inbound has come too far for this."""

    code = "inbound_ended"


class TransferToItself(Rejected):
    """Origin and destination are one warehouse."""

    code = "transfer_to_itself"


class NotEnoughFree(Rejected):
    """The origin has fewer units free than are asked of it."""

    code = "not_enough_free"


class UnitsContradict(Rejected):
    """More was shipped than asked for, or more received than shipped."""

    code = "units_contradict"
