"""The decisions that other systems get wrong, ties, refusals and receipts."""

import pytest

from shared.placement.engine import decide
from shared.placement.types import (
    Candidate,
    Demand,
    Item,
    Limits,
    Parcel,
    Placement,
    RunnerUp,
    Shortage,
    Site,
    Step,
    Tariff,
)
from tests.placement.given import FLAT, site, tariff

TEN_MUGS = [Demand("MUG", 10, 300)]


def placed(demand: list[Demand], sites: list[Site], limits: Limits | None = None) -> Placement:
    found = decide(demand, sites, limits or Limits())
    assert isinstance(found, Placement)
    return found


def shipped(found: Placement) -> list[tuple[str, str, int]]:
    return [(p.warehouse, i.sku, i.quantity) for p in found.parcels for i in p.items]


def test_ten_of_six_and_twenty_come_from_the_one_that_has_them() -> None:
    found = placed(TEN_MUGS, [site("A", {"MUG": 6}), site("B", {"MUG": 20})])

    assert shipped(found) == [("B", "MUG", 10)]


def test_ten_of_six_and_twenty_where_six_are_cheap_are_six_and_four_not_six_and_ten() -> None:
    dear_when_heavy = tariff((1_200, 500), (30_000, 2_000))
    found = placed(TEN_MUGS, [site("A", {"MUG": 6}), site("B", {"MUG": 20}, dear_when_heavy)])

    assert shipped(found) == [("A", "MUG", 6), ("B", "MUG", 4)]


@pytest.mark.parametrize("balance", [-4, None, "12", float("nan"), True])
def test_a_corrupt_balance_is_none_available_and_changes_nothing_elsewhere(
    balance: object,
) -> None:
    good = [site("A", {"MUG": 6}), site("B", {"MUG": 20})]
    broken = site("C", {"MUG": balance})  # type: ignore[dict-item]

    found = placed(TEN_MUGS, [broken, *good])

    assert found.parcels == placed(TEN_MUGS, good).parcels
    assert found.candidates[-1].reason == "short of MUG by 10"
    assert found.candidates[-1].warning == f"balance of MUG is {balance}, counted as none"


def test_a_negative_balance_of_one_sku_leaves_the_site_its_other_skus() -> None:
    demand = [Demand("BOWL", 1, 100), Demand("MUG", 1, 100)]
    found = placed(demand, [site("A", {"BOWL": 1, "MUG": -1}), site("B", {"MUG": 1})])

    assert shipped(found) == [("A", "BOWL", 1), ("B", "MUG", 1)]


def test_a_third_parcel_is_not_used_where_two_cost_the_same() -> None:
    # One parcel of 2 kg costs as much as two of 1 kg.
    doubling = tariff((1_000, 250), (2_000, 500))
    demand = [Demand("BOWL", 2, 1_000), Demand("MUG", 1, 1_000)]

    found = placed(demand, [site("A", {"BOWL": 2}, doubling), site("B", {"MUG": 1}, doubling)])

    assert shipped(found) == [("A", "BOWL", 2), ("B", "MUG", 1)]
    assert found.cost_cents == 750


def test_two_light_parcels_of_one_site_are_used_where_a_heavy_one_costs_more() -> None:
    steep = tariff((1_000, 300), (2_000, 900), handling_cents=50)

    found = placed([Demand("MUG", 4, 500)], [site("A", {"MUG": 4}, steep)])

    assert [(p.weight_g, p.cost_cents) for p in found.parcels] == [(1_000, 350), (1_000, 350)]


def test_what_is_too_heavy_for_one_parcel_goes_in_several() -> None:
    found = placed([Demand("LAMP", 7, 12_000)], [site("A", {"LAMP": 7})])

    assert [p.weight_g for p in found.parcels] == [12_000, 24_000, 24_000, 24_000]
    assert found.exact


def test_each_parcel_goes_by_the_carrier_that_is_cheapest_for_its_weight() -> None:
    light = tariff((1_000, 200), (5_000, 2_000), carrier="post")
    heavy = tariff((9_000, 800), carrier="van", handling_cents=100)
    demand = [Demand("LAMP", 1, 4_000), Demand("MUG", 1, 500)]

    found = placed(
        demand, [site("A", {"LAMP": 1}, light, heavy), site("B", {"MUG": 1}, light, heavy)]
    )

    assert [(p.warehouse, p.carrier, p.cost_cents) for p in found.parcels] == [
        ("A", "van", 900),
        ("B", "post", 200),
    ]


