"""Carriers in the console: whether they answer, and what waits for them. Additive only."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import NO_NUL, Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because

AtVendor = Annotated[str, Field(max_length=120, pattern=NO_NUL)]


class FallbackDifference(Document):
    """What parcels that another carrier took over cost more; minor units of the currency."""

    currency: str
    difference_cents: int


class SellerView(Document):
    """Who sells a carrier's labels, and how; null: whichever account the vendor takes."""

    vendor: str
    name_at_vendor: str
    account: str | None
    label_format: str
    is_enabled: bool
    has_manifests: bool = True  # without them no day of the carrier is closed


class LabelQueue(Document):
    """A queue by which labels are bought; null: it has no limit that is known."""

    queue: str
    last_minute: int
    last_hour: int
    most_a_minute: int | None


class VendorQuiet(Document):
    """A vendor that answers, and wants no calls about the carrier until then."""

    vendor: str
    until: Moment


class CarrierStand(Document):
    """How a carrier stands, counted for all warehouses; what is of today begins at midnight, UTC.

    Without `is_enabled` somebody has said that nothing is bought of it. `failures` are those in a
    row; `since` is when its breaker last opened or closed. `quiet_until` is what was asked for
    with the last failure, `quiet` are vendors that answer and want fewer calls. `taken_away` left
    it for others, `taken_over` came to it.
    """

    carrier: str
    breaker: str
    since: Moment | None
    failures: int
    failed_at: Moment | None
    quiet_until: Moment | None
    next_probe_at: Moment | None
    waiting: int
    waiting_since: Moment | None
    to_void: int
    bought_today: int
    taken_away: int
    taken_over: int
    vendor: str = ""
    is_enabled: bool = True
    quiet: tuple[VendorQuiet, ...] = ()
    differences: tuple[FallbackDifference, ...]  # of those that were taken away


class OpsCarriers(Document):
    """Every carrier, by name."""

    at: Moment
    carriers: tuple[CarrierStand, ...]


class CarrierHour(Document):
    """Labels that a carrier sold, and parcels that left it, in the hour that begins then."""

    begins_at: Moment
    bought: int
    taken_away: int


class FallbackRoute(Document):
    """Parcels that went from one carrier to another today, and what they cost more together."""

    from_carrier: str
    to_carrier: str
    parcels: int
    currency: str
    difference_cents: int


class ParcelForCarrier(Document):
    """A parcel without a label; late: the day on which it was to leave is over."""

    parcel_id: str
    order_id: str
    warehouse: str
    planned_at: Moment
    is_late: bool


class CarrierPrices(Document):
    """The prices of a service that hold now; `kept_out_by` are policies that send nothing by it."""

    service: str
    rate_card_id: str
    version: int
    valid_from: Moment
    kept_out_by: tuple[str, ...] = ()


class FallbackNamed(Document):
    """Who takes over the parcels of a zone, in this order, as the policy of a channel has it."""

    policy_id: str
    channel: str
    zone: str
    to: tuple[str, ...]


class OpsCarrier(Document):
    """A carrier; `parcels` are the first of those that wait in the warehouses of whoever asks.

    `version` is what a change of the seller is checked against, `vendors` who may be one.
    """

    at: Moment
    stand: CarrierStand
    hours: tuple[CarrierHour, ...]
    routes: tuple[FallbackRoute, ...]
    parcels: tuple[ParcelForCarrier, ...]
    services: tuple[CarrierPrices, ...]
    seller: SellerView | None = None
    queues: tuple[LabelQueue, ...] = ()
    version: str = ""
    acts: tuple[str, ...] = ()  # what is open to whoever asks
    vendors: tuple[str, ...] = ()
    fallbacks: tuple[FallbackNamed, ...] = ()


class SellerWanted(Because):
    """Who sells a carrier's labels from now on, and how.

    `name_at_vendor` is empty where the vendor calls it as we do. `account` is the vendor's id of
    our account, and no secret; empty: whichever the vendor takes. Without `has_manifests` the
    vendor makes none of this carrier, and nobody asks for one; null: as it is known.
    """

    vendor: Identifier
    name_at_vendor: AtVendor = ""
    account: AtVendor = ""
    label_format: Literal["pdf", "png", "zpl"] = "pdf"
    is_enabled: bool
    has_manifests: bool | None = None
