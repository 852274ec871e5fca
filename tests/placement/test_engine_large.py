"""What holds for orders as large as they get: twenty lines, fifty units, twelve sites."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulators.bench.cases import Case, Network, made
from shared.placement.engine import decide
from shared.placement.types import Demand, Limits, Placement
from tests.placement.given import site, tariff

pytestmark = pytest.mark.slow

SEEDS = st.integers(0, 10_000)
SOME = settings(deadline=None, max_examples=12)
MOST_UNITS = 50
STEPS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)


def large(seed: int) -> Case:
    """An order of twenty lines with as many units as orders may have, all of them in stock."""
    ((_, demand, sites),) = made(Network(lines=20, warehouses=12), 1, seed)
    while sum(line.quantity for line in demand) > MOST_UNITS:
        demand.pop()
    everything = {line.sku: line.quantity for line in demand}
    first, *others = sites
    return Case("large", demand, [replace(first, available=everything), *others])


@SOME
@given(SEEDS)
def test_a_large_plan_is_within_its_stock_and_no_dearer_than_any_site_alone(seed: int) -> None:
    case = large(seed)

    found = decide(case.demand, case.sites)

    assert isinstance(found, Placement)
    shipped, taken = Counter[str](), Counter[tuple[str, str]]()
    for parcel in found.parcels:
        for item in parcel.items:
            shipped[item.sku] += item.quantity
            taken[parcel.warehouse, item.sku] += item.quantity
    assert shipped == {line.sku: line.quantity for line in case.demand}
    stock = {(site.warehouse, sku): n for site in case.sites for sku, n in site.available.items()}
    assert all(units <= stock[place] for place, units in taken.items())
    assert all(one.behind_cents is None or one.behind_cents >= 0 for one in found.candidates)
    assert found.lower_bound_cents <= found.total_cents


@SOME
@given(SEEDS)
def test_a_large_order_is_decided_alike_in_whatever_order_it_is_told(seed: int) -> None:
    # Goal: a decision that is replayed comes out as it was, whether it was exact or not.
    case = large(seed)
    sites = list(case.sites)
    Random(seed).shuffle(sites)

    for limits in (Limits(), Limits(nodes=150)):
        first = decide(case.demand, case.sites, limits)
        assert decide(case.demand[::-1], sites, limits) == first


@SOME
@given(SEEDS, st.data())
def test_more_stock_never_costs_a_large_order_more_than_its_bound_allows(
    seed: int, data: st.DataObject
) -> None:
    case = large(seed)
    before = decide(case.demand, case.sites)
    lucky = data.draw(st.sampled_from(case.sites))
    sku = data.draw(st.sampled_from([line.sku for line in case.demand]))
    more = {**lucky.available, sku: lucky.available[sku] + 2}

    after = decide(
        case.demand, [replace(s, available=more) if s is lucky else s for s in case.sites]
    )

    assert isinstance(before, Placement)
    assert isinstance(after, Placement)
    assert after.lower_bound_cents <= before.total_cents
    if after.exact:
        assert after.total_cents <= before.total_cents


def test_what_parcels_of_several_sites_cost_at_least_is_paid_for_in_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Goal: all work of a decision counts, so that none holds its locks for long. Where each pair
    # that is looked at costs a node, as many as usual run out, and the bound is true all the same.
    case = large(7)
    free = decide(case.demand, case.sites)
    assert isinstance(free, Placement)
    monkeypatch.setattr("shared.placement.teams.PAIRS_A_NODE", 1)

    dear = decide(case.demand, case.sites, Limits(nodes=free.nodes))

    assert isinstance(dear, Placement)
    assert free.exact
    assert not dear.exact
    assert dear.lower_bound_cents <= free.total_cents <= dear.total_cents


def test_an_order_of_four_hundred_units_is_decided_at_once() -> None:
    # Goal: larger than orders are to be, and no exact plan is promised; but it ends. In a second or
    # two: it took a minute, and one of two thousand units six.
    chance = Random(1)
    demand = [Demand(f"S{n:02}", 20, chance.randint(500, 2_000)) for n in range(20)]
    prices = [
        [(up_to_g, int(300 + up_to_g**0.8 * chance.uniform(0.9, 1.1))) for up_to_g in STEPS_G]
        for _ in range(24)
    ]
    sites = [
        site(
            f"W{number:02}",
            {line.sku: chance.randint(0, 20) if number else 20 for line in demand},
            tariff(*prices[number], carrier="post"),
            tariff(*prices[-number - 1], carrier="van"),
            distance_m=1_000 * number,
        )
        for number in range(12)
    ]

    found = decide(demand, sites)

    assert isinstance(found, Placement)
    assert not found.exact
    assert found.lower_bound_cents < found.total_cents
    shipped = Counter[str]()
    for parcel in found.parcels:
        for item in parcel.items:
            shipped[item.sku] += item.quantity
    assert set(shipped.values()) == {20}
