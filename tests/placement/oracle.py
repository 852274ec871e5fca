"""The cheapest plan by trying everything. Shares no code with the engine beyond its types."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil

from shared.placement.types import Demand, Site, Tariff

Key = tuple[int, int]  # cost in cents, parcels


def cheapest(demand: Sequence[Demand], sites: Sequence[Site], split_cents: int = 0) -> Key | None:
    """The least cost, and the fewest parcels at that cost; None where nothing covers the demand.

    Units are told apart, and every way to divide them into groups is tried with every site and
    service for each group: Bell(n) divisions of n units, so n stays small.
    """
    units = [line for line in demand for _ in range(line.quantity)]
    open_sites = [site for site in sites if site.closed is None]
    plans = (
        _cost(division, chosen)
        for division in _divisions(units)
        for chosen in product(open_sites, repeat=len(division))
        if _in_stock(division, chosen) and _in_time(chosen)
    )
    return min(
        (
            (cost_cents + split_cents * (parcels - 1), parcels)
            for cost_cents, parcels in (plan for plan in plans if plan is not None)
        ),
        default=None,
    )


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


def _in_time(chosen: Sequence[Site]) -> bool:
    """Whether no site sends more parcels than it may."""
    sent = Counter(site.warehouse for site in chosen)
    return all(s.parcels_left is None or sent[s.warehouse] <= s.parcels_left for s in chosen)


def _cost(division: list[list[Demand]], chosen: Sequence[Site]) -> Key | None:
    total_cents = 0
    for group, site in zip(division, chosen, strict=True):
        if not all(unit.needs <= site.capabilities for unit in group):
            return None
        prices = [price for one in site.tariffs if (price := _price(one, group)) is not None]
        if not prices:
            return None
        total_cents += min(prices)
        total_cents += sum(site.opportunity_cents.get(unit.sku, 0) for unit in group)
    return total_cents, len(division)


def _price(tariff: Tariff, group: Sequence[Demand]) -> int | None:
    """What the units of a group count in one parcel."""
    chargeable_g: float = sum(unit.weight_g for unit in group)
    if tariff.volume_divisor:
        volume_mm3 = sum(unit.volume_mm3 for unit in group)
        chargeable_g = max(chargeable_g, ceil(volume_mm3 / tariff.volume_divisor))
    cents = tariff.handling_cents + tariff.penalty_cents
    for unit in group:
        if unit.needs - tariff.carries:
            return None
        if tariff.max_length_mm and unit.longest_mm > tariff.max_length_mm:
            return None
    if tariff.oversize_mm and any(unit.longest_mm > tariff.oversize_mm for unit in group):
        cents += tariff.oversize_cents
    for step in tariff.steps:
        if step.max_weight_g >= chargeable_g:
            return cents + step.price_cents
    return None
