"""The words of costing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from shared.kit.errors import Fault, Rejected
from shared.kit.money import Money

NO_LIMIT_M = 2_147_483_647  # a distance band without an end


class ChargeKind(StrEnum):
    """What an amount is for."""

    HANDLING = "handling"
    FREIGHT = "freight"


@dataclass(frozen=True, slots=True)
class Cell:
    """A parcel up to both bounds, inclusive, costs `price_cents` of freight."""

    max_distance_m: int
    max_weight_g: int
    price_cents: int


@dataclass(frozen=True)
class RateCard:
    """One version of what a carrier takes; valid from a moment until the next version begins."""

    rate_card_id: str
    carrier: str
    version: int
    currency: str
    handling_cents: int  # per parcel
    valid_from: datetime
    cells: tuple[Cell, ...] = field(repr=False)

    def steps(self, distance_m: int) -> tuple[tuple[int, int], ...]:
        """(max_weight_g, price_cents) ascending by weight, for this distance.

        Of the cells that reach as far, the one with the smallest distance bound counts.
        """
        bounds = sorted({cell.max_distance_m for cell in self.cells})
        band = next((bound for bound in bounds if bound >= distance_m), None)
        return () if band is None else _steps(self.cells, band)


@lru_cache(maxsize=1_000)
def _steps(cells: Sequence[Cell], band_m: int) -> tuple[tuple[int, int], ...]:
    cheapest_reach: dict[int, Cell] = {}
    for cell in sorted(cells, key=lambda cell: -cell.max_distance_m):
        if cell.max_distance_m >= band_m:
            cheapest_reach[cell.max_weight_g] = cell
    return tuple(
        (weight_g, cheapest_reach[weight_g].price_cents) for weight_g in sorted(cheapest_reach)
    )


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount of one kind, and the rate card version it comes from."""

    kind: ChargeKind
    amount: Money
    rate_card_id: str


class NoRateCard(Fault):
    """No version of the carrier's rate card was valid at that moment."""

    code = "no_rate_card"


class NotCarried(Rejected):
    """The rate card has no price for a parcel of this weight over this distance."""

    code = "not_carried"


class RateCardRefused(Rejected):
    """A rate card that cannot be published; the message says why."""

    code = "rate_card_refused"
