"""What the placement engine is told and what it answers.

Weights are whole grams, volumes whole cubic millimetres, lengths whole millimetres, money is whole
cents of one currency, distances are whole metres. What an order is charged is told apart from what
is only weighed: opportunity costs and penalties count in the comparison and are never paid.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

NOTHING: Mapping[str, int] = {}
NONE_NEEDED: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Demand:
    """`quantity` units of one SKU, all of which must be shipped.

    `needs` are capabilities, such as "hazmat" or "cold", that both the site and the service that
    carry it must have.
    """

    sku: str
    quantity: int
    weight_g: int  # of one unit, packaging included
    volume_mm3: int = 0  # of one unit; 0 where it is not known
    longest_mm: int = 0  # the longest side of one unit; 0 where it is not known
    needs: frozenset[str] = NONE_NEEDED

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise ValueError(f"quantity of {self.sku} must be positive, got {self.quantity}")
        if self.weight_g <= 0:
            raise ValueError(f"weight_g of {self.sku} must be positive, got {self.weight_g}")
        if self.volume_mm3 < 0 or self.longest_mm < 0:
            raise ValueError(f"volume_mm3 and longest_mm of {self.sku} must not be negative")


class Step(NamedTuple):
    """A parcel up to and including `max_weight_g` costs `price_cents` of freight."""

    max_weight_g: int
    price_cents: int


@dataclass(frozen=True)
class Tariff:
    """What one service of a carrier takes for a parcel from one site to this order's destination.

    `steps` ascend by weight; the first that is heavy enough for the chargeable weight sets the
    price, and a parcel above the last is not carried. A heavier step may be cheaper than a lighter
    one: published tariffs have such steps. The chargeable weight is the weight, or the volume
    divided by `volume_divisor` and rounded up where that is more.

    What is derived from a tariff is kept with it: who places many orders keeps the tariffs, too.
    """

    carrier: str
    rate_card_id: str
    currency: str  # ISO 4217, upper case
    handling_cents: int  # per parcel, whatever it holds
    steps: tuple[Step, ...]
    service: str = "standard"
    volume_divisor: int = 0  # cubic millimetres to a gram; 0: the weight alone counts
    oversize_mm: int = 0  # a parcel that holds a longer unit pays `oversize_cents`; 0: none does
    oversize_cents: int = 0
    max_length_mm: int = 0  # longer units are not carried; 0: any length is
    carries: frozenset[str] = NONE_NEEDED
    penalty_cents: int = 0  # per parcel, weighed and not paid: lateness, an expected refusal
    zone: str = ""  # of the rate card; kept in receipts, and nothing else

    def __post_init__(self) -> None:
        floor_g = 0
        for max_weight_g, price_cents in self.steps:
            if max_weight_g <= floor_g:
                raise ValueError(f"steps of {self.rate_card_id} must ascend from above 0 g")
            if price_cents < 0:
                raise ValueError(f"a price of {self.rate_card_id} is below 0")
            floor_g = max_weight_g
        if min(self.handling_cents, self.oversize_cents, self.penalty_cents) < 0:
            raise ValueError(
                f"handling, oversize and penalty of {self.rate_card_id} must not be negative"
            )
        if min(self.volume_divisor, self.oversize_mm, self.max_length_mm) < 0:
            raise ValueError(
                f"volume_divisor, oversize_mm and max_length_mm of {self.rate_card_id}"
                " must not be negative"
            )

    @cached_property
    def name(self) -> str:
        """Carrier and service."""
        return f"{self.carrier} {self.service}"

    def chargeable_g(self, weight_g: int, volume_mm3: int) -> int:
        """The weight that a parcel pays for."""
        if not self.volume_divisor:
            return weight_g
        return max(weight_g, -(-volume_mm3 // self.volume_divisor))

    @cached_property
    def ends_g(self) -> tuple[int, ...]:
        """The heaviest chargeable weight of each step."""
        return tuple([step.max_weight_g for step in self.steps])

    @cached_property
    def weighed_cents(self) -> tuple[int, ...]:
        """What a parcel of each step counts: handling, freight and penalty, oversize left out."""
        fixed_cents = self.handling_cents + self.penalty_cents
        return tuple([fixed_cents + step.price_cents for step in self.steps])

    @cached_property
    def least_cents(self) -> tuple[int, ...]:
        """The least that a parcel of each step or a heavier one counts."""
        least = [*itertools.accumulate(reversed(self.weighed_cents), min)]
        return tuple(reversed(least))

    @cached_property
    def above_g(self) -> tuple[int, ...]:
        """Per step, the chargeable weight that is dearer: up to there its price is not to be had.

        0 where no lighter parcel is dearer, as it mostly is.
        """
        if self.least_cents == self.weighed_cents:
            return (0,) * len(self.steps)
        found: list[int] = []
        for position, step in enumerate(self.steps):
            dearer = [s for s in self.steps[:position] if s.price_cents > step.price_cents]
            found.append(dearer[-1].max_weight_g if dearer else 0)
        return tuple(found)


class Departure(NamedTuple):
    """A further day on which parcels can leave a site, when those before it are full."""

    parcels_left: int
    tariffs: tuple[Tariff, ...]  # those of the site, with what a parcel counts that leaves then


@dataclass(frozen=True, slots=True)
class Site:
    """A warehouse, what it may promise, and what shipping from it costs.

    An `available` balance that is negative or no whole number counts as nothing, and the candidate
    says so; SKUs that are not wanted are ignored. `opportunity_cents` is what keeping one unit of a
    SKU here would be worth: it is added to the cost that is minimised, never to the money paid.
    Where no parcel is left today there is nothing later: the first day with room comes first. What
    leaves later counts as much as on the day before at least, service by service.
    """

    warehouse: str
    distance_m: int
    available: Mapping[str, int]
    tariffs: tuple[Tariff, ...]
    opportunity_cents: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    capabilities: frozenset[str] = NONE_NEEDED
    parcels_left: int | None = None  # how many more it can send today; None: any, below 0: none
    closed: str | None = None  # why nothing can be shipped from here now
    later: tuple[Departure, ...] = ()  # further days, for an order that today may be too full for


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan's second parcel counts, and how much work a decision may cost.

    Work is counted, not timed: the same on every machine.
    """

    nodes: int = 20_000  # partial plans looked at
    packing_steps: int = 8_000  # for a first attempt to fit units into given parcels; 4 are a node
    split_cents: int = 0  # weighed for each parcel beyond the first, not paid

    def __post_init__(self) -> None:
        if self.split_cents < 0:
            raise ValueError(f"split_cents must not be negative, got {self.split_cents}")


