"""The best plan for an order: one parcel where nothing can beat it, else what the search finds.

Most orders are of one unit or two, and a single parcel is cheaper than any two. Where that can be
seen from the tariffs alone the search is not begun; it would come to the same plan, since it starts
from the same parcels and leaves off where nothing promises less.
"""

from collections.abc import Mapping
from typing import NamedTuple

from shared.placement.plans import Plan, Problem, Rank
from shared.placement.search import Search
from shared.placement.tariffs import IMPOSSIBLE, least_cents
from shared.placement.types import Limits


class Solution(NamedTuple):
    """What was found. All costs hold `Problem.split_cents` for every parcel.

    Attributes:
        best: None where the sites may send too few parcels, or none was found in time.
        lower_bound_cents: no plan costs less.
        nodes: how much was looked at: once at least.
        alone: by source, the best plan of each that can ship everything.
        second: other sources than the best plan's, and the cost of a plan that uses just these.
    """

    best: Plan | None
    lower_bound_cents: int
    nodes: int
    alone: Mapping[int, Plan]
    second: tuple[tuple[int, ...], int] | None


def solve(problem: Problem, limits: Limits) -> Solution:
    """Find the best plan; a demand that the sources cannot cover has no business here."""
    whole = {
        index: plan
        for index in range(len(problem.sources))
        if (plan := problem.whole(index)) is not None
    }
    complete = [i for i, source in enumerate(problem.sources) if source.have == problem.wanted]
    open_sources, settled = complete, False
    if whole:
        floors, floor_cents = several_cents(problem)
        open_sources = [
            index
            for index in complete
            if index not in whole
            or whole[index].rank.total_cents - whole[index].opportunity_cents > floors[index]
        ]
        best = min(whole.values(), key=_rank)
        settled = best.rank.total_cents <= floor_cents
        if settled and not open_sources:
            others = [plan.rank for plan in whole.values() if plan is not best]
            second = min(others, default=None)
            return Solution(
                best,
                best.rank.total_cents,
                1,
                whole,
                second and (second.sources, second.total_cents),
            )
    search = Search(problem, limits, list(whole.values()), open_sources)
    alone = dict(whole)
    for index in open_sources:
        plan = search.alone(index)
        if plan is not None:
            alone[index] = plan
    if not settled:
        search.explore()
    return Solution(
        search.best if search.best.loads else None,
        search.lower_bound_cents,
        max(1, search.nodes),
        alone,
        search.second,
    )


def _rank(plan: Plan) -> Rank:
    return plan.rank


def several_cents(problem: Problem) -> tuple[list[int], int]:
    """What two or more parcels cost at least: from each source alone, and from all together.

    Of two parcels one weighs half of the demand or more, and the other at least its lightest unit;
    three or more weigh that each. No later day is cheaper. The floors of the sources are
    without opportunity costs, which are the same for all plans of one of them.
    """
    if sum(problem.wanted) == 1:
        return [IMPOSSIBLE] * len(problem.sources), IMPOSSIBLE
    lightest_g = min([line.weight_g for line in problem.lines])
    half_g = -(-problem.contents.weight_g // 2)
    light: list[int] = []
    heavy: list[int] = []
    for source in problem.sources:
        light.append(least_cents(source.tariffs, lightest_g) + problem.split_cents)
        heavy.append(least_cents(source.tariffs, half_g) + problem.split_cents)
    floors = [min(one + other, 3 * one) for one, other in zip(light, heavy, strict=True)]
    floor_cents = min(min(light) + min(heavy), 3 * min(light))
    if problem.priced:
        floor_cents += sum(
            [
                line.quantity * min([s.unit_cents[i] for s in problem.sources if s.have[i]])
                for i, line in enumerate(problem.lines)
            ]
        )
    return floors, floor_cents
