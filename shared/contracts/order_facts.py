"""What Dispatch tells about orders."""

from collections.abc import Mapping
from typing import ClassVar

from shared.contracts.base import PRIORITY, Currency, Event, Identifier, Moment


class _OrderFact(Event):
    topic: ClassVar[str] = "order-events"

    order_id: Identifier

    @property
    def ordering_key(self) -> str:
        return self.order_id


class _WaitingOrder(_OrderFact):
    priority: str
    revision: int

    @property
    def extensions(self) -> Mapping[str, str]:
        return {PRIORITY: self.priority}


class OrderAccepted(_WaitingOrder):
    """The order is stored and waits to be placed."""

    type: ClassVar[str] = "dispatch.order.accepted.v1"

    # Where the customer can follow it, for whoever writes to them; null: there are no pages.
    tracking_url: str | None = None
    # Whether it has what the hold that it names keeps. False: another order has that, or it has
    # ended, so that the order is placed from what is free. Null: it names none.
    has_hold: bool | None = None


class OrderChanged(_WaitingOrder):
    """Its lines were replaced, or it could not be picked: what has no parcel waits to be placed."""

    type: ClassVar[str] = "dispatch.order.changed.v1"


class OrderPlaced(_OrderFact):
    """Every unit of the order is reserved and belongs to a parcel."""

    type: ClassVar[str] = "dispatch.order.placed.v1"

    parcel_ids: tuple[str, ...]  # the new ones: parts of it may have had parcels before
    cost_cents: int  # of these
    currency: Currency


class OrderPartlyPlaced(_OrderFact):
    """Some units of the order have parcels now; the others wait for stock, or to be tried again."""

    type: ClassVar[str] = "dispatch.order.partly_placed.v1"

    parcel_ids: tuple[str, ...]  # the new ones
    cost_cents: int  # of these
    currency: Currency
    waiting: dict[str, int]  # sku as it was ordered -> units
    expected_at: Moment | None = None


class OrderRestCancelled(_OrderFact):
    """What had no parcel yet will not be sent; the order goes on with the parcels that it has."""

    type: ClassVar[str] = "dispatch.order.rest_cancelled.v1"

    cancelled: dict[str, int]  # sku as it was ordered -> units
    reason: str


class OrderBackordered(_OrderFact):
    """There is not enough stock; the order waits for more."""

    type: ClassVar[str] = "dispatch.order.backordered.v1"

    missing: dict[str, int]  # sku -> units
    expected_at: Moment | None = None  # when it can probably be placed, where that is known already


class OrderExpected(_OrderFact):
    """When a backordered order can probably be placed has changed; null: nobody knows any more."""

    type: ClassVar[str] = "dispatch.order.expected.v1"

    expected_at: Moment | None


class OrderNeedsReview(_OrderFact):
    """A person has to look: it cannot be placed as it stands, or a label of it cannot be bought."""

    type: ClassVar[str] = "dispatch.order.needs_review.v1"

    reason: str


class OrderReturnExpected(_OrderFact):
    """The order was cancelled when it was picked already: its parcels are expected back."""

    type: ClassVar[str] = "dispatch.order.return_expected.v1"

    parcel_ids: tuple[str, ...]
    reason: str


class OrderClosed(_OrderFact):
    """The order is delivered, returned or cancelled. A delivered one may still be returned."""

    type: ClassVar[str] = "dispatch.order.closed.v1"

    state: str
    reason: str = ""
