"""Orders over HTTP: what is sent and answered beside the events. Additive only, as events are."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.contracts.base import NO_NUL, Currency, Document, Identifier, LanguageTag, Moment
from shared.contracts.orders import Destination


class Cancellation(Document):
    """Why the order is no longer wanted."""

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class OrderReceipt(Document):
    """Where an order stands after a request."""

    order_id: Identifier
    revision: int
    state: str
    priority: str
    return_wanted_at: Moment | None = None  # it was cancelled when it was picked already


class LineView(Document):
    """One line of an order. Units that are in none of the three places wait to be placed."""

    line_no: int
    sku: Identifier
    quantity: int
    unit_price_cents: int
    allocated: int
    backordered: int
    cancelled: int


class ItemView(Document):
    """Units of one line in a parcel."""

    line_no: int
    sku: Identifier
    quantity: int


class ParcelView(Document):
    """A parcel, and how far it has come; `tracking_status` is what its carrier says."""

    parcel_id: Identifier
    warehouse: Identifier
    carrier: Identifier
    service: Identifier = "standard"
    state: str
    weight_g: int
    quoted_cents: int
    planned_at: Moment
    ship_on: date | None = None  # the day on which it is to leave
    arrives_on: date | None = None  # null: its rate card does not say how long it takes
    picked_at: Moment | None = None
    tracking_code: str | None
    tracking_status: str
    tracking_status_at: Moment | None
    shipped_at: Moment | None
    delivered_at: Moment | None
    returned_at: Moment | None
    cancelled_at: Moment | None
    items: tuple[ItemView, ...]


class ChargeView(Document):
    """What was charged for a parcel; a reversal takes a charge back and is negative."""

    parcel_id: Identifier
    kind: str
    entry: str
    amount_cents: int
    currency: Currency
    charged_at: Moment


class OrderView(Document):
    """An order as it stands, with its lines, its parcels and what they cost."""

    order_id: Identifier
    channel: Identifier
    revision: int
    state: str
    state_reason: str
    priority: str
    currency: Currency
    destination: Destination
    ordered_at: Moment
    promised_at: Moment
    accepted_at: Moment
    expected_at: Moment | None  # when it can probably be placed, while it waits for stock
    placed_at: Moment | None
    closed_at: Moment | None
    return_wanted_at: Moment | None = None
    lines: tuple[LineView, ...]
    parcels: tuple[ParcelView, ...]
    charges: tuple[ChargeView, ...]
    language: LanguageTag | None = None  # as the channel said it
    tracking_url: str | None = (
        None  # where the customer can follow it; null: no page has an address
    )
    shipping_cents: int | None = (
        None  # what the customer pays for it; null: the channel did not say
    )


class ProblemField(Document):
    """One field that is wrong: its dotted path, empty for the whole body, and why."""

    field: str
    detail: str


class ProblemChange(Document):
    """Something that has changed since it was looked at: what it is called, what it was and is."""

    field: str
    was: str
    now: str


class Problem(Document):
    """What went wrong. Source: RFC 9457. `code` is stable; `detail` is for people.

    `errors` names every wrong field, and `field` the first of them. The fingerprints are those of
    two requests, orders or holds that share a name and are not the same. `missing` is how many
    units of each SKU there would have to be more, and `changed` what is no longer as it was when
    the caller looked.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: tuple[ProblemField, ...] | None = None
    fingerprint: str | None = None
    known_fingerprint: str | None = None
    missing: dict[str, int] | None = None
    changed: tuple[ProblemChange, ...] | None = None
