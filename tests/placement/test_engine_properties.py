"""What holds for every order and every network, checked against trying everything."""

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.placement.engine import decide
from shared.placement.types import Demand, Limits, Placement, Shortage, Site
from tests.placement.given import networks, orders
from tests.placement.oracle import cheapest

@settings(deadline=None)
@given(orders(), networks())
def test_a_plan_is_as_cheap_and_has_as_few_parcels_as_any(
    demand: list[Demand], sites: list[Site]
) -> None:
    found = decide(demand, sites)

    expected = cheapest(demand, sites)
    if expected is None:
        assert isinstance(found, Shortage)
    else:
        assert isinstance(found, Placement)
        assert (found.cost_cents, len(found.parcels)) == expected
        assert found.exact
        assert found.lower_bound_cents == found.cost_cents


@settings(deadline=None)
@given(orders(), networks(priced=True, ample=True))
def test_opportunity_costs_are_minimised_with_the_money_and_kept_apart(
    demand: list[Demand], sites: list[Site]
) -> None:
    found = decide(demand, sites)

    assume(isinstance(found, Placement))
    assert isinstance(found, Placement)
    expected = cheapest(demand, sites)
    assert expected is not None
    assert (found.cost_cents + found.opportunity_cents, len(found.parcels)) == expected
    worth = {(s.warehouse, sku): c for s in sites for sku, c in s.opportunity_cents.items()}
    assert found.opportunity_cents == sum(
        item.quantity * worth.get((parcel.warehouse, item.sku), 0)
        for parcel in found.parcels
        for item in parcel.items
    )


@settings(deadline=None)
@given(orders(most_units=10), networks(ample=True, most_sites=4))
def test_a_plan_covers_exactly_the_demand_from_stock_and_its_cost_adds_up(
    demand: list[Demand], sites: list[Site]
) -> None:
    found = decide(demand, sites)

    assume(isinstance(found, Placement))
    assert isinstance(found, Placement)
    shipped: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    weights_g = {line.sku: line.weight_g for line in demand}
    by_name = {s.warehouse: s for s in sites}
    for parcel in found.parcels:
        assert [item.sku for item in parcel.items] == sorted({item.sku for item in parcel.items})
        for item in parcel.items:
            assert item.quantity > 0
            shipped[item.sku] += item.quantity
            taken[parcel.warehouse, item.sku] += item.quantity
        assert parcel.weight_g == sum(weights_g[i.sku] * i.quantity for i in parcel.items)
        offers = [
            (t.handling_cents, next(s.price_cents for s in t.steps if s.max_weight_g >= w))
            for t in by_name[parcel.warehouse].tariffs
            if t.carrier == parcel.carrier and (w := parcel.weight_g) <= t.steps[-1].max_weight_g
        ]
        assert offers == [(parcel.handling_cents, parcel.freight_cents)]
    assert shipped == {line.sku: line.quantity for line in demand}
    assert all(n <= by_name[name].available[sku] for (name, sku), n in taken.items())
    assert found.cost_cents == sum(p.handling_cents + p.freight_cents for p in found.parcels)


@settings(deadline=None)
@given(orders(most_units=9), networks(most_sites=4), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    demand: list[Demand], sites: list[Site], random: Random
) -> None:
    first = decide(demand, sites)

    mixed = [
        replace(
            s,
            available=dict(reversed(list(s.available.items()))),
            tariffs=s.tariffs[::-1],
        )
        for s in reversed(sites)
    ]
    random.shuffle(mixed)
    assert decide(demand[::-1], mixed) == first


@settings(deadline=None)
@given(orders(most_units=8), networks(ample=True, most_sites=4), st.data())
def test_more_stock_never_costs_more(
    demand: list[Demand], sites: list[Site], data: st.DataObject
) -> None:
    before = decide(demand, sites)
    assume(isinstance(before, Placement))
    assert isinstance(before, Placement)

    lucky = data.draw(st.sampled_from(sites))
    sku = data.draw(st.sampled_from([line.sku for line in demand]))
    more = {**lucky.available, sku: lucky.available.get(sku, 0) + data.draw(st.integers(1, 3))}
    after = decide(demand, [replace(s, available=more) if s is lucky else s for s in sites])

    assert isinstance(after, Placement)
    assert after.cost_cents <= before.cost_cents


@settings(deadline=None)
@given(orders(), networks())
def test_each_candidate_is_the_oracle_for_its_site_alone(
    demand: list[Demand], sites: list[Site]
) -> None:
    # Goal: the receipt's "what it would have cost from here" is true, and never below the plan.
    found = decide(demand, sites)

    for candidate in found.candidates:
        alone = cheapest(demand, [s for s in sites if s.warehouse == candidate.warehouse])
        assert candidate.cost_cents == (alone and alone[0])
        assert (candidate.reason is None) == (alone is not None)
        if isinstance(found, Placement) and candidate.cost_cents is not None:
            assert found.cost_cents <= candidate.cost_cents


@settings(deadline=None)
@given(orders(), networks(priced=True, ample=True), st.integers(0, 40), st.integers(0, 10))
def test_when_nodes_run_out_the_optimum_lies_between_bound_and_cost(
    demand: list[Demand], sites: list[Site], nodes: int, packing_nodes: int
) -> None:
    found = decide(demand, sites, Limits(nodes, packing_nodes))

    assume(isinstance(found, Placement))
    assert isinstance(found, Placement)
    best = cheapest(demand, sites)
    assert best is not None
    total_cents = found.cost_cents + found.opportunity_cents
    assert found.lower_bound_cents <= best[0] <= total_cents
    assert found.exact == (found.lower_bound_cents == total_cents)
    assert found.nodes <= nodes
    assert found == decide(demand[::-1], sites[::-1], Limits(nodes, packing_nodes))
