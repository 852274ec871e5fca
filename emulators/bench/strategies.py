"""How simpler systems choose warehouses, to compare with; they split an order only where they must.

Each goes through the warehouses in some order, and each takes all it has of what is still wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from shared.placement.tariffs import Contents, quote
from shared.placement.types import Demand, Placement, Site


class Outcome(NamedTuple):
    """What a way to place an order came to."""

    counted_cents: int  # money and penalties
    parcels: int
    is_late: bool  # whether any parcel comes after the promise


Strategy = Callable[[Sequence[Demand], Sequence[Site]], Outcome]


def engine_outcome(found: Placement) -> Outcome:
    """The same of what the engine found."""
    late = any(parcel.penalty_cents for parcel in found.parcels)
    return Outcome(found.total_cents, len(found.parcels), late)


def nearest_first(demand: Sequence[Demand], sites: Sequence[Site]) -> Outcome:
    """The nearest warehouse first."""
    return _in_turn(demand, sorted(sites, key=lambda site: (site.distance_m, site.warehouse)))


def most_stock_first(demand: Sequence[Demand], sites: Sequence[Site]) -> Outcome:
    """The warehouse first that has most units of what is wanted."""
    return _in_turn(
        demand, sorted(sites, key=lambda site: (-sum(site.available.values()), site.warehouse))
    )


def priority_list(demand: Sequence[Demand], sites: Sequence[Site]) -> Outcome:
    """A fixed order of warehouses, that of their names."""
    return _in_turn(demand, sorted(sites, key=lambda site: site.warehouse))


def cheapest_single(demand: Sequence[Demand], sites: Sequence[Site]) -> Outcome:
    """The warehouse that has everything and is the cheapest; where none has, the nearest first."""
    complete = [
        site
        for site in sites
        if all(site.available.get(line.sku, 0) >= line.quantity for line in demand)
    ]
    if not complete:
        return nearest_first(demand, sites)
    return min(_in_turn(demand, [site]) for site in complete)


STRATEGIES: Mapping[str, Strategy] = {
    "nearest first": nearest_first,
    "most stock first": most_stock_first,
    "priority list": priority_list,
    "cheapest single site, else nearest": cheapest_single,
}


def _in_turn(demand: Sequence[Demand], sites: Sequence[Site]) -> Outcome:
    wanted = {line.sku: line.quantity for line in demand}
    counted_cents = parcels = 0
    late = False
    for site in sites:
        taken = {sku: min(site.available.get(sku, 0), units) for sku, units in wanted.items()}
        for box in _boxes(demand, site, taken):
            best = quote(site.tariffs, box)
            if best is None:
                raise ValueError(f"no carrier takes {box} from {site.warehouse}")
            counted_cents += best.weighed_cents
            parcels += 1
            late = late or best.tariff.penalty_cents > 0
        wanted = {sku: units - taken[sku] for sku, units in wanted.items()}
    return Outcome(counted_cents, parcels, late)


def _boxes(demand: Sequence[Demand], site: Site, taken: Mapping[str, int]) -> list[Contents]:
    """Parcels up to the heaviest step, the heaviest units first into the first that has room."""
    limit_g = max(
        (step.max_weight_g for tariff in site.tariffs for step in tariff.steps), default=0
    )
    weights_g: list[int] = []
    for line in sorted(demand, key=lambda line: -line.weight_g):
        for _ in range(taken[line.sku]):
            for position, weight_g in enumerate(weights_g):
                if weight_g + line.weight_g <= limit_g:
                    weights_g[position] += line.weight_g
                    break
            else:
                weights_g.append(line.weight_g)
    return [Contents(weight_g) for weight_g in weights_g]
