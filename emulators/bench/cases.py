"""Questions for the placement engine: recorded orders on stock that runs down, and made ones."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import dist
from random import Random
from typing import NamedTuple

from emulators.line.shop import Shop, ShopOrder
from shared.kit.geo import Point, distance_m
from shared.placement.types import Demand, Parcel, Site, Step, Tariff

# What a parcel that comes after the promise counts, and when a parcel comes.
LATE_CENTS = 1_000
HANDLING_DAYS = 2
METRES_A_DAY = 500_000
ANY_DISTANCE_M = 10**9


class Case(NamedTuple):
    """One order and what the warehouses have of it when it comes."""

    order_id: str
    demand: list[Demand]
    sites: list[Site]


def is_late(away_m: int, promised_after: timedelta) -> bool:
    """Whether a parcel over this distance comes after the promise."""
    return timedelta(days=HANDLING_DAYS + away_m // METRES_A_DAY) > promised_after


class Recorded:
    """The orders of a recorded shop, one after the other; `take` is told what each was given."""

    def __init__(self, shop: Shop) -> None:
        self.name = shop.name
        self._orders = shop.orders
        self._stock = {place: dict(units) for place, units in shop.stock.items()}
        self._units = {sku["sku"]: _unit(sku) for sku in shop.catalogue["skus"]}
        self._places = {
            place["warehouse"]: Point(place["lat"], place["lon"])
            for place in shop.catalogue["warehouses"]
        }
        (card,) = shop.catalogue["rate_cards"]
        self._bands = _bands(card["cells"])
        self._bounds_m = sorted(self._bands)
        self._tariffs: dict[tuple[int, bool], tuple[Tariff, ...]] = {}
        self._currency = card["currency"]

    def __iter__(self) -> Iterator[Case]:
        for order in self._orders:
            yield Case(order.order_id, *self._question(order))

    def take(self, parcels: Iterable[Parcel]) -> None:
        """These units are gone."""
        for parcel in parcels:
            for item in parcel.items:
                self._stock[parcel.warehouse][item.sku] -= item.quantity

    def _question(self, order: ShopOrder) -> tuple[list[Demand], list[Site]]:
        wanted: dict[str, int] = {}
        for line in order.lines:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + line["quantity"]
        demand = [Demand(sku, units, *self._units[sku]) for sku, units in wanted.items()]
        there = Point(order.destination["lat"], order.destination["lon"])
        sites = []
        for name, place in self._places.items():
            stock = self._stock.get(name, {})
            have = {sku: stock.get(sku, 0) for sku in wanted}
            if any(have.values()):
                away_m = distance_m(place, there)
                late = is_late(away_m, order.promised_after - order.after)
                sites.append(Site(name, away_m, have, self._of(away_m, late=late)))
        return demand, sites

    def _of(self, away_m: int, *, late: bool) -> tuple[Tariff, ...]:
        """The tariffs over a distance; the same for all orders, so that they are made once."""
        position = bisect_left(self._bounds_m, away_m)
        found = self._tariffs.get((position, late))
        if found is None:
            found = ()
            if position < len(self._bounds_m):
                steps = self._bands[self._bounds_m[position]]
                penalty_cents = LATE_CENTS if late else 0
                found = (
                    Tariff(
                        "carrier", "card", self._currency, 0, steps, penalty_cents=penalty_cents
                    ),
                )
            self._tariffs[position, late] = found
        return found


def _unit(sku: Mapping[str, int]) -> tuple[int, int, int]:
    """Weight in grams, volume in cubic millimetres, longest side in millimetres of one unit."""
    sides = [sku.get(side, 0) for side in ("length_mm", "width_mm", "height_mm")]
    return sku["weight_g"], sides[0] * sides[1] * sides[2], max(sides)


def _bands(cells: Iterable[Mapping[str, int | None]]) -> dict[int, tuple[Step, ...]]:
    """By distance bound, the weight steps of the cells with the smallest bounds that hold."""
    known = [
        (
            cell["max_distance_m"] or ANY_DISTANCE_M,
            cell["max_weight_g"] or 0,
            cell["price_cents"] or 0,
        )
        for cell in cells
    ]
    found: dict[int, tuple[Step, ...]] = {}
    for bound in {bound for bound, _, _ in known}:
        reach = {
            up_to_g: cents for reach_m, up_to_g, cents in sorted(known)[::-1] if reach_m >= bound
        }
        found[bound] = tuple(Step(up_to_g, reach[up_to_g]) for up_to_g in sorted(reach))
    return found


@dataclass(frozen=True, slots=True)
class Network:
    """The size of a made question."""

    lines: int
    warehouses: int


STEPS_G = (250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000)
COUNTRY_KM = 2_000  # the side of a square
SERVICES = (("standard", 1.0, 500), ("express", 1.6, 1_500))  # price factor, kilometres a day


def made(network: Network, orders: int, seed: int) -> Iterator[Case]:
    """Orders of so many lines, each of them in six warehouses of ten, in a square country.

    Two services go from every warehouse, both dearer with weight and distance; the slower one is
    weighed with a penalty where it comes after the promise.
    """
    chance = Random(seed)  # noqa: S311, nothing here is secret
    for number in range(orders):
        demand = [
            Demand(f"S{line}", chance.randint(1, 3), chance.randint(100, 3_000))
            for line in range(network.lines)
        ]
        door = (chance.uniform(0, COUNTRY_KM), chance.uniform(0, COUNTRY_KM))
        promised_days = chance.randint(3, 8)
        sites = []
        for warehouse in range(network.warehouses):
            place = (chance.uniform(0, COUNTRY_KM), chance.uniform(0, COUNTRY_KM))
            away_km = dist(place, door)
            have = {
                line.sku: chance.randint(1, 5) if chance.random() < 0.6 else 0 for line in demand
            }
            tariffs = tuple(_made_tariff(*service, away_km, promised_days) for service in SERVICES)
            sites.append(Site(f"W{warehouse:02}", int(away_km * 1_000), have, tariffs))
        yield Case(f"made-{number}", demand, sites)


def _made_tariff(
    service: str, factor: float, km_a_day: int, away_km: float, promised_days: int
) -> Tariff:
    per_kg_cents = 60 + away_km / 10
    return Tariff(
        "carrier",
        "card",
        "EUR",
        100,
        tuple(
            Step(up_to_g, int(factor * (500 + away_km / 4 + per_kg_cents * up_to_g / 1_000)))
            for up_to_g in STEPS_G
        ),
        service=service,
        penalty_cents=LATE_CENTS if 1 + away_km / km_a_day > promised_days else 0,
    )
