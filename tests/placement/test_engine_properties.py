"""What holds for every order and every network, checked against trying everything."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.placement.engine import decide
from shared.placement.types import Demand, Limits, Placement, Shortage, Site, Tariff
from tests.placement.given import networks, orders, splits
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


@settings(deadline=None, max_examples=300)
@given(orders(rich=True), networks(rich=True, priced=True), splits)
def test_so_it_is_with_services_sizes_needs_capacity_and_all_that_is_weighed(
    demand: list[Demand], sites: list[Site], limits: Limits
) -> None:
    found = decide(demand, sites, limits)

    expected = cheapest(demand, sites, limits.split_cents)
    if expected is None:
        assert isinstance(found, Shortage)
        assert found.missing or found.not_carried or found.not_now
    else:
        assert isinstance(found, Placement)
        assert (found.total_cents, len(found.parcels)) == expected
        assert found.exact
        assert found.lower_bound_cents == found.total_cents


@settings(deadline=None, max_examples=200)
@given(orders(rich=True, most_units=8), networks(rich=True, priced=True, ample=True), splits)
def test_the_shortcut_comes_to_what_the_search_comes_to(
    demand: list[Demand], sites: list[Site], limits: Limits
) -> None:
    # Goal: nothing is settled early that a search would settle otherwise.
    short = decide(demand, sites, limits)
    with pytest.MonkeyPatch.context() as patch:
        nothing_known = [0] * len(sites), 0
        patch.setattr("shared.placement.solution.several_cents", lambda problem: nothing_known)
        full = decide(demand, sites, limits)

    if isinstance(full, Placement) and isinstance(short, Placement):
        seen = [found._replace(nodes=0, runner_up=None) for found in (short, full)]
        assert seen[0] == seen[1]
    else:
        assert short == full


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
@given(orders(most_units=10, rich=True), networks(ample=True, rich=True, most_sites=4), splits)
def test_a_plan_covers_exactly_the_demand_from_stock_and_its_cost_adds_up(
    demand: list[Demand], sites: list[Site], limits: Limits
) -> None:
    found = decide(demand, sites, limits)

    assume(isinstance(found, Placement))
    assert isinstance(found, Placement)
    shipped: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    sent: Counter[tuple[str, int]] = Counter()
    wanted = {line.sku: line for line in demand}
    by_name = {s.warehouse: s for s in sites}
    for parcel in found.parcels:
        sent[parcel.warehouse, parcel.departure] += 1
        assert [item.sku for item in parcel.items] == sorted({item.sku for item in parcel.items})
        for item in parcel.items:
            assert item.quantity > 0
            shipped[item.sku] += item.quantity
            taken[parcel.warehouse, item.sku] += item.quantity
        assert parcel.weight_g == sum(wanted[i.sku].weight_g * i.quantity for i in parcel.items)
        assert parcel.volume_mm3 == sum(wanted[i.sku].volume_mm3 * i.quantity for i in parcel.items)
        paid = (parcel.handling_cents, parcel.freight_cents, parcel.penalty_cents)
        assert paid in [
            (t.handling_cents, step.price_cents, t.penalty_cents)
            for t in _tariffs_on(by_name[parcel.warehouse], parcel.departure)
            if (t.carrier, t.service) == (parcel.carrier, parcel.service)
            for step in [s for s in t.steps if s.max_weight_g >= parcel.chargeable_g][:1]
        ]
    assert shipped == {line.sku: line.quantity for line in demand}
    assert all(n <= by_name[name].available[sku] for (name, sku), n in taken.items())
    for (name, departure), parcels in sent.items():
        site = by_name[name]
        lefts = [site.parcels_left, *[day.parcels_left for day in site.later]]
        left = lefts[departure]
        assert site.closed is None
        assert left is None or parcels <= left
    assert found.cost_cents == sum(parcel.cost_cents for parcel in found.parcels)
    assert found.penalty_cents == sum(
        parcel.penalty_cents for parcel in found.parcels
    ) + limits.split_cents * (len(found.parcels) - 1)


def _tariffs_on(site: Site, departure: int) -> tuple[Tariff, ...]:
    return (site.tariffs, *[day.tariffs for day in site.later])[departure]


@settings(deadline=None)
@given(
    orders(most_units=9, rich=True),
    networks(most_sites=4, rich=True),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_input_does_not_matter(
    demand: list[Demand], sites: list[Site], random: Random
) -> None:
    first = decide(demand, sites)

    mixed = [
        replace(
            s,
            available=dict(reversed(list(s.available.items()))),
            tariffs=s.tariffs[::-1],
            later=tuple([day._replace(tariffs=day.tariffs[::-1]) for day in s.later]),
        )
        for s in reversed(sites)
    ]
    random.shuffle(mixed)
    assert decide(demand[::-1], mixed) == first


@settings(deadline=None)
@given(orders(most_units=8, rich=True), networks(ample=True, rich=True, most_sites=4), st.data())
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
    assert after.total_cents <= before.total_cents


@settings(deadline=None)
@given(orders(rich=True), networks(rich=True, priced=True), splits)
def test_each_candidate_is_the_oracle_for_its_site_alone(
    demand: list[Demand], sites: list[Site], limits: Limits
) -> None:
    # Goal: what the decision says of a site alone is true, and no site alone beats the plan.
    found = decide(demand, sites, limits)

    for candidate in found.candidates:
        here = [s for s in sites if s.warehouse == candidate.warehouse]
        alone = cheapest(demand, here, limits.split_cents)
        assert (candidate.reason is None) == (alone is not None)
        if candidate.cost_cents is None or alone is None:
            assert candidate.cost_cents is None
            continue
        assert isinstance(found, Placement)
        weighed_cents = candidate.opportunity_cents + candidate.penalty_cents
        assert candidate.cost_cents + weighed_cents == alone[0]
        assert candidate.behind_cents == alone[0] - found.total_cents >= 0


@settings(deadline=None)
@given(
    orders(rich=True),
    networks(priced=True, ample=True, rich=True),
    st.integers(0, 40),
    st.integers(0, 10),
)
def test_when_nodes_run_out_the_optimum_lies_between_bound_and_cost(
    demand: list[Demand], sites: list[Site], nodes: int, packing_steps: int
) -> None:
    found = decide(demand, sites, Limits(nodes, packing_steps))

    assume(isinstance(found, Placement))
    assert isinstance(found, Placement)
    best = cheapest(demand, sites)
    assert best is not None
    assert found.lower_bound_cents <= best[0] <= found.total_cents
    assert found.exact == (found.lower_bound_cents == found.total_cents)
    assert 1 <= found.nodes <= max(1, nodes)
    assert found == decide(demand[::-1], sites[::-1], Limits(nodes, packing_steps))