class Item(NamedTuple):
    """`quantity` units of a SKU in a parcel."""

    sku: str
    quantity: int


class Parcel(NamedTuple):
    """One box from one warehouse by one service of a carrier; `items` are sorted by SKU."""

    warehouse: str
    carrier: str
    service: str
    rate_card_id: str
    items: tuple[Item, ...]
    weight_g: int
    volume_mm3: int
    chargeable_g: int
    handling_cents: int
    freight_cents: int
    oversize_cents: int
    penalty_cents: int  # weighed, not paid
    departure: int = 0  # the day on which it leaves: 0 the first, then those of `Site.later`

    @property
    def cost_cents(self) -> int:
        """The money paid."""
        return self.handling_cents + self.freight_cents + self.oversize_cents


class Candidate(NamedTuple):
    """What shipping everything from this warehouse alone would cost, or why it cannot.

    Exactly one of `cost_cents` and `reason` is set, but a site that can ship everything may still
    carry a `warning` about a balance that was not believed. The cost is the least there is, save
    where the decision ran out of nodes: then a site alone may be a little cheaper than stated.
    """

    warehouse: str
    distance_m: int
    cost_cents: int | None
    opportunity_cents: int
    reason: str | None
    warning: str | None = None
    penalty_cents: int = 0
    behind_cents: int | None = None  # how much more than the plan it counts, all costs together
    services: tuple[str, ...] = ()  # "carrier service" of each parcel, sorted


class RunnerUp(NamedTuple):
    """The best plan seen that uses another set of warehouses.

    An upper bound of the second best: worse sets are not searched to the end.
    """

    warehouses: tuple[str, ...]  # sorted
    total_cents: int  # money, opportunity and penalties
    behind_cents: int  # how much more that is than the plan's


class Placement(NamedTuple):
    """The plan, and what a receipt needs to explain it.

    Attributes:
        parcels: sorted by warehouse, then items; together they hold exactly the demand.
        cost_cents: the money paid, the sum over `parcels` of handling, freight and oversize.
        opportunity_cents: what the units would have been worth elsewhere; not paid.
        penalty_cents: those of the parcels, and what splitting counts; not paid.
        exact: no plan has a lower sum of these three.
        lower_bound_cents: no plan has a sum below this; equal to it when `exact`.
        nodes: partial plans looked at, a measure of difficulty that no machine changes; 1 where
            one parcel was seen to be the best without a search.
        candidates: one per site, sorted by warehouse.
        runner_up: None where no other set of warehouses was seen to do.
    """

    parcels: tuple[Parcel, ...]
    currency: str
    cost_cents: int
    opportunity_cents: int
    penalty_cents: int
    exact: bool
    lower_bound_cents: int
    nodes: int
    candidates: tuple[Candidate, ...]
    runner_up: RunnerUp | None

    @property
    def total_cents(self) -> int:
        """What was minimised."""
        return self.cost_cents + self.opportunity_cents + self.penalty_cents


class Shortage(NamedTuple):
    """The demand cannot be covered, even by all sites together.

    Attributes:
        missing: units that no site has, per SKU; sorted by SKU.
        not_carried: units that sites have but no carrier takes from them, per SKU; sorted by SKU.
        not_now: units that only closed sites, or sites without a parcel left, could ship; or that
            too few parcels are left for. Per SKU; sorted by SKU.
        candidates: one per site, sorted by warehouse.
    """

    missing: tuple[Item, ...]
    not_carried: tuple[Item, ...]
    not_now: tuple[Item, ...]
    candidates: tuple[Candidate, ...]
