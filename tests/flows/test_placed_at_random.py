"""Orders in shops made by chance, against the cheapest plan worked out from what was said of them.

The oracle reads no product code but its data types: it chooses zones, adds up prices, and knows
working days, cut-offs, capacity, what a channel may sell and what a policy wants by itself.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil, prod
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.orders import OrderCancelled, OrderSubmitted
from shared.contracts.policies import PolicyDocument
from shared.costing.types import RateCardDraft, Step, Zone, ZoneRule
from shared.flows.cancel_order import cancel_order
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.flows.replay_decisions import replay_decisions
from shared.kit.geo import distance_m
from shared.orders import store as orders
from shared.people.types import Person
from shared.placement.types import Demand, Departure, Site, Tariff
from shared.placement.types import Step as Priced
from shared.platform.db import Database, Transaction
from shared.stock import warehouses
from shared.stock.skus import Unit, put_skus
from shared.stock.warehouses import Working
from tests.placement.oracle import cheapest
from tests.support import given
from tests.support.clock import TestClock

POSTCODES = {"BER": ("DE", "10115"), "LIS": ("PT", "1000-001"), "MUC": ("DE", "80331")}
TO = (("DE", "10117"), ("DE", "10 9 99"), ("PT", "1050-123"), ("DE", "80-333"))
SERVICES = (("correios", "PAC"), ("correios", "SEDEX"), ("jadlog", "standard"))
SKUS = ("MUG", "PEN", "CUP")
WORDS = ("hazmat", "cold")
MOST_DAYS = 7
MOST_UNITS = 4
PT, FROM_MUNICH = ZoneRule(to_country="PT"), ZoneRule("DE", "8", "DE", "10")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Shop:
    """What was said of a shop, and what follows for an order."""

    def __init__(self, chance: Random, now: datetime) -> None:
        self.chance = chance
        self.sides_mm = {
            sku: (chance.randint(50, 900), chance.randint(50, 900), chance.randint(50, 900))
            for sku in SKUS
        }
        self.units = {
            sku: Unit(
                sku, chance.randint(50, 4_000), length, width, height, needs=self._words(0.15)
            )
            for sku, (length, width, height) in self.sides_mm.items()
        }
        today = now.date()
        self.working = {
            name: Working(
                time_zone=chance.choice(("UTC", "America/Sao_Paulo", "Asia/Tokyo")),
                cut_off_minute=chance.choice((1_440, 720, 600, 900)),
                working_days=frozenset(chance.sample(range(1, 8), chance.choice((7, 5, 2)))),
                closed_on=frozenset(today + timedelta(days=chance.randint(0, 4)) for _ in range(2)),
                closed_for=chance.choice((None, None, None, None, "a flood")),
                daily_parcels=chance.choice((None, None, 1, 2)),
                capabilities=self._words(0.6),
            )
            for name in POSTCODES
        }
        self.stock = {
            name: {sku: chance.choice((0, 1, 2, 9)) for sku in self.units} for name in POSTCODES
        }
        self.scope = chance.choice((None, None, {"BER": 100, "LIS": 50}, {"MUC": 100, "LIS": 100}))
        self.cards = [self._card(*whose) for whose in SERVICES]
        self.split_cents = chance.choice((0, 0, 150))
        self.late_day_cents = chance.choice((0, 10_000, 130))
        self.avoid_cents: Mapping[str, int] = chance.choice(({}, {"BER": 90, "MUC": 10}))
        self.excluded_warehouses: Sequence[str] = chance.choice(([], [], [], ["LIS"]))
        self.excluded_services: Sequence[str] = chance.choice(
            ([], [], ["jadlog"], ["correios/PAC"], ["jadlog/standard", "correios/SEDEX"])
        )

    @property
    def policy(self) -> PolicyDocument:
        return PolicyDocument(
            split_cents=self.split_cents,
            late_day_cents=self.late_day_cents,
            avoid_cents=dict(self.avoid_cents),
            excluded_warehouses=frozenset(self.excluded_warehouses),
            excluded_services=frozenset(self.excluded_services),
        )

    def _words(self, odds: float) -> frozenset[str]:
        return frozenset(word for word in WORDS if self.chance.random() < odds)

    def _card(self, carrier: str, service: str) -> RateCardDraft:
        chance = self.chance
        long_mm = chance.choice((None, 500, 700))
        zones = [self._zone("rest", (ZoneRule(),))] if chance.random() < 0.8 else []
        zones.append(
            self._zone("near", (ZoneRule(max_distance_m=chance.choice((9_000, 600_000))),))
        )
        zones.append(self._zone("de", (ZoneRule(to_country="DE"), PT, FROM_MUNICH)))
        zones.append(
            self._zone(
                "city",
                (
                    ZoneRule(to_country="DE", to_postcode="1011"),
                    ZoneRule(to_country="DE", to_postcode="10", from_country="DE"),
                    ZoneRule("PT", "", "DE", "10", 3_000_000),
                ),
            )
        )
        return RateCardDraft(
            carrier=carrier,
            service=service,
            currency="EUR",
            valid_from=LONG_AGO,
            handling_cents=chance.choice((0, 90)),
            packaging_cents=chance.choice((0, 35)),
            volume_divisor=chance.choice((0, 5_000, 6_000)),
            fuel_basis_points=chance.choice((0, 850, 1_237)),
            minimum_freight_cents=chance.choice((0, 333)),
            oversize_mm=long_mm,
            oversize_cents=0 if long_mm is None else chance.choice((0, 210)),
            residential_cents=chance.choice((0, 77)),
            max_length_mm=chance.choice((None, None, 800)),
            carries=tuple(sorted(self._words(0.6))),
            zones=tuple(chance.sample(zones, len(zones))),
        )

    def _zone(self, name: str, rules: tuple[ZoneRule, ...]) -> Zone:
        chance = self.chance
        weights = sorted(chance.sample(range(200, 12_000, 100), chance.randint(1, 4)))
        steps = tuple(Step(weight, chance.randint(100, 1_500)) for weight in weights)
        per_kg = chance.random() < 0.5
        return Zone(
            name,
            rules,
            steps,
            per_kg_cents=chance.randint(1, 300) if per_kg else None,
            max_weight_g=weights[-1] + chance.randint(1, 9_999) if per_kg else None,
            transit_days=chance.choice((None, 0, 1, 3, 6)),
            remote_area_cents=chance.choice((0, 0, 120)),
        )


def freight(card: RateCardDraft, zone: Zone, grams: int) -> int | None:
    """By hand, from what the guide says of steps and started kilograms."""
    for step in sorted(zone.steps):
        if grams <= step.max_weight_g:
            return step.price_cents
    if zone.per_kg_cents is None or zone.max_weight_g is None or grams > zone.max_weight_g:
        return None
    last = max(zone.steps)
    return last.price_cents + zone.per_kg_cents * ceil((grams - last.max_weight_g) / 1_000)


def tariff(
    card: RateCardDraft, zone: Zone, *, home: bool, penalty_cents: int, number: int
) -> Tariff:
    """Every gram that changes the price is an end."""
    ends = {step.max_weight_g for step in zone.steps}
    if zone.max_weight_g is not None:
        ends |= {*range(max(ends), zone.max_weight_g, 1_000), zone.max_weight_g}
    steps = []
    for end in sorted(ends):
        cents = freight(card, zone, end)
        assert cents is not None
        cents = max(cents, card.minimum_freight_cents)
        fuel_cents = (2 * cents * card.fuel_basis_points + 10_000) // 20_000
        steps.append(Priced(end, cents + fuel_cents))
    flat_cents = card.handling_cents + card.packaging_cents + zone.remote_area_cents
    return Tariff(
        card.carrier,
        str(number),
        "EUR",
        flat_cents + (card.residential_cents if home else 0),
        tuple(steps),
        service=card.service,
        volume_divisor=card.volume_divisor,
        oversize_mm=card.oversize_mm or 0,
        oversize_cents=card.oversize_cents,
        max_length_mm=card.max_length_mm or 0,
        carries=frozenset(card.carries),
        penalty_cents=penalty_cents,
    )


def zone_for(
    card: RateCardDraft, origin: tuple[str, str], to: tuple[str, str], away_m: int
) -> Zone | None:
    def bare(code: str) -> str:
        return code.replace("-", "").replace(" ", "")

    fitting = []
    for zone in card.zones:
        for rule in zone.rules:
            if rule.from_country and rule.from_country != origin[0]:
                continue
            if rule.to_country and rule.to_country != to[0]:
                continue
            if not bare(origin[1]).startswith(rule.from_postcode):
                continue
            if not bare(to[1]).startswith(rule.to_postcode) or away_m > rule.max_distance_m:
                continue
            order = (
                -len(rule.to_postcode),
                not rule.to_country,
                -len(rule.from_postcode),
                not rule.from_country,
                rule.max_distance_m,
            )
            fitting.append((order, zone))
    return min(fitting, key=lambda one: one[0])[1] if fitting else None


def leaves(working: Working, now: datetime) -> Iterator[date]:
    local = now.astimezone(ZoneInfo(working.time_zone))
    for ahead in range(60):
        day = local.date() + timedelta(days=ahead)
        if ahead == 0 and local.hour * 60 + local.minute >= working.cut_off_minute:
            continue
        if day.isoweekday() in working.working_days and day not in working.closed_on:
            yield day


def comes(day: date, transit_days: int) -> date:
    while transit_days:
        day += timedelta(days=1)
        transit_days -= day.isoweekday() != 7
    return day


class Wanted(NamedTuple):
    """An order as its channel says it."""

    wants: Mapping[str, int]
    to: tuple[str, str]  # country and postcode
    at: str  # the warehouse next door
    home: bool
    promised_at: datetime


def sites(shop: Shop, database: Database, wanted: Wanted) -> list[Site]:
    """As the guide says it, from balances and parcels in the tables."""
    used = Counter(
        (name, day)
        for name, day in given.rows(
            database, "SELECT warehouse, ship_on FROM parcels WHERE state <> 'cancelled'"
        )
    )
    left = balances(shop, database)
    found = []
    for name, working in shop.working.items():
        if shop.scope is not None and name not in shop.scope:
            continue
        days = with_room(name, working, used, database.now(), sum(wanted.wants.values()))
        of_days = [(free, tuple(services(shop, name, wanted, day))) for day, free in days]
        (first_left, first), *later = of_days or [(None, ())]
        closed = working.closed_for or name in shop.excluded_warehouses or not days
        found.append(
            Site(
                name,
                distance_m(given.PLACES[name], given.PLACES[wanted.at]),
                left[name],
                first,
                capabilities=working.capabilities,
                parcels_left=first_left,
                closed="closed" if closed else None,
                later=tuple(Departure(free or 0, tariffs) for free, tariffs in later),
            )
        )
    return found


def balances(shop: Shop, database: Database) -> dict[str, dict[str, int]]:
    """By warehouse and SKU, what the channel may have: its share less what it was promised."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for sku, name, on_hand, reserved in given.rows(
        database, "SELECT sku, warehouse, on_hand, reserved FROM stock_levels"
    ):
        share = 100 if shop.scope is None else shop.scope.get(name, 0)
        found[name][sku] = max(0, on_hand * share // 100 - reserved)
    return found


def with_room(
    name: str, working: Working, used: Counter[tuple[str, date]], now: datetime, units: int
) -> list[tuple[date, int | None]]:
    """Days on which so many parcels can leave, and how many can on each."""
    found: list[tuple[date, int | None]] = []
    room = 0
    for day in leaves(working, now):
        if working.daily_parcels is None:
            return [(day, None)]
        free = working.daily_parcels - used[name, day]
        if free > 0:
            found.append((day, free))
            room += free
        if room >= units or len(found) == MOST_DAYS:
            break
    return found


def services(shop: Shop, name: str, wanted: Wanted, day: date) -> Iterator[Tariff]:
    """What a parcel counts that leaves the warehouse on that day."""
    zone_info = ZoneInfo(shop.working[name].time_zone)
    away_m = distance_m(given.PLACES[name], given.PLACES[wanted.at])
    for number, card in enumerate(shop.cards):
        zone = zone_for(card, POSTCODES[name], wanted.to, away_m)
        named = {card.carrier, f"{card.carrier}/{card.service}"}
        if zone is None or named & set(shop.excluded_services):
            continue
        penalty_cents = shop.avoid_cents.get(name, 0)
        if zone.transit_days is not None:
            promised_on = wanted.promised_at.astimezone(zone_info).date()
            late_days = max(0, (comes(day, zone.transit_days) - promised_on).days)
            penalty_cents += late_days * shop.late_day_cents
        yield tariff(card, zone, home=wanted.home, penalty_cents=penalty_cents, number=number)


def demand(shop: Shop, wants: Mapping[str, int]) -> list[Demand]:
    return [
        Demand(
            sku,
            quantity,
            unit.weight_g,
            prod(sides),
            max(sides),
            unit.needs,
        )
        for sku, quantity in wants.items()
        for unit, sides in [(shop.units[sku], shop.sides_mm[sku])]
    ]


def opened(shop: Shop, database: Database) -> None:
    def load(tx: Transaction) -> None:
        put_skus(tx, list(shop.units.values()))
        for name, (country, postcode) in POSTCODES.items():
            address = {**given.ADDRESS, "country": country, "postcode": postcode}
            warehouses.put(tx, name, address, given.PLACES[name], shop.working[name])
        for card in shop.cards:
            given.rates(tx, **{**vars(card), "valid_from": tx.now})
        if shop.scope is not None:
            orders.set_scope(tx, "web", shop.scope)

    database.run(load, given.cause())
    for name, units in shop.stock.items():
        some = {sku: n for sku, n in units.items() if n}
        if some:
            given.receive(database, name, some)
    wanted = PublishPolicy(shop.policy, None, Person("ada", "a test"))
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_what_is_placed_is_the_cheapest_that_all_rules_allow(
    database: Database, clock: TestClock, seed: int
) -> None:
    chance = Random(seed)
    clock.advance(hours=chance.randint(0, 200))
    shop = Shop(chance, database.now())
    opened(shop, database)
    for number in range(8):
        name = f"ord_{number}"
        wanted = drawn(chance, shop, database.now())
        expected = cheapest(
            demand(shop, wanted.wants), sites(shop, database, wanted), shop.split_cents
        )
        given.accept(database, submitted(name, wanted, database.now()))
        given.place(database, name)

        ((state,),) = given.rows(database, f"SELECT state FROM orders WHERE order_id = '{name}'")
        assert (state == "placed") == (expected is not None), wanted
        if expected is not None:
            ((result,),) = given.rows(
                database,
                "SELECT receipt->'result' FROM placement_decisions"
                f" WHERE order_id = '{name}' AND outcome = 'placed'",
            )
            total_cents = result["cost_cents"] + result["penalty_cents"]
            assert (total_cents, len(result["parcels"])) == expected, wanted
            if chance.random() < 0.2:
                given.apply(database, cancel_order, OrderCancelled(order_id=name, reason="no"))
        clock.advance(hours=chance.choice((0, 1, 7)))
    given.charge_all(database)

    assert given.violations(database) == []
    since, until = database.now() - timedelta(days=30), database.now() + timedelta(days=1)
    again = replay_decisions(lambda step: database.run(step, given.cause()), since, until)
    assert again.differences == ()


def drawn(chance: Random, shop: Shop, now: datetime) -> Wanted:
    """At most four units, so that everything can be tried."""
    wants = {sku: chance.randint(1, 2) for sku in chance.sample(SKUS, chance.randint(1, 3))}
    if sum(wants.values()) > MOST_UNITS:
        wants.popitem()
    return Wanted(
        wants=wants,
        to=chance.choice(TO),
        at=chance.choice(list(shop.working)),
        home=chance.random() < 0.4,
        promised_at=now + timedelta(hours=chance.randint(1, 150)),
    )


def submitted(name: str, wanted: Wanted, now: datetime) -> OrderSubmitted:
    event = given.submitted(name, wanted.wants, at=given.PLACES[wanted.at], ship_together=True)
    country, postcode = wanted.to
    there = {"country": country, "postcode": postcode, "residential": wanted.home}
    return event.model_copy(
        update={
            "ordered_at": now,
            "promised_at": wanted.promised_at,
            "destination": event.destination.model_copy(update=there),
        }
    )
