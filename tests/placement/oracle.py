"""The cheapest plan by trying everything. Shares no code with the engine beyond its types."""

from collections.abc import Iterator, Sequence
from itertools import product

from shared.placement.types import Demand, Site

Key = tuple[int, int]  # cost in cents, parcels


def cheapest(demand: Sequence[Demand], sites: Sequence[Site]) -> Key | None:
    """The least cost, and the fewest parcels at that cost; None where nothing covers the demand.

    Units are told apart, and every way to divide them into groups is tried with every site and
    carrier for each group: Bell(n) divisions of n units, so n stays small.
    """
    units = [line for line in demand for _ in range(line.quantity)]
    plans = (
        _cost(division, chosen)
        for division in _divisions(units)
        for chosen in product(sites, repeat=len(division))
        if _in_stock(division, chosen)
    )
    return min((plan for plan in plans if plan is not None), default=None)


def _divisions(units: list[Demand]) -> Iterator[list[list[Demand]]]:
    if not units:
        yield []
        return
    first, *rest = units
    for division in _divisions(rest):
        yield [[first], *division]
        for index in range(len(division)):
            yield [*division[:index], [first, *division[index]], *division[index + 1 :]]


def _in_stock(division: list[list[Demand]], chosen: Sequence[Site]) -> bool:
    taken: dict[tuple[str, str], int] = {}
    for group, site in zip(division, chosen, strict=True):
        for unit in group:
            key = (site.warehouse, unit.sku)
            taken[key] = taken.get(key, 0) + 1
            if taken[key] > site.available.get(unit.sku, 0):
                return False
    return True


def _cost(division: list[list[Demand]], chosen: Sequence[Site]) -> Key | None:
    total_cents = 0
    for group, site in zip(division, chosen, strict=True):
        weight_g = sum(unit.weight_g for unit in group)
        prices: list[int] = []
        for tariff in site.tariffs:
            for step in tariff.steps:
                if step.max_weight_g >= weight_g:
                    prices.append(tariff.handling_cents + step.price_cents)
                    break
        if not prices:
            return None
        total_cents += min(prices)
        total_cents += sum(site.opportunity_cents.get(unit.sku, 0) for unit in group)
    return total_cents, len(division)
