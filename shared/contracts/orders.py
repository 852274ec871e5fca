"""Orders: what channels publish, and what Dispatch tells about them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from shared.contracts.base import (
    NO_NUL,
    PRIORITY,
    Currency,
    Document,
    Event,
    Identifier,
    LanguageTag,
    Moment,
)


class ServiceLevel(StrEnum):
    """How fast the customer was told it would be; it decides the queue."""

    EXPRESS = "express"
    STANDARD = "standard"
    ECONOMY = "economy"


class Destination(Document):
    """Where the customer lives."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=NO_NUL)]
    street: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    city: Annotated[str, Field(min_length=1, max_length=120, pattern=NO_NUL)]
    state: Annotated[str, Field(max_length=60, pattern=NO_NUL)] = ""
    postcode: Annotated[str, Field(min_length=2, max_length=12, pattern=NO_NUL)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]  # ISO 3166-1 alpha-2
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    residential: bool = False  # somebody lives there: some carriers take more for it


class OrderedLine(Document):
    """One line of an order."""

    line_no: Annotated[int, Field(ge=1, le=9_999)]
    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=10_000)]
    unit_price_cents: Annotated[int, Field(ge=0, le=1_000_000_000)]


Lines = Annotated[tuple[OrderedLine, ...], Field(min_length=1, max_length=200)]


def line_numbers_are_unique(lines: tuple[OrderedLine, ...]) -> tuple[OrderedLine, ...]:
    """The lines; ValueError where two of them have the same number."""
    if len({line.line_no for line in lines}) < len(lines):
        raise ValueError("two lines share a line_no")
    return lines


class _ChannelEvent(Event):
    topic: ClassVar[str] = "orders"

    order_id: Identifier

    @property
    def ordering_key(self) -> str:
        return self.order_id


class OrderSubmitted(_ChannelEvent):
    """A channel passes an order on. Its revision is 1."""

    type: ClassVar[str] = "channel.order.submitted.v1"

    channel: Identifier
    service_level: ServiceLevel = ServiceLevel.STANDARD
    ordered_at: Moment
    promised_at: Moment
    currency: Currency
    destination: Destination
    lines: Lines
    hold_id: Identifier | None = None  # what the cart held is taken first
    sale: Identifier | None = None  # whose allotments the order may take from
    # Whether all has to come at once; without a word the channel's policy says when it need not.
    ship_together: bool | None = None
    # What the customer pays for shipping, once an order; null: the channel does not say.
    shipping_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    # What the customer reads: en, pt, de and variants such as pt-BR. Others, and null: that of the
    # destination's country.
    language: LanguageTag | None = None

    _unique_lines = field_validator("lines")(line_numbers_are_unique)

    @property
    def extensions(self) -> Mapping[str, str]:
        return {PRIORITY: self.service_level}


class OrderAmended(_ChannelEvent):
    """The order's lines as they are to be from now on; a higher revision replaces a lower one."""

    type: ClassVar[str] = "channel.order.amended.v1"

    revision: Annotated[int, Field(ge=2, le=1_000_000)]
    lines: Lines

    _unique_lines = field_validator("lines")(line_numbers_are_unique)


class OrderCancelled(_ChannelEvent):
    """The customer or the channel no longer wants the order."""

    type: ClassVar[str] = "channel.order.cancelled.v1"

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    rest_only: bool = False  # only what has no parcel yet; what has one is sent


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
