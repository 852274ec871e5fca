"""The engine against HiGHS, on orders that are too large to try everything."""

from random import Random

import pytest

from emulators.bench.cases import Network, made
from emulators.bench.optimum import optimum_cents
from shared.placement.engine import decide
from shared.placement.types import Demand, Departure, Limits, Placement, Shortage, Site
from tests.placement.given import dearer_by, site, tariff

STEPS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
# What HiGHS finds for each, which takes it up to a minute; `bench placement-quality` asks it anew.
OPTIMA_CENTS = (9_121, 8_355, 8_827, 12_146, 9_787, 9_288, 9_309, 9_988, 8_794, 8_962, 7_542, 7_950)
LARGE = list(made(Network(lines=20, warehouses=12), 12, seed=7))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_the_engine_finds_what_an_integer_programme_finds(seed: int) -> None:
    # Goal: five lines, six sites, two services each, with all that services and sites may have:
    # several days, and heavier steps that are cheaper.
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


def test_of_twenty_lines_and_twelve_sites_the_plan_is_the_optimum_or_its_bound_is_true() -> None:
    # Goal: as large as orders get. Exact, or what was lost is said, is true, and is little.
    for case, least_cents in zip(LARGE, OPTIMA_CENTS, strict=True):
        found = decide(case.demand, case.sites)

        assert isinstance(found, Placement)
        assert found.lower_bound_cents <= least_cents <= found.total_cents
        assert found.total_cents <= least_cents * 1.02
        assert found.exact == (found.total_cents == found.lower_bound_cents)


def test_with_few_nodes_the_bound_is_true_as_well() -> None:
    for case, least_cents in zip(LARGE, OPTIMA_CENTS, strict=True):
        for nodes in (0, 20, 60, 120, 250):
            found = decide(case.demand, case.sites, Limits(nodes=nodes))

            assert isinstance(found, Placement)
            assert found.lower_bound_cents <= least_cents <= found.total_cents
            assert found.exact == (found.lower_bound_cents == found.total_cents)


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
            *[
                (up_to_g, int(factor * (400 + 5 * up_to_g**0.7) * chance.choice((1, 1, 1, 0.7))))
                for up_to_g in STEPS_G
            ],
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
        parcels_left=chance.choice((None, None, 1)),
        later=(Departure(1, dearer_by(150, tuple(tariffs))),) if chance.random() < 0.7 else (),
    )
