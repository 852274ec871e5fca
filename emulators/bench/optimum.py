"""The cheapest plan as a mixed-integer programme, solved by HiGHS: an oracle for the engine.

It knows the words of the engine's question and nothing of how the engine answers it. A site has
slots; each holds at most one parcel of one day, service, weight step and, where a unit is long,
with or without the price for that; units are whole.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import highspy

from shared.placement.types import Demand, Site, Tariff

STDOUT = 1  # the file descriptor

# Whole cents: less than one is no gap.
GAP_CENTS = 0.5


class OptimumUnknown(Exception):
    """HiGHS did not come to an end."""


class Kind(NamedTuple):
    """One kind of parcel from a site."""

    max_g: float
    max_mm3: float
    lines: frozenset[int]
    cents: int  # all that is weighed
    day: int = 0  # on which it leaves
    min_g: int = 0
    min_mm3: int = 0


@dataclass(slots=True)
class Programme:
    """Columns with costs and bounds, and rows over them."""

    costs: list[float] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)
    rows: list[tuple[float, float, list[tuple[int, float]]]] = field(default_factory=list)

    def column(self, cost: float, upper: float) -> int:
        """A whole number from 0 to `upper`; returns its position."""
        self.costs.append(cost)
        self.uppers.append(upper)
        return len(self.costs) - 1

    def row(self, lower: float, upper: float, terms: list[tuple[int, float]]) -> None:
        """The sum of `terms`, (column, factor), lies between the two."""
        self.rows.append((lower, upper, terms))

    def least(self, limit_s: float) -> float | None:
        """The least cost, or None where no values fit.

        Raises:
            OptimumUnknown: it took longer than `limit_s`.
        """
        starts, columns, factors = [0], list[int](), list[float]()
        for _, _, terms in self.rows:
            columns += [column for column, _ in terms]
            factors += [factor for _, factor in terms]
            starts.append(len(columns))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.costs), len(self.rows)
        model.col_cost_ = self.costs
        model.col_lower_ = [0.0] * len(self.costs)
        model.col_upper_ = self.uppers
        model.row_lower_ = [lower for lower, _, _ in self.rows]
        model.row_upper_ = [upper for _, upper, _ in self.rows]
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(self.costs)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = starts
        model.a_matrix_.index_ = columns
        model.a_matrix_.value_ = factors
        with _nothing_said():
            solver = highspy.Highs()  # type: ignore[no-untyped-call]
        solver.silent()
        for option, value in (
            ("threads", 1),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", GAP_CENTS),
            ("time_limit", limit_s),
        ):
            solver.setOptionValue(option, value)
        solver.passModel(model)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise OptimumUnknown(f"HiGHS ended with {status}")
        return float(solver.getInfo().objective_function_value)


@contextmanager
def _nothing_said() -> Iterator[None]:
    """HiGHS introduces itself on stdout, below Python, before it can be told not to."""
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, STDOUT)
        yield
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.close(nothing)


def optimum_cents(
    demand: Sequence[Demand], sites: Sequence[Site], split_cents: int = 0, limit_s: float = 60
) -> int | None:
    """What the cheapest plan counts: money, opportunity costs and penalties.

    A site has as many slots as it has units that are wanted, or parcels that are left, but no more
    than twice the parcels that its units fill, and two more where heavier is cheaper somewhere.

    Returns:
        Whole cents; None where no plan covers the demand.

    Raises:
        OptimumUnknown: HiGHS took longer than `limit_s`.
    """
    programme = Programme()
    supply: list[list[tuple[int, float]]] = [[] for _ in demand]
    for site in sites:
        if site.closed is None:
            for line, column in _site(programme, demand, site, split_cents):
                supply[line].append((column, 1.0))
    for wanted, terms in zip(demand, supply, strict=True):
        programme.row(wanted.quantity, wanted.quantity, terms)
    least = programme.least(limit_s)
    return None if least is None else round(least) - split_cents


def _site(
    programme: Programme, demand: Sequence[Demand], site: Site, split_cents: int
) -> Iterator[tuple[int, int]]:
    """The columns of a site; yields (line, column) of the units it ships."""
    have = [min(line.quantity, site.available.get(line.sku, 0)) for line in demand]
    kinds = list(_kinds(demand, site))
    if not kinds or not any(have):
        return
    per_line: list[list[tuple[int, float]]] = [[] for _ in demand]
    before: list[tuple[int, float]] = []
    of_day: list[tuple[int, int]] = []
    for _ in range(_slots(demand, site, have, kinds)):
        used = [(programme.column(kind.cents + split_cents, 1), kind) for kind in kinds]
        units = {}
        for index, line in enumerate(demand):
            if have[index]:
                cents = site.opportunity_cents.get(line.sku, 0)
                units[index] = programme.column(cents, have[index])
                per_line[index].append((units[index], 1.0))
                yield index, units[index]
                taking = [(column, -have[index]) for column, kind in used if index in kind.lines]
                programme.row(-highspy.kHighsInf, 0, [(units[index], 1.0), *taking])
        _fit(programme, demand, used, units)
        of_day += [(kind.day, column) for column, kind in used]
        parcels = [(column, 1.0) for column, _ in used]
        programme.row(0, 1, parcels)
        if before:  # of equal slots the first are used first
            programme.row(0, 1, before + [(column, -1.0) for column, _ in parcels])
        before = parcels
    for index, terms in enumerate(per_line):
        if terms:
            programme.row(0, have[index], terms)
    if site.parcels_left is not None:
        for day, left in enumerate([site.parcels_left, *[later[0] for later in site.later]]):
            programme.row(0, left, [(column, 1.0) for when, column in of_day if when == day])


def _fit(
    programme: Programme,
    demand: Sequence[Demand],
    used: Sequence[tuple[int, Kind]],
    units: Mapping[int, int],
) -> None:
    """What a slot holds is within the bounds of the kind of parcel that it is used for."""
    for weigh, size in (("weight_g", "g"), ("volume_mm3", "mm3")):
        terms = [(column, float(getattr(demand[i], weigh))) for i, column in units.items()]
        most = [(column, -float(getattr(kind, f"max_{size}"))) for column, kind in used]
        programme.row(-highspy.kHighsInf, 0, terms + most)
        least = [(column, -float(getattr(kind, f"min_{size}"))) for column, kind in used]
        programme.row(0, highspy.kHighsInf, terms + least)


def _slots(demand: Sequence[Demand], site: Site, have: Sequence[int], kinds: Sequence[Kind]) -> int:
    weight_g = sum(line.weight_g * units for line, units in zip(demand, have, strict=True))
    volume_mm3 = sum(line.volume_mm3 * units for line, units in zip(demand, have, strict=True))
    filled = max(
        weight_g / max(kind.max_g for kind in kinds),
        volume_mm3 / max(kind.max_mm3 for kind in kinds),
    )
    most = sum(have)
    if site.parcels_left is not None:
        most = min(most, site.parcels_left + sum(day.parcels_left for day in site.later))
    spare = 2 * any(map(_falls, site.tariffs))
    return min(most, 2 * (int(filled) + 1) + spare)


def _falls(tariff: Tariff) -> bool:
    """Whether a heavier step is cheaper."""
    return any(one.price_cents > other.price_cents for one, other in pairwise(tariff.steps))


def _kinds(demand: Sequence[Demand], site: Site) -> Iterator[Kind]:
    total_g = sum(line.weight_g * line.quantity for line in demand)
    total_mm3 = sum(line.volume_mm3 * line.quantity for line in demand)
    days = [site.tariffs, *[day.tariffs for day in site.later if site.parcels_left is not None]]
    for day, tariff in ((day, tariff) for day, of_day in enumerate(days) for tariff in of_day):
        taken = {i for i, line in enumerate(demand) if _takes(tariff, site, line)}
        short = {i for i in taken if not 0 < tariff.oversize_mm < demand[i].longest_mm}
        falls = _falls(tariff)
        above_g = 0
        for step in tariff.steps:
            cents = tariff.handling_cents + step.price_cents + tariff.penalty_cents
            max_mm3: float = step.max_weight_g * tariff.volume_divisor or total_mm3 + 1
            # Where prices fall a step is for its own weights alone, by weight or by volume.
            least = [(above_g + 1, 0), (0, above_g * tariff.volume_divisor + 1)]
            for least_g, least_mm3 in (
                least[: 1 + bool(tariff.volume_divisor)] if falls else [(0, 0)]
            ):
                ends = (day, least_g, least_mm3)
                yield Kind(step.max_weight_g, max_mm3, frozenset(short), cents, *ends)
                if short != taken:
                    long_cents = cents + tariff.oversize_cents
                    yield Kind(step.max_weight_g, max_mm3, frozenset(taken), long_cents, *ends)
            above_g = step.max_weight_g
            if step.max_weight_g >= total_g and max_mm3 >= total_mm3:
                break


def _takes(tariff: Tariff, site: Site, line: Demand) -> bool:
    fits = not 0 < tariff.max_length_mm < line.longest_mm
    return fits and line.needs <= tariff.carries and line.needs <= site.capabilities
