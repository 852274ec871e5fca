"""The engine against HiGHS, on orders that are too large to try everything."""

from random import Random

import pytest

from emulators.bench.optimum import optimum_cents
from shared.placement.engine import decide
from shared.placement.types import Demand, Limits, Placement, Shortage, Site
from tests.placement.given import site, tariff

STEPS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)


@pytest.mark.parametrize("seed", range(24))
def test_the_engine_finds_what_an_integer_programme_finds(seed: int) -> None:
    # Goal: five lines, six sites, two services each, with all that services and sites may have.
    chance = Random(seed)
    demand = [_line(chance, number) for number in range(5)]
    sites = [_site(chance, name, demand) for name in "ABCDEF"]
    split_cents = chance.choice((0, 0, 150))

    found = decide(demand, sites, Limits(split_cents=split_cents))

    expected = optimum_cents(demand, sites, split_cents)
    if expected is None:
        assert isinstance(found, Shortage)
    else:
        assert isinstance(found, Placement)
        assert found.exact
        assert found.total_cents == expected


def test_the_programme_knows_when_nothing_covers_the_demand() -> None:
    mugs = [Demand("MUG", 3, 300)]

    assert optimum_cents(mugs, [site("A", {"MUG": 2})]) is None
    assert optimum_cents(mugs, [site("A", {"MUG": 2}), site("B", {"MUG": 1})], 70) == 1_070


def _line(chance: Random, number: int) -> Demand:
    weight_g = chance.randint(100, 4_000)
    return Demand(
        f"S{number}",
        chance.randint(1, 3),
        weight_g,
        weight_g * chance.randint(1_000, 9_000),  # from what sinks in water to what is mostly air
        chance.randint(100, 1_500),
        frozenset({"cold"}) if chance.random() < 0.2 else frozenset(),
    )


def _site(chance: Random, name: str, demand: list[Demand]) -> Site:
    factor = chance.uniform(1, 2)
    tariffs = [
        tariff(
            *[(up_to_g, int(factor * (400 + 5 * up_to_g**0.7))) for up_to_g in STEPS_G],
            service=service,
            handling_cents=50,
            volume_divisor=chance.choice((0, 5_000, 6_000)),
            oversize=(1_000, 400),
            max_length_mm=chance.choice((0, 1_200)),
            carries=frozenset({"cold"}) if chance.random() < 0.6 else frozenset(),
            penalty_cents=chance.choice((0, 0, 200)),
        )
        for service in ("fast", "slow")
    ]
    return site(
        name,
        {line.sku: chance.choice((0, 0, 1, 2, 5)) for line in demand},
        *tariffs,
        distance_m=int(1_000 * factor),
        opportunity_cents={line.sku: chance.choice((0, 0, 30)) for line in demand},
        capabilities=frozenset({"cold"}) if chance.random() < 0.7 else frozenset(),
        parcels_left=chance.choice((None, None, 2)),
    )