def test_the_cost_of_an_opportunity_moves_the_unit_but_is_not_paid() -> None:
    # Goal: the last unit at A is worth 80 cents there, more than the 50 it saves today.
    near, far = tariff((1_000, 400)), tariff((1_000, 450))
    sites = [
        site("A", {"MUG": 1}, near, opportunity_cents={"MUG": 80}),
        site("B", {"MUG": 1}, far),
    ]

    found = placed([Demand("MUG", 1, 300)], sites)

    assert shipped(found) == [("B", "MUG", 1)]
    assert (found.cost_cents, found.opportunity_cents) == (450, 0)
    assert found.runner_up == RunnerUp(("A",), 480, 30)


@pytest.mark.parametrize(
    ("sites", "winner"),
    [
        # Equal cost: the nearer site, then the smaller name.
        ([site("A", {"MUG": 1}, distance_m=9), site("B", {"MUG": 1}, distance_m=8)], "B"),
        ([site("B", {"MUG": 1}), site("A", {"MUG": 1})], "A"),
    ],
)
def test_ties_break_by_distance_then_by_name(sites: list[Site], winner: str) -> None:
    assert shipped(placed([Demand("MUG", 1, 300)], sites)) == [(winner, "MUG", 1)]


def test_of_two_carriers_at_one_price_the_smaller_name_wins() -> None:
    twins = tariff((1_000, 300), carrier="van"), tariff((1_000, 300), carrier="post")

    assert placed([Demand("MUG", 1, 300)], [site("A", {"MUG": 1}, *twins)]).parcels == (
        Parcel("A", "post", "standard", "post-1", (Item("MUG", 1),), 300, 0, 300, 0, 300, 0, 0),
    )


def test_a_receipt_says_what_each_site_alone_would_cost_or_why_it_cannot() -> None:
    demand = [Demand("LAMP", 1, 31_000), Demand("MUG", 3, 300)]
    freight = tariff((50_000, 4_000))
    sites = [
        site("A", {"LAMP": 1, "MUG": 3}, freight, distance_m=5),
        site("B", {"LAMP": 1, "MUG": 1}),
        Site("C", 7, {"LAMP": 1, "MUG": 3}, ()),
        site("D", {"LAMP": 2, "MUG": 9}, tariff((50_000, 4_100)), distance_m=6),
    ]

    found = placed(demand, sites)

    assert found.candidates == (
        Candidate("A", 5, 4_000, 0, None, behind_cents=0, services=("post standard",)),
        Candidate("B", 1_000, None, 0, "no carrier takes 31000 g (LAMP); short of MUG by 2"),
        Candidate("C", 7, None, 0, "no carrier serves this place from here"),
        Candidate("D", 6, 4_100, 0, None, behind_cents=100, services=("post standard",)),
    )
    assert (found.cost_cents, found.currency) == (4_000, "EUR")
    assert found.runner_up == RunnerUp(("D",), 4_100, 100)


def test_there_is_no_runner_up_where_only_one_set_of_sites_can_ship() -> None:
    assert placed(TEN_MUGS, [site("A", {"MUG": 10})]).runner_up is None


def test_a_shortage_counts_what_all_sites_together_lack() -> None:
    demand = [Demand("BOWL", 1, 100), Demand("LAMP", 2, 40_000), Demand("MUG", 10, 300)]
    sites = [site("A", {"BOWL": 1, "LAMP": 1, "MUG": 6}), site("B", {"LAMP": 5, "MUG": 3})]

    found = decide(demand, sites)

    assert isinstance(found, Shortage)
    assert found.missing == (Item("MUG", 1),)
    assert found.not_carried == (Item("LAMP", 2),)
    assert [c.warehouse for c in found.candidates] == ["A", "B"]


def test_without_any_site_everything_is_missing() -> None:
    assert decide(TEN_MUGS, []) == Shortage((Item("MUG", 10),), (), (), ())


def test_a_bulk_order_is_placed_within_its_nodes_and_admits_what_it_may_have_lost() -> None:
    steps = tariff((700, 500), (1_900, 800), (7_300, 1_700), (30_000, 3_500))
    demand = [Demand(f"S{n:03}", 7 + n % 5, 350 + 37 * n) for n in range(200)]
    sites = [
        site(f"W{w:02}", {line.sku: (i * 7 + w * 3) % 9 for i, line in enumerate(demand)}, steps)
        for w in range(12)
    ]

    found = placed(demand, sites, Limits(nodes=500))

    assert found.lower_bound_cents <= found.cost_cents
    assert not found.exact
    assert found.nodes == 500
    assert sum(n for _, _, n in shipped(found)) == sum(line.quantity for line in demand)


