"""What the placement engine is told and what it answers.

Weights are whole grams, money is whole cents of one currency, distances are whole metres.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Demand:
    """`quantity` units of one SKU, all of which must be shipped."""

    sku: str
    quantity: int
    weight_g: int  # of one unit, packaging included

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise ValueError(f"quantity of {self.sku} must be positive, got {self.quantity}")
        if self.weight_g <= 0:
            raise ValueError(f"weight_g of {self.sku} must be positive, got {self.weight_g}")


@dataclass(frozen=True, slots=True)
class Step:
    """A parcel up to and including `max_weight_g` costs `price_cents` of freight."""

    max_weight_g: int
    price_cents: int


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one carrier takes for a parcel from one site to this order's destination.

    `steps` ascend by weight; the first that is heavy enough sets the price, and a parcel above the
    last is not carried. Prices need not ascend: a heavier parcel may be cheaper.
    """

    carrier: str
    rate_card_id: str
    currency: str  # ISO 4217, upper case
    handling_cents: int  # per parcel, whatever it holds
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        floor_g = 0
        for step in self.steps:
            if step.max_weight_g <= floor_g:
                raise ValueError(f"steps of {self.rate_card_id} must ascend from above 0 g")
            floor_g = step.max_weight_g
            if step.price_cents < 0:
                raise ValueError(f"rate card {self.rate_card_id} has a negative price")
        if self.handling_cents < 0:
            raise ValueError(f"rate card {self.rate_card_id} has a negative handling price")


@dataclass(frozen=True, slots=True)
class Site:
    """A warehouse, what it may promise, and what shipping from it costs.

    An `available` balance that is negative or no whole number counts as nothing, and the candidate
    says so; SKUs that are not wanted are ignored. `opportunity_cents` is what keeping one unit of a
    SKU here would be worth: it is added to the cost that is minimised, never to the money paid.
    """

    warehouse: str
    distance_m: int
    available: Mapping[str, int]
    tariffs: tuple[Tariff, ...]
    opportunity_cents: Mapping[str, int] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work a decision may cost. Counts, not seconds: the same on every machine."""

    nodes: int = 20_000  # partial plans looked at
    packing_nodes: int = 2_000  # of these, for one attempt to fit units into given parcels


@dataclass(frozen=True, slots=True)
class Item:
    """`quantity` units of a SKU in a parcel."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box from one warehouse by one carrier; `items` are sorted by SKU."""

    warehouse: str
    carrier: str
    rate_card_id: str
    items: tuple[Item, ...]
    weight_g: int
    handling_cents: int
    freight_cents: int

    @property
    def cost_cents(self) -> int:
        return self.handling_cents + self.freight_cents


@dataclass(frozen=True, slots=True)
class Candidate:
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


@dataclass(frozen=True, slots=True)
class Placement:
    """The plan, and what a receipt needs to explain it.

    Attributes:
        parcels: sorted by warehouse, then items; together they hold exactly the demand.
        cost_cents: the money paid, the sum over `parcels` of handling and freight.
        opportunity_cents: what the units would have been worth elsewhere; not paid.
        exact: no plan has a lower sum of both costs.
        lower_bound_cents: no plan has a sum of both costs below this; equal to it when `exact`.
        nodes: partial plans looked at, a measure of difficulty that no machine changes.
        candidates: one per site, sorted by warehouse.
        runner_up_cents: the sum of both costs of the best plan seen that uses another set of
            warehouses. An upper bound of the second best: worse sets are not searched to the end.
    """

    parcels: tuple[Parcel, ...]
    currency: str
    cost_cents: int
    opportunity_cents: int
    exact: bool
    lower_bound_cents: int
    nodes: int
    candidates: tuple[Candidate, ...]
    runner_up_cents: int | None


@dataclass(frozen=True, slots=True)
class Shortage:
    """The demand cannot be covered, even by all sites together.

    Attributes:
        missing: units that no site has, per SKU; sorted by SKU.
        not_carried: units that sites have but no carrier takes from them, per SKU; sorted by SKU.
        candidates: one per site, sorted by warehouse.
    """

    missing: tuple[Item, ...]
    not_carried: tuple[Item, ...]
    candidates: tuple[Candidate, ...]
