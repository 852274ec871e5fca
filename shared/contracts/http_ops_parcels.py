"""The console's parcels over HTTP. Additive only, as events are."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Currency, Document, Identifier, Moment
from shared.contracts.http_ops import Happening
from shared.contracts.http_ops_acts import Because, Said
from shared.contracts.http_orders import ChargeView, ParcelView

ParcelStateName = Literal[
    "planned", "labelling", "labelled", "shipped", "delivered", "returned", "cancelled"
]
StatusName = Literal[
    "pending",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "ready_for_pickup",
    "delivery_failed",
    "delivery_delayed",
    "on_hold",
    "return_to_sender",
    "delivered",
    "cancelled",
    "unknown",
]
StandstillName = Literal["not_handed_over", "silent", "not_collected", "expected_late", "overdue"]
LabelStateName = Literal["requested", "bought", "void_requested", "voided"]
RateCardId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:/@-]+$")]
HoursToStand = Annotated[int, Field(ge=0, le=24 * 365)]


class ParcelFilters(Document):
    """Which parcels. `q` is a whole id of a parcel or an order, or a whole tracking code.

    The newest come first; `cursor` is `next` of the page before.
    """

    q: Said = ""
    state: ParcelStateName | None = None
    status: StatusName | None = None
    carrier: Said = ""
    warehouse: Said = ""
    cursor: Said = ""


class ParcelRow(Document):
    """A parcel in a list; `status` is what its carrier says."""

    parcel_id: str
    order_id: str
    warehouse: str
    carrier: str
    service: str
    state: ParcelStateName
    tracking_code: str | None
    status: StatusName
    status_at: Moment | None
    planned_at: Moment
    ship_on: date | None
    arrives_on: date | None


class OpsParcels(Document):
    """A page of parcels; `next` is None on the last one."""

    parcels: tuple[ParcelRow, ...]
    next: str | None


class StandingFilters(Document):
    """Which parcels that stand still; those that have for longest come first."""

    kind: StandstillName | None = None
    carrier: Said = ""
    cursor: Said = ""


class StandingRow(Document):
    """A parcel that has stood for longer than it may, in one way.

    `since` is the last news, the promise or the plan; what the threshold is counted from.
    """

    parcel_id: str
    order_id: str
    carrier: str
    service: str
    warehouse: str
    tracking_code: str
    status: StatusName
    kind: StandstillName
    since: Moment
    expected_on: date | None  # None: its rate card does not say how long it takes
    promised_at: Moment
    asked_at: Moment | None  # when its carrier was last to be asked
    unknown_times: int  # so many times in a row its carrier did not know it
    given_up_at: Moment | None  # nobody asks by themselves any more


class OpsStanding(Document):
    """A page of parcels that stand still; `next` is None on the last one."""

    parcels: tuple[StandingRow, ...]
    next: str | None


class ThresholdRow(Document):
    """Hours for a carrier and service; `*` is whichever. The most special row counts."""

    carrier: str
    service: str
    not_handed_over_hours: int
    silent_hours: int
    not_collected_hours: int
    overdue_hours: int
    poll_after_hours: int
    poll_every_hours: int


class OpsThresholds(Document):
    """How long parcels may stand, the most special rows first.

    `version` is what a change is checked against.
    """

    version: str
    thresholds: tuple[ThresholdRow, ...]
    may_change: bool


RuledBy = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^([A-Za-z0-9._:/-]+|\*)$")]


class ThresholdsWanted(Because):
    """Hours from now on, for a carrier and service; `*` is whichever."""

    carrier: RuledBy
    service: RuledBy = "*"
    not_handed_over_hours: HoursToStand
    silent_hours: HoursToStand
    not_collected_hours: HoursToStand
    overdue_hours: HoursToStand  # beyond the promise
    poll_after_hours: HoursToStand
    poll_every_hours: HoursToStand


class LabelView(Document):
    """A label that was asked for, with what its carrier took and gave back.

    `is_left_behind`: it was asked for at another carrier, which may have sold it; nobody heard.
    """

    label_id: str
    carrier: str
    state: LabelStateName
    tracking_code: str | None
    requested_at: Moment  # or left behind
    bought_at: Moment | None
    voided_at: Moment | None
    paid_cents: int | None
    refunded_cents: int | None
    currency: Currency | None
    is_left_behind: bool
    is_kept: bool = False  # its document can be printed
    manifest_id: str | None = None
    manifest_on: date | None = None  # the day that the manifest closes


class RerouteView(Document):
    """From one carrier to another; what it costs more."""

    rerouted_at: Moment
    from_carrier: str
    from_service: str
    to_carrier: str
    to_service: str
    difference_cents: int
    currency: Currency
    reason: str


class StandingView(Document):
    """In which way it stands still, and since when."""

    kind: StandstillName
    since: Moment


class PollView(Document):
    """When its carrier was asked about it, and whether it knew it."""

    asked_at: Moment
    answered_at: Moment | None
    times: int
    unknown_times: int
    given_up_at: Moment | None


class RawUpdate(Document):
    """What a vendor sent, in lines."""

    update_id: str
    vendor: str
    received_at: Moment
    body: str


class SiblingParcel(Document):
    """Another parcel of the order."""

    parcel_id: Identifier
    state: ParcelStateName
    warehouse: str
    planned_at: Moment


class ServiceOfferView(Document):
    """A service by which the parcel can go, at prices that hold now.

    `difference_cents` is what it costs more than now, below zero: less. `late_days` are those after
    the promise; null: nobody says when it arrives.
    """

    rate_card_id: str
    carrier: str
    service: str
    cost_cents: int
    difference_cents: int
    arrives_on: date | None
    late_days: int | None


class ServiceNotOfferedView(Document):
    """A service by which the parcel cannot go, and why."""

    carrier: str
    service: str
    reason: str


class OpsParcelServices(Document):
    """By which services a parcel can go, the cheapest first; `version` is as of the parcel.

    `why_not` says why nobody can choose, null: whoever may can. `gives_label_back`: the parcel has
    its label, so its units would go in another parcel. `siblings` are the order's other parcels
    that are not cancelled.
    """

    version: str
    order_id: str
    parcel_id: str
    state: ParcelStateName
    warehouse: str
    carrier: str
    service: str
    cost_cents: int
    currency: Currency
    promised_at: Moment
    arrives_on: date | None
    why_not: str | None
    gives_label_back: bool
    may_choose: bool
    offers: tuple[ServiceOfferView, ...]
    not_offered: tuple[ServiceNotOfferedView, ...]
    siblings: tuple[SiblingParcel, ...]


class ServiceChosen(Because):
    """By which service the parcel is to go: that of these prices."""

    rate_card_id: RateCardId


class ManifestFilters(Document):
    """Which manifests: all, or those of a warehouse, a carrier, a day.

    `cursor` is `next` of the page before.
    """

    warehouse: Said = ""
    carrier: Said = ""
    ship_on: date | None = None
    cursor: Said = ""


class ManifestRow(Document):
    """What a carrier takes over at a warehouse on a day; what came later has a further `number`."""

    manifest_id: str
    carrier: str
    warehouse: str
    ship_on: date
    number: int
    state: Literal["requested", "closed", "refused", "dropped"]
    labels: int
    ended_at: Moment | None  # closed or refused
    refused_for: str | None


class CarrierWithoutManifests(Document):
    """A carrier of whose days none is closed, because whoever sells its labels makes none of it."""

    carrier: str
    vendor: str


class ManifestWanted(Because):
    """All that a carrier takes over at a warehouse on a day and that is on none; null: today."""

    warehouse: Identifier
    carrier: Identifier
    ship_on: date | None = None


class OpsManifests(Document):
    """The newest days' manifests first; `next` is null on the last page.

    `may_print`: those that are closed. `without` are carriers of which none is asked for.
    """

    manifests: tuple[ManifestRow, ...]
    next: str | None
    may_print: bool
    acts: tuple[str, ...]
    without: tuple[CarrierWithoutManifests, ...] = ()


class OpsParcel(Document):
    """A parcel with all that is known of it. `version` is what an act on it is checked against."""

    version: str
    order_id: str
    promised_at: Moment
    currency: Currency
    parcel: ParcelView
    siblings: tuple[SiblingParcel, ...]
    timeline: tuple[Happening, ...]
    labels: tuple[LabelView, ...]
    charges: tuple[ChargeView, ...]
    reroutes: tuple[RerouteView, ...]
    standing: tuple[StandingView, ...]
    poll: PollView | None
    updates: tuple[RawUpdate, ...] | None  # None: not for whoever asks
    acts: tuple[str, ...]