@pytest.mark.parametrize(("quantity", "weight_g"), [(0, 100), (-1, 100), (1, 0), (1, -5)])
def test_a_demand_of_nothing_cannot_be_built(quantity: int, weight_g: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Demand("MUG", quantity, weight_g)


@pytest.mark.parametrize(
    ("steps", "handling_cents"),
    [
        (((500, 1), (500, 2)), 0),
        (((0, 1),), 0),
        (((500, -1),), 0),
        (((500, 1),), -1),
    ],
)
def test_a_tariff_that_makes_no_sense_cannot_be_built(
    steps: tuple[tuple[int, int], ...], handling_cents: int
) -> None:
    with pytest.raises(ValueError, match="card-1"):
        Tariff("post", "card-1", "EUR", handling_cents, tuple(Step(*step) for step in steps))


def test_mistakes_of_the_caller_are_named() -> None:
    mug = Demand("MUG", 1, 300)
    dollars = tariff((1_000, 1), currency="USD")
    with pytest.raises(ValueError, match="no demand"):
        decide([], [])
    with pytest.raises(ValueError, match="MUG is demanded twice"):
        decide([mug, mug], [])
    with pytest.raises(ValueError, match="warehouse A is offered twice"):
        decide([mug], [site("A", {}), site("A", {})])
    with pytest.raises(ValueError, match="EUR, USD"):
        decide([mug], [site("A", {"MUG": 1}, FLAT, dollars)])
    with pytest.raises(ValueError, match="opportunity cost of A"):
        decide([mug], [site("A", {"MUG": 1}, opportunity_cents={"MUG": -1})])


def test_a_bulky_parcel_pays_for_its_room() -> None:
    by_volume = tariff((1_000, 300), (5_000, 900), volume_divisor=5_000)
    pillow = Demand("PILLOW", 1, 800, volume_mm3=20_000_000)

    (parcel,) = placed([pillow], [site("A", {"PILLOW": 1}, by_volume)]).parcels

    assert (parcel.weight_g, parcel.chargeable_g, parcel.freight_cents) == (800, 4_000, 900)


def test_one_long_unit_makes_its_parcel_pay_once() -> None:
    long_costs = tariff((30_000, 500), oversize=(1_000, 250))
    rods = Demand("ROD", 2, 900, longest_mm=1_800)

    (parcel,) = placed([rods], [site("A", {"ROD": 2}, long_costs)]).parcels

    assert (parcel.oversize_cents, parcel.cost_cents) == (250, 750)


def test_what_is_long_goes_apart_where_that_is_cheaper() -> None:
    # Goal: the service that takes rods is dear, so the mugs do not go with them.
    sites = [
        site(
            "A",
            {"MUG": 3, "ROD": 1},
            tariff((30_000, 300), service="parcel", max_length_mm=1_000),
            tariff((1_000, 900), (30_000, 2_000), service="freight"),
        )
    ]
    demand = [Demand("MUG", 3, 300), Demand("ROD", 1, 900, longest_mm=1_800)]

    found = placed(demand, sites)

    assert [(p.service, p.items) for p in found.parcels] == [
        ("parcel", (Item("MUG", 3),)),
        ("freight", (Item("ROD", 1),)),
    ]


def test_what_must_be_cold_goes_from_where_it_can_by_whom_it_can() -> None:
    cold = frozenset({"cold"})
    insulated = tariff((30_000, 800), carrier="van", carries=cold)
    fish = Demand("FISH", 1, 400, needs=cold)
    sites = [
        site("A", {"FISH": 1}, insulated),
        site("B", {"FISH": 1}, capabilities=cold),
        site("C", {"FISH": 1}, FLAT, insulated, capabilities=cold),
    ]

    found = placed([fish], sites)

    assert [(p.warehouse, p.carrier) for p in found.parcels] == [("C", "van")]
    assert [c.reason for c in found.candidates] == [
        "has no cold (FISH)",
        "no carrier takes 400 g, cold (FISH)",
        None,
    ]


def test_no_site_sends_more_parcels_than_it_has_left() -> None:
    lamps = Demand("LAMP", 3, 20_000)
    sites = [site("A", {"LAMP": 3}, parcels_left=2), site("B", {"LAMP": 3}, tariff((30_000, 900)))]

    found = placed([lamps], sites)

    assert [p.warehouse for p in found.parcels] == ["A", "A", "B"]
    assert found.candidates[0].reason == "more than 2 parcels, all that are left today"


@pytest.mark.parametrize("parcels_left", [0, -2])
def test_what_is_closed_or_full_is_a_candidate_with_its_reason_and_ships_nothing(
    parcels_left: int,
) -> None:
    mug = Demand("MUG", 2, 300)
    sites = [
        site("A", {"MUG": 2}, closed="after the last pick-up"),
        site("B", {"MUG": 2}, parcels_left=parcels_left),
        site("C", {"MUG": 1}),
    ]

    found = decide([mug], sites)

    assert isinstance(found, Shortage)
    assert (found.missing, found.not_carried, found.not_now) == ((), (), (Item("MUG", 1),))
    assert [c.reason for c in found.candidates] == [
        "after the last pick-up",
        "no parcel is left today",
        "short of MUG by 1",
    ]
    assert shipped(placed([mug], [*sites, site("D", {"MUG": 2})])) == [("D", "MUG", 2)]


def test_too_few_parcels_for_all_that_is_there_is_a_shortage_of_now() -> None:
    found = decide([Demand("LAMP", 3, 20_000)], [site("A", {"LAMP": 3}, parcels_left=2)])

    assert isinstance(found, Shortage)
    assert (found.missing, found.not_carried, found.not_now) == ((), (), (Item("LAMP", 1),))


def test_a_penalty_decides_and_is_not_paid() -> None:
    # Goal: 3.00 saved are not worth coming late, which counts 4.00.
    late = tariff((1_000, 500), service="slow", penalty_cents=400)
    in_time = tariff((1_000, 800), service="fast")

    found = placed([Demand("MUG", 1, 300)], [site("A", {"MUG": 1}, late, in_time)])

    assert (found.parcels[0].service, found.cost_cents, found.penalty_cents) == ("fast", 800, 0)


def test_what_a_split_counts_keeps_an_order_together() -> None:
    steep = tariff((1_000, 300), (2_000, 700))
    mugs = [Demand("MUG", 4, 500)]

    apart = placed(mugs, [site("A", {"MUG": 4}, steep)], Limits(split_cents=100))
    together = placed(mugs, [site("A", {"MUG": 4}, steep)], Limits(split_cents=101))

    assert (len(apart.parcels), apart.cost_cents, apart.penalty_cents) == (1, 700, 0)
    assert len(together.parcels) == 1
    free = placed(mugs, [site("A", {"MUG": 4}, steep)], Limits(split_cents=99))
    assert (len(free.parcels), free.cost_cents, free.penalty_cents) == (2, 600, 99)


def test_of_two_services_at_one_price_the_smaller_name_wins_and_then_what_costs_less() -> None:
    by_name = tariff((1_000, 300), service="slow"), tariff((1_000, 300), service="fast")
    unpaid = tariff((1_000, 300)), tariff((1_000, 200), penalty_cents=100)
    mug = [Demand("MUG", 1, 300)]

    assert placed(mug, [site("A", {"MUG": 1}, *by_name)]).parcels[0].service == "fast"
    assert placed(mug, [site("A", {"MUG": 1}, *unpaid)]).cost_cents == 200


def test_three_parcels_that_cost_nothing_are_cheaper_than_one_that_costs_something() -> None:
    # Goal: what looks like the cheapest parcel is not taken for the best plan.
    free_when_light, any_weight = tariff((1, 0)), tariff((3, 0), carrier="van", handling_cents=1)

    found = placed([Demand("BOWL", 3, 1)], [site("A", {"BOWL": 3}, free_when_light, any_weight)])

    assert (len(found.parcels), found.cost_cents) == (3, 0)


def test_what_a_site_costs_alone_is_told_exactly_where_another_is_cheaper() -> None:
    two_light_or_one_dear = tariff((2, 1)), tariff((4, 3), carrier="van")
    sites = [site("A", {"MUG": 2}, tariff((4, 0))), site("B", {"MUG": 2}, *two_light_or_one_dear)]

    found = placed([Demand("MUG", 2, 2)], sites)

    assert [(c.cost_cents, c.behind_cents) for c in found.candidates] == [(0, 0), (2, 2)]
