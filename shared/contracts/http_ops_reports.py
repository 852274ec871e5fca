"""Reports in the console. Days are of UTC, amounts minor units of their currency. Additive only."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Document

ByName = Literal["order", "parcel", "warehouse", "carrier", "day", "sku"]


class ReportDays(Document):
    """From the first to the last day, both of them included; left out: the last seven."""

    since: date | None = None
    until: date | None = None


class CostsAsked(ReportDays):
    """Costs of the parcels that were planned in these days, by what, and how many rows at most."""

    by: ByName = "day"
    most: Annotated[int, Field(ge=1, le=10_000)] = 50


class CostLine(Document):
    """What parcels cost together.

    Quoted is what was expected, charged what is booked, carrier what of it is the carrier's, actual
    what labels really cost, difference actual less the carrier's where both are known; shipping is
    what customers pay for it. What is charged is the sum of freight, surcharges and handling.
    Software is what functions cost at most, in billionths of a US dollar. None: not known, or not
    told by this report.
    """

    quoted_cents: int
    charged_cents: int
    freight_cents: int
    surcharges_cents: int
    handling_cents: int
    carrier_cents: int | None
    actual_cents: int | None
    difference_cents: int | None
    shipping_cents: int | None
    software_nano_usd: int | None


class CostRow(Document):
    """The costs of one order, parcel, warehouse, carrier and service, day or SKU."""

    subject: str
    currency: str
    parcels: int
    costs: CostLine


class CostTotal(Document):
    """The costs of all there is in a currency, shown or not."""

    currency: str
    costs: CostLine


class OpsCosts(Document):
    """Costs in the warehouses of whoever asks, the dearest first, days the newest first."""

    by: ByName
    since: date
    until: date
    rows: tuple[CostRow, ...]
    totals: tuple[CostTotal, ...]


class PlacementDay(Document):
    """Decisions of a day: what came of them, and how many of them a person made.

    95 of 100 were made within `p95_us`, microseconds.
    """

    day: date
    decisions: int
    by_hand: int
    placed: int
    partly_placed: int
    backordered: int
    review: int
    p95_us: int


class OpsPlacements(Document):
    """Decisions of each day, counted for all warehouses."""

    since: date
    until: date
    days: tuple[PlacementDay, ...]


class PromiseDay(Document):
    """Orders that were promised for a day: kept and late ones have come, overdue ones should have.

    The others are still in time. What was cancelled is left out.
    """

    day: date
    orders: int
    kept: int
    late: int
    overdue: int


class OpsPromises(Document):
    """Promises of each day, counted for all warehouses."""

    since: date
    until: date
    days: tuple[PromiseDay, ...]


class RefusalRow(Document):
    """Orders that a warehouse was given, and of how many it could not send something."""

    warehouse: str
    orders: int
    refused: int


class OpsRefusals(Document):
    """The warehouses of whoever asks, those first that refuse most often."""

    since: date
    until: date
    rows: tuple[RefusalRow, ...]
