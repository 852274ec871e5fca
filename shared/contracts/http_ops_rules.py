"""Rate cards and policies in the console: what is shown, drafted and published. Additive only."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from shared.contracts.base import NO_NUL, Document, Moment, utc
from shared.contracts.http_ops_acts import Because
from shared.contracts.policies import PolicyDocument

MOST_ROWS_CHARACTERS = 3_000_000  # some 40,000 rows of a rate card


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else utc(moment)


def _read(said: object) -> object:
    if not isinstance(said, str):
        return said
    try:
        return json.loads(said)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"this is not JSON: {error.msg}, in {where}") from None
    except RecursionError:
        raise ValueError("this is not JSON that anybody can read") from None


# A browser's field for a moment knows no offset: the page says that it is UTC.
MomentOrUtc = Annotated[datetime, AfterValidator(_utc)]
Standing = Literal["holds", "to come", "past"]


class RateCardRow(Document):
    """A version of a service's prices; `valid_until` is when the next begins."""

    rate_card_id: str
    version: int
    currency: str
    valid_from: Moment
    valid_until: Moment | None
    standing: Standing
    zones: int
    published_by: str
    reason: str


class RateService(Document):
    """What a carrier sells, with the version that holds and the one that comes next."""

    carrier: str
    service: str
    versions: int
    holds: RateCardRow | None
    comes: RateCardRow | None


class OpsRates(Document):
    """Every service that has prices."""

    services: tuple[RateService, ...]
    acts: tuple[str, ...]  # what of a draft is open to whoever asks


class RateCardAsked(Document):
    """Which version, and which other one it is compared with; without: that which holds."""

    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    against: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class RateStep(Document):
    """Up to this weight a parcel costs so much freight."""

    max_weight_g: int
    price_cents: int


class RateZone(Document):
    """What freight costs to some places; `rules` are the first of `rules_in_all`, in words."""

    zone: str
    rules: tuple[str, ...]
    rules_in_all: int
    steps: tuple[RateStep, ...]
    per_kg_cents: int | None
    max_weight_g: int | None
    transit_days: int | None
    remote_area_cents: int


class RateDifference(Document):
    """What a version says otherwise than another; empty: it says nothing about it."""

    where: str
    was: str
    now: str


class RateCardView(Document):
    """One version, whole. Money is minor units of its currency."""

    carrier: str
    service: str
    handling_cents: int
    packaging_cents: int
    volume_divisor: int  # mm³ that weigh as much as a gram; 0: only weight counts
    fuel_basis_points: int
    minimum_freight_cents: int
    residential_cents: int
    oversize_mm: int | None
    oversize_cents: int
    max_length_mm: int | None
    carries: tuple[str, ...]
    zones: tuple[RateZone, ...]


class OpsRateCard(Document):
    """A version of a service, all versions there are, and what it changed."""

    card: RateCardView
    row: RateCardRow
    versions: tuple[RateCardRow, ...]
    compared_with: int | None  # a version
    differences: tuple[RateDifference, ...]
    differences_in_all: int


class EffectSum(Document):
    """What the decisions of a sample cost, and would cost; minor units of the currency."""

    currency: str
    before_cents: int
    after_cents: int


class EffectService(Document):
    """Parcels of a sample that went by a service, and that would."""

    carrier: str
    service: str
    parcels_before: int
    parcels_after: int


class EffectExample(Document):
    """A decision that would come out otherwise; `after` is None where there would be none."""

    order_id: str
    currency: str
    before: tuple[str, ...]  # its parcels, in words
    after: tuple[str, ...]
    before_cents: int
    after_cents: int | None


class Effect(Document):
    """Decisions of the last day, made again as if what is proposed had held.

    `decisions` were made in that time; `sampled` of them were made again, evenly drawn. `skipped`
    could not be, because another engine had made them or something that they name is gone. Of those
    that were made again, `cheaper` and `dearer` would cost otherwise, `other_service` and
    `other_warehouse` would go otherwise, and `impossible` would not be placed at all: those are in
    no sum.
    """

    since: Moment
    until: Moment
    decisions: int
    sampled: int
    skipped: int
    cheaper: int
    dearer: int
    other_service: int
    other_warehouse: int
    impossible: int
    sums: tuple[EffectSum, ...]
    services: tuple[EffectService, ...]
    examples: tuple[EffectExample, ...]


class RatesFile(Document):
    """Rows of rate cards, as CSV or as a JSON array; `rows_name` is what the file is called."""

    rows: Annotated[str, Field(min_length=1, max_length=MOST_ROWS_CHARACTERS, pattern=NO_NUL)]
    rows_name: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""


class Fault(Document):
    """What is wrong in a row: its column, empty for the whole row, and why."""

    column: str
    reason: str


class FaultyRow(Document):
    """A row that is wrong, as it was sent; row 0 is the file as a whole."""

    row: int
    text: str
    faults: tuple[Fault, ...]


class DraftedCard(Document):
    """A version that would be published, and what it changes of the one before it."""

    carrier: str
    service: str
    currency: str
    zones: int
    steps: int
    follows: str | None  # the id of the last version there is
    differences: tuple[RateDifference, ...]
    differences_in_all: int


class RatesDraft(Document):
    """What came of the check of a file; nothing of it is published."""

    name: str
    rows: int
    faulty: tuple[FaultyRow, ...]  # the first of them
    faulty_in_all: int
    odd: tuple[FaultyRow, ...] = ()  # the first that may be a mistake, and are taken as they are
    odd_in_all: int = 0
    cards: tuple[DraftedCard, ...]
    effect: Effect | None  # None while rows are wrong


class OpsRatesDraft(Document):
    """What whoever asks prepares. `version` is what publishing it is checked against."""

    version: str
    draft: RatesDraft | None
    made_at: Moment | None
    expires_at: Moment | None
    acts: tuple[str, ...]


class Publication(Because):
    """From when on it holds; left out: as soon as it can."""

    valid_from: MomentOrUtc | None = None


class PolicyRow(Document):
    """A version of what a channel wants; `channel` is empty for every channel without its own."""

    policy_id: str
    channel: str
    version: int
    valid_from: Moment
    standing: Standing
    published_by: str
    reason: str


class OpsPolicies(Document):
    """Every version, those of a channel together, the newest first."""

    policies: tuple[PolicyRow, ...]
    acts: tuple[str, ...]


class PolicyChange(Document):
    """A field of a policy as it was and as it is; JSON, empty where nothing is said."""

    field: str
    was: str
    now: str


class OpsPolicy(Document):
    """A version as it was said, what follows from it, and what it changed."""

    row: PolicyRow
    said: dict[str, JsonValue]
    whole: dict[str, JsonValue]  # with all that it leaves to the default
    follows: str | None  # the id of the version before it
    changes: tuple[PolicyChange, ...]
    acts: tuple[str, ...]


class PolicyProposed(Document):
    """A policy to be checked; what is left out is as the default has it. A form says it as text."""

    document: Annotated[PolicyDocument, BeforeValidator(_read)]


class PolicyDraft(Document):
    """What came of the check of a policy; nothing of it is published."""

    channel: str
    said: dict[str, Any]
    follows: str | None
    changes: tuple[PolicyChange, ...]
    effect: Effect


class OpsPolicyDraft(Document):
    """What whoever asks prepares, and what there is to start from, as JSON text."""

    version: str
    draft: PolicyDraft | None
    start: str
    made_at: Moment | None
    expires_at: Moment | None
    acts: tuple[str, ...]


class PolicyAsked(Document):
    """From which version to start; left out: from what every channel has."""

    like: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
