"""The words of orders."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from shared.kit.errors import Rejected
from shared.kit.geo import Point


class OrderState(StrEnum):
    """Where an order stands. Waiting for stock is a state, never a retry."""

    WAITING = "waiting"  # to be placed
    BACKORDERED = "backordered"  # waits for stock
    PARTLY_PLACED = "partly_placed"  # some units have parcels, the others wait
    REVIEW = "review"  # waits for a person: no stock would help
    PLACED = "placed"  # every unit is reserved and belongs to a parcel
    SHIPPED = "shipped"  # a carrier has at least one of its parcels
    DELIVERED = "delivered"
    RETURNED = "returned"  # every parcel arrived somewhere, not every one at the customer
    CANCELLED = "cancelled"


SHORT_PICK = "short pick"  # why a warehouse is not asked again: it missed units
WAITS_FOR_STOCK = frozenset({OrderState.BACKORDERED, OrderState.PARTLY_PLACED})


class Priority(StrEnum):
    """Which queue an order waits in."""

    EXPRESS = "express"
    STANDARD = "standard"
    BULK = "bulk"


class Line(NamedTuple):
    """One line of an order. A kit is sent as its components, as they were when it was ordered.

    What is in none of the three places at the end waits to be placed.
    """

    line_no: int
    sku: str
    quantity: int
    unit_price_cents: int
    kit: Mapping[str, int] | None = None  # component -> units of it in one unit of the line
    allocated: int = 0  # have parcels
    backordered: int = 0  # wait for stock
    cancelled: int = 0
    was_secured: int = 0  # had a parcel or waited for stock at some time, wanted still or not

    @property
    def open(self) -> int:
        """Units that have no parcel yet and are still wanted."""
        return self.quantity - self.allocated - self.cancelled

    @property
    def secured(self) -> int:
        """Units that were promised once, in a parcel or in the waitlist, and are still wanted."""
        most = max(self.was_secured, self.allocated + self.backordered)
        return min(most, self.quantity - self.cancelled)

    @property
    def fresh(self) -> int:
        """Units that nobody was promised yet: those that may be sold out."""
        return self.quantity - self.cancelled - self.secured

    @property
    def each(self) -> Mapping[str, int]:
        """SKU -> units of it that one unit of the line takes from the stock."""
        return {self.sku: 1} if self.kit is None else self.kit


class Split(NamedTuple):
    """Where the units of a line stand."""

    order_id: str
    line_no: int
    allocated: int
    backordered: int
    cancelled: int


class EarlyChange(NamedTuple):
    """A change that came before its order: an event's type and body, and the event's id."""

    order_id: str
    type: str
    body: bytes
    event_id: str


class Order(NamedTuple):
    """An order as it is stored, without its lines."""

    order_id: str
    revision: int
    fingerprint: str
    state: OrderState
    reason: str  # why it is in its state, where that was said
    priority: Priority
    currency: str
    destination: Point
    address: dict[str, Any]
    promised_at: datetime
    correlation_id: str  # of the event that brought it
    channel: str
    hold_id: str | None  # what its cart held, until it is placed
    sale: str | None  # whose allotments it may take from
    expected_at: datetime | None  # when it can probably be placed, while it waits for stock
    return_wanted_at: datetime | None  # when it was cancelled, after it had been picked
    ship_together: bool | None  # what the customer wants; None: whatever the policy says
    # warehouse -> the share of it, in percent, that the channel may sell; None: all of everything.
    scope: Mapping[str, int] | None
    excluded: frozenset[tuple[str, str]]  # (sku, warehouse) that could not be picked for it


class Move(NamedTuple):
    """An order's next state, why, and its revision where that is a new one."""

    order: Order
    state: OrderState
    reason: str = ""
    revision: int | None = None


class Waiting(NamedTuple):
    """What a backordered order waits for, and from where it may have it."""

    order_id: str
    wants: Mapping[str, int]  # SKU -> units, a kit as its components
    warehouses: frozenset[str] | None  # None: all
    excluded: frozenset[tuple[str, str]]  # (sku, warehouse) that could not be picked for it
    expected_at: datetime | None


class UnknownOrder(Rejected):
    """There is no such order, and nothing announces one."""

    code = "unknown_order"


class OrderConflict(Rejected):
    """The order id is known, with another body."""

    code = "order_conflict"


class NothingWaits(Rejected):
    """What waits of an order is to be cancelled, and nothing of it waits."""

    code = "nothing_waits"


class PartlyPicked(Rejected):
    """A parcel cannot be picked, and the order cannot be placed anew: others of it are picked."""

    code = "order_partly_picked"


class TooLateToChange(Rejected):
    """A parcel of the order is picked: from here on nothing but a return is possible."""

    code = "too_late_to_change"
