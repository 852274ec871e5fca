"""The cheapest plan by trying everything. Shares no code with the engine beyond its types."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from typing import NamedTuple

from shared.placement.types import Demand, Site, Tariff

Key = tuple[int, int]  # cost in cents, parcels


def cheapest(demand: Sequence[Demand], sites: Sequence[Site], split_cents: int = 0) -> Key | None:
    """The least cost, and the fewest parcels at that cost; None where nothing covers the demand.

    Units are told apart, and every way to divide them into groups is tried with every site, day and
    service for each group: Bell(n) divisions of n units, so n stays small.
    """
    units = [line for line in demand for _ in range(line.quantity)]
    days = [day for site in sites if site.closed is None for day in _days(site)]
    plans = (
        _cost(division, chosen)
        for division in _divisions(units)
        for chosen in product(days, repeat=len(division))
        if _in_stock(division, chosen) and _in_time(chosen)
    )
    return min(
        (
            (cost_cents + split_cents * (parcels - 1), parcels)
            for cost_cents, parcels in (plan for plan in plans if plan is not None)
        ),
        default=None,
    )


class Day(NamedTuple):
    """On which a site sends parcels, how many, and for what."""

    site: Site
    number: int
    left: int | None
    tariffs: tuple[Tariff, ...]


def _days(site: Site) -> Iterator[Day]:
    yield Day(site, 0, site.parcels_left, site.tariffs)
    if site.parcels_left:
        for number, (left, tariffs) in enumerate(site.later, start=1):
            yield Day(site, number, left, tariffs)


def _divisions(units: list[Demand]) -> Iterator[list[list[Demand]]]:
    if not units:
        yield []
        return
    first, *rest = units
    for division in _divisions(rest):
        yield [[first], *division]
        for index in range(len(division)):
            yield [*division[:index], [first, *division[index]], *division[index + 1 :]]


def _in_stock(division: list[list[Demand]], chosen: Sequence[Day]) -> bool:
    taken: dict[tuple[str, str], int] = {}
    for group, (site, *_) in zip(division, chosen, strict=True):
        for unit in group:
            key = (site.warehouse, unit.sku)
            taken[key] = taken.get(key, 0) + 1
            if taken[key] > site.available.get(unit.sku, 0):
                return False
    return True


def _in_time(chosen: Sequence[Day]) -> bool:
    """Whether no site sends more parcels on a day than it may."""
    sent = Counter((day.site.warehouse, day.number) for day in chosen)
    return all(
        day.left is None or sent[day.site.warehouse, day.number] <= day.left for day in chosen
    )


def _cost(division: list[list[Demand]], chosen: Sequence[Day]) -> Key | None:
    total_cents = 0
    for group, (site, _, _, tariffs) in zip(division, chosen, strict=True):
        if not all(unit.needs <= site.capabilities for unit in group):
            return None
        prices = [price for one in tariffs if (price := _price(one, group)) is not None]
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
