"""The words of costing."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

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
        bounds, steps = self._bands
        position = bisect_left(bounds, distance_m)
        return steps[position] if position < len(bounds) else ()

    @cached_property
    def _bands(self) -> tuple[list[int], list[tuple[tuple[int, int], ...]]]:
        """The distance bounds, ascending, and the weight steps that hold up to each."""
        bounds = sorted({cell.max_distance_m for cell in self.cells})
        by_distance = sorted(self.cells, key=lambda cell: -cell.max_distance_m)
        steps = []
        for bound in bounds:
            # The nearest bound that reaches as far comes last, and so stays.
            reach = {
                c.max_weight_g: c.price_cents for c in by_distance if c.max_distance_m >= bound
            }
            steps.append(tuple(sorted(reach.items())))
        return bounds, steps


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
