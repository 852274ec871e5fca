"""Parcels on their way from the warehouse to the door."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.base import Currency, Document, Event, Identifier, Moment


class ParcelContent(Document):
    """Units of one order line in a parcel."""

    line_no: int
    sku: Identifier
    quantity: Annotated[int, Field(ge=1)]


class _ParcelFact(Event):
    topic: ClassVar[str] = "parcel-events"

    parcel_id: Identifier
    order_id: Identifier

    @property
    def ordering_key(self) -> str:
        return self.order_id


class ParcelPlanned(_ParcelFact):
    """A parcel was decided on and its units are reserved."""

    type: ClassVar[str] = "dispatch.parcel.planned.v1"

    warehouse: Identifier
    carrier: Identifier
    weight_g: int
    distance_m: int
    planned_at: Moment
    items: tuple[ParcelContent, ...]
    service: Identifier = "standard"
    zone: Identifier | None = None  # of the rate card; null: distance alone decided
    volume_mm3: int = 0  # 0: not known, and so is the longest side
    longest_mm: int = 0
    residential: bool = False
    ship_on: date | None = None  # the day on which it is to leave, by the warehouse's calendar
    arrives_on: date | None = None  # null: the rate card does not say how long it takes


class ParcelCancelled(_ParcelFact):
    """The parcel will not be sent; its units are free again."""

    type: ClassVar[str] = "dispatch.parcel.cancelled.v1"


class ParcelLabelled(_ParcelFact):
    """The carrier sold a label for the parcel."""

    type: ClassVar[str] = "dispatch.parcel.labelled.v1"

    carrier: Identifier
    tracking_code: str


class ParcelRerouted(_ParcelFact):
    """The parcel goes by another service than planned.

    Its carrier does not answer, or a person has chosen so; theirs may be of the same carrier.
    """

    type: ClassVar[str] = "dispatch.parcel.rerouted.v1"

    from_carrier: Identifier
    from_service: Identifier
    to_carrier: Identifier
    to_service: Identifier
    reason: str  # carrier_paused, calls_failed, or chosen_by_hand
    difference_cents: int  # what it costs more than before; below zero: less
    currency: Currency
    arrives_on: date | None  # null: the rate card does not say how long it takes


class ParcelCharged(_ParcelFact):
    """What the parcel costs, item by item."""

    type: ClassVar[str] = "dispatch.parcel.charged.v1"

    items: dict[str, int]  # kind of charge -> cents, negative when taken back
    currency: Currency


class ManifestClosed(Event):
    """A carrier has the list of the parcels that it collects at a warehouse on a day.

    Labels that were bought later are on a further manifest of that day, the next number.
    """

    type: ClassVar[str] = "dispatch.manifest.closed.v1"
    topic: ClassVar[str] = "parcel-events"

    manifest_id: Identifier
    carrier: Identifier
    warehouse: Identifier
    ship_on: date
    number: Annotated[int, Field(ge=1)]
    parcel_ids: tuple[Identifier, ...]

    @property
    def ordering_key(self) -> str:
        return f"{self.carrier}:{self.warehouse}"


class DeliveryUpdated(Event):
    """A parcel's status on its way changed, and why, where its carrier says."""

    type: ClassVar[str] = "dispatch.delivery.updated.v1"
    topic: ClassVar[str] = "delivery-events"

    parcel_id: Identifier
    order_id: Identifier
    status: str
    status_at: Moment
    reason: str | None = None

    @property
    def ordering_key(self) -> str:
        return self.order_id


class ParcelStandsStill(Event):
    """A parcel has stood for longer than one of its carrier and service may; told once."""

    type: ClassVar[str] = "dispatch.parcel.stands_still.v1"
    topic: ClassVar[str] = "delivery-events"

    parcel_id: Identifier
    order_id: Identifier
    carrier: Identifier
    service: Identifier
    kind: str  # not_handed_over, silent, not_collected, expected_late or overdue
    since: Moment  # the last news, the promise or the plan
    status: str
    promised_at: Moment
    expected_on: date | None = None  # null: the rate card does not say how long it takes

    @property
    def ordering_key(self) -> str:
        return self.order_id


class CarrierUpdateReceived(Event):
    """A carrier sent something about a parcel; the raw text is kept under `update_id`."""

    type: ClassVar[str] = "dispatch.carrier.update_received.v1"
    topic: ClassVar[str] = "carrier-updates"

    update_id: Identifier
    vendor: Identifier
    tracking_code: str

    @property
    def ordering_key(self) -> str:
        return self.tracking_code
