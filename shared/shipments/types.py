"""The words of shipments."""

from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import Fault, NotYet, Rejected


class ParcelState(StrEnum):
    """Where a parcel stands with us; what its carrier says is its tracking status."""

    PLANNED = "planned"  # decided on, units reserved
    LABELLING = "labelling"  # its label is being bought, or is asked for again
    LABELLED = "labelled"
    SHIPPED = "shipped"  # the carrier has it, its units have left the stock
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


_SENT = frozenset({ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.RETURNED})


class Content(NamedTuple):
    """Units of one order line, and the partition of the warehouse's stock that promised them.

    The SKU is the line's, or a component of it where the line is a kit.
    """

    line_no: int
    sku: str
    quantity: int
    partition: int = 0


class Coded(NamedTuple):
    """A parcel that has a tracking code, and who gave it."""

    parcel_id: str
    order_id: str
    carrier: str


class Route(NamedTuple):
    """By whom a parcel without a label is to go, and all that another carrier has to know.

    `zone` is that of its rate card, None where distance alone decided; `cost_cents` is what it
    costs by that route: the quote, and what earlier reroutes cost more.
    """

    parcel_id: str
    order_id: str
    warehouse: str
    carrier: str
    service: str
    zone: str | None
    rate_card_id: str
    weight_g: int
    distance_m: int
    volume_mm3: int
    longest_mm: int
    ship_on: date | None
    cost_cents: int


class PlannedParcel(NamedTuple):
    """A parcel that placement decided on."""

    parcel_id: str
    order_id: str
    warehouse: str
    carrier: str
    rate_card_id: str
    weight_g: int
    distance_m: int
    quoted_cents: int
    contents: tuple[Content, ...]
    service: str = "standard"
    zone: str | None = None  # of the rate card; None where distance alone decided
    volume_mm3: int = 0  # 0: not known, and so is the longest side
    longest_mm: int = 0
    ship_on: date | None = None  # None: it was not asked
    arrives_on: date | None = None  # None: the rate card does not say how long it takes

    @property
    def day(self) -> tuple[str, date]:
        """The warehouse, and the day on which it leaves."""
        if self.ship_on is None:
            raise ValueError(f"nobody knows when parcel {self.parcel_id} leaves")
        return self.warehouse, self.ship_on

    @property
    def route(self) -> Route:
        """By whom it is to go."""
        return Route(
            parcel_id=self.parcel_id,
            order_id=self.order_id,
            warehouse=self.warehouse,
            carrier=self.carrier,
            service=self.service,
            zone=self.zone,
            rate_card_id=self.rate_card_id,
            weight_g=self.weight_g,
            distance_m=self.distance_m,
            volume_mm3=self.volume_mm3,
            longest_mm=self.longest_mm,
            ship_on=self.ship_on,
            cost_cents=self.quoted_cents,
        )


class RerouteReason(StrEnum):
    """Why a parcel goes by another carrier than planned."""

    CARRIER_PAUSED = "carrier_paused"  # it does not answer anybody
    CALLS_FAILED = "calls_failed"  # it has not answered for this parcel
    CHOSEN_BY_HAND = "chosen_by_hand"  # somebody wants another service


class Reroute(NamedTuple):
    """From one carrier's service to another. The zone is of the new rate card."""

    route: Route
    carrier: str
    service: str
    rate_card_id: str
    zone: str
    arrives_on: date | None
    difference_cents: int  # what it costs more than before
    currency: str
    reason: RerouteReason


class Parcel(NamedTuple):
    """A parcel as it is stored, without its contents."""

    parcel_id: str
    order_id: str
    warehouse: str
    carrier: str
    service: str
    state: ParcelState
    weight_g: int
    volume_mm3: int  # 0: not known, and so is the longest side
    longest_mm: int
    distance_m: int
    planned_at: datetime
    ship_on: date | None  # the day on which it is to leave; None: it was not asked
    picked_at: datetime | None  # from here on it cannot be taken back
    tracking_code: str | None
    tracking_status: str
    tracking_status_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    returned_at: datetime | None
    last_update_at: datetime | None

    @property
    def is_picked(self) -> bool:
        """Whether it has been picked, as its warehouse said or as its carrier has shown."""
        return self.state in _SENT or (
            self.picked_at is not None and self.state is not ParcelState.CANCELLED
        )


class UnknownParcel(Fault):
    """Work names a parcel that does not exist: one of us has announced what did not happen."""

    code = "unknown_parcel"


class NoSuchParcel(Rejected):
    """Somebody names a parcel that we never planned."""

    code = "no_such_parcel"


class ParcelOfAnotherWarehouse(Rejected):
    """A warehouse reports about a parcel that another one packs."""

    code = "parcel_of_another_warehouse"


class NotInParcel(Rejected):
    """More of a SKU is reported than the parcel has of it."""

    code = "not_in_parcel"


class ParcelNeverLeft(Rejected):
    """A parcel is reported to have come back that was cancelled, or that nobody has picked yet."""

    code = "parcel_never_left"


class LabelBeingBought(NotYet):
    """The parcel's label is being bought at this moment: whether it can be voided shows soon."""

    code = "label_being_bought"


class ParcelNotHereYet(NotYet):
    """A carrier knows a parcel whose label we have not recorded yet, or that is not ours."""

    code = "parcel_not_here_yet"
