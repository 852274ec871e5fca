"""Orders: what channels publish. What Dispatch tells about them stands in `order_facts`."""

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
