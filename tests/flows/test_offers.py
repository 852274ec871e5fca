"""Who sends an order: the promise, when warehouses work, and what they can do.

The clock stands on Monday, 2 March 2026, at noon in UTC; the promise of an order is Friday's.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.policies import PolicyDocument
from shared.costing.types import Step, Zone, ZoneRule
from shared.flows.cancel_order import cancel_order
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.flows.replay_decisions import replay_decisions
from shared.people.types import Person
from shared.platform.db import Database, LostRace
from shared.stock.skus import Unit, put_skus
from tests.support import given

FROM = "SELECT warehouse FROM parcels WHERE order_id = '{}' AND state <> 'cancelled'"
DAYS = "SELECT ship_on, parcels FROM site_days ORDER BY 1"
STATE = "SELECT state FROM orders WHERE order_id = '{}'"


def zone(price_cents: int, days: int | None) -> tuple[Zone, ...]:
    return (Zone("all", (ZoneRule(),), (Step(30_000, price_cents),), transit_days=days),)


def services(
    database: Database, priced: Mapping[str, tuple[int, int | None]], **of: object
) -> None:
    """Rate cards of one carrier: service -> price and days, to anywhere."""

    def publish(tx: object) -> None:
        for service, (price_cents, days) in priced.items():
            given.rates(
                tx,  # type: ignore[arg-type]
                service=service,
                valid_from=database.now(),
                zones=zone(price_cents, days),
                **of,
            )

    database.run(publish, given.cause())


def placed_from(database: Database, order_id: str, **fields: object) -> list[str]:
    given.order(database, order_id, {"MUG": 1}, **fields)  # type: ignore[arg-type]
    given.place(database, order_id)
    return [warehouse for (warehouse,) in given.rows(database, FROM.format(order_id))]


def policy(database: Database, **wishes: object) -> None:
    document = PolicyDocument.model_validate(wishes)
    wanted = PublishPolicy(document, None, Person("ada", "a test"))
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())


def test_a_carrier_without_queues_sends_nothing(database: Database) -> None:
    # Goal: nobody could buy its labels, so its parcels would stand for ever, whatever they cost.
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"standard": (100, 1)}, carrier="rocket")

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT carrier FROM parcels") == [("correios",)]


def test_the_cheapest_service_that_keeps_the_promise_is_taken(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"slow": (100, 7), "road": (300, 4), "air": (900, 1)})

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT service, ship_on, arrives_on FROM parcels") == [
        ("road", date(2026, 3, 2), date(2026, 3, 6))
    ]
    assert given.violations(database) == []


def test_where_no_service_does_the_least_late_one_is_taken(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"slow": (100, 9), "road": (300, 7)})

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT service FROM parcels") == [("road",)]


def test_what_a_late_day_counts_is_the_policys(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"slow": (100, 5), "road": (300, 4)})
    policy(database, late_day_cents=150)  # one day late, and 2.00 cheaper

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT service, quoted_cents FROM parcels") == [("slow", 100)]


def test_after_the_cut_off_it_leaves_a_day_later_and_may_need_a_faster_service(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"road": (300, 4), "air": (900, 1)})
    given.works(database, "BER", cut_off_minute=12 * 60)

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT service, ship_on FROM parcels") == [
        ("air", date(2026, 3, 3))
    ]


def test_who_is_closed_sends_nothing_and_the_order_waits_where_nobody_else_has_it(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.works(database, "BER", closed_for="a flood")
    assert placed_from(database, "ord_1") == ["LIS"]

    given.works(database, "LIS", closed_for="a flood")
    assert placed_from(database, "ord_2") == []
    assert given.rows(database, STATE.format("ord_2")) == [("backordered",)]
    ((receipt,),) = given.rows(
        database, "SELECT receipt FROM placement_decisions WHERE order_id = 'ord_2'"
    )
    assert {c["reason"] for c in receipt["result"]["candidates"]} == {"closed: a flood"}

    given.works(database, "LIS")
    given.place(database, "ord_2")
    assert given.rows(database, STATE.format("ord_2")) == [("placed",)]
    assert given.violations(database) == []


def test_what_is_dangerous_goes_where_and_by_whom_it_may(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"road": (300, None)})
    services(database, {"special": (900, None)}, carries=("hazmat",))
    given.works(database, "LIS", capabilities=frozenset({"hazmat"}))
    assert placed_from(database, "ord_1") == ["BER"]

    unit = Unit("MUG", 500, 100, 100, 100, needs=frozenset({"hazmat"}))
    database.run(lambda tx: put_skus(tx, [unit]), given.cause())

    assert placed_from(database, "ord_2") == ["LIS"]
    assert given.rows(database, "SELECT service FROM parcels WHERE order_id = 'ord_2'") == [
        ("special",)
    ]


@pytest.mark.parametrize(
    "wishes", [{"avoid_cents": {"BER": 2_000}}, {"excluded_warehouses": ["BER"]}]
)
def test_a_policy_prefers_and_excludes_warehouses(
    database: Database, wishes: dict[str, object]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    policy(database, **wishes)

    assert placed_from(database, "ord_1") == ["LIS"]


def test_a_policy_excludes_services(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"road": (300, None), "air": (900, None)})
    policy(database, excluded_services=["correios/road"])

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT service FROM parcels") == [("air",)]


def test_a_warehouse_sends_no_more_in_a_day_than_it_can(database: Database) -> None:
    # Goal: the third parcel leaves a day later, and comes in time all the same.
    given.catalogue(database, {"BER": {"MUG": 9}})
    given.works(database, "BER", daily_parcels=2)

    for name in ("ord_1", "ord_2", "ord_3"):
        assert placed_from(database, name) == ["BER"]

    assert given.rows(database, "SELECT ship_on, parcels FROM site_days ORDER BY 1") == [
        (date(2026, 3, 2), 2),
        (date(2026, 3, 3), 1),
    ]
    assert given.violations(database) == []


def test_where_a_day_later_is_too_late_another_warehouse_sends(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 9}}, cells=given.DEAR)
    services(database, {"road": (300, 4)})
    given.works(database, "BER", daily_parcels=1)

    assert placed_from(database, "ord_1") == ["BER"], "it is nearer"
    assert placed_from(database, "ord_2") == ["LIS"]


def test_who_can_send_nothing_at_all_is_passed_over(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 9}})
    given.works(database, "BER", daily_parcels=0)

    assert placed_from(database, "ord_1") == ["LIS"]


def test_a_cancelled_parcel_leaves_its_place_to_others(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    given.works(database, "BER", daily_parcels=1)
    placed_from(database, "ord_1")

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    placed_from(database, "ord_2")

    assert given.rows(database, "SELECT ship_on, parcels FROM site_days") == [(date(2026, 3, 2), 1)]
    assert given.violations(database) == []


def test_a_day_that_is_counted_from_now_on_knows_what_was_planned_before(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    placed_from(database, "ord_1")
    given.works(database, "BER", daily_parcels=2)

    for name in ("ord_2", "ord_3"):
        placed_from(database, name)

    assert given.rows(database, "SELECT ship_on, parcels FROM site_days ORDER BY 1") == [
        (date(2026, 3, 2), 2),
        (date(2026, 3, 3), 1),
    ]
    assert given.violations(database) == []


def test_many_at_once_do_not_overfill_a_day(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 99}})
    given.works(database, "BER", daily_parcels=5)
    names = [f"ord_{n}" for n in range(12)]
    for name in names:
        given.order(database, name, {"MUG": 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: given.place(database, name), names))

    assert given.rows(database, "SELECT parcels FROM site_days ORDER BY ship_on") == [
        (5,),
        (5,),
        (2,),
    ]
    assert given.violations(database) == []


def test_what_a_warehouse_often_cannot_send_makes_it_dearer(database: Database) -> None:
    # Goal: of two at the same price the one that misses one order in four is not asked.
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 9}}, cells=given.DEAR)
    services(database, {"road": (300, None)})
    assert placed_from(database, "ord_1") == ["BER"]
    given.rows(
        database,
        "INSERT INTO warehouse_refusals VALUES ('BER', 39, 10, now()) RETURNING 1",
    )

    assert placed_from(database, "ord_2") == ["LIS"]
    ((receipt,),) = given.rows(
        database, "SELECT receipt FROM placement_decisions WHERE order_id = 'ord_2'"
    )
    penalties = {site[0]: site[3][-1][2] for site in receipt["inputs"]["sites"]}
    assert penalties == {"BER": 125, "LIS": 0}, "500 times 10 in 40"


def test_days_are_left_out_on_which_nobody_works(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    monday = database.now().date()
    given.works(database, "BER", closed_on=frozenset({monday, monday + timedelta(days=1)}))

    placed_from(database, "ord_1")

    assert given.rows(database, "SELECT ship_on FROM parcels") == [(monday + timedelta(days=2),)]


def test_an_order_of_more_parcels_than_a_day_has_room_for_leaves_over_two(
    database: Database,
) -> None:
    # Goal: a day that is nearly full makes no order wait whose other parcel can leave a day later.
    given.catalogue(database, {"BER": {"MUG": 9}}, weight_g=6_000)
    given.works(database, "BER", daily_parcels=2)
    placed_from(database, "ord_1")

    given.order(database, "ord_2", {"MUG": 2})
    given.place(database, "ord_2")

    assert given.rows(database, STATE.format("ord_2")) == [("placed",)]
    assert given.rows(
        database, "SELECT ship_on FROM parcels WHERE order_id = 'ord_2' ORDER BY 1"
    ) == [(date(2026, 3, 2),), (date(2026, 3, 3),)]
    assert given.rows(database, DAYS) == [(date(2026, 3, 2), 2), (date(2026, 3, 3), 1)]
    assert given.violations(database) == []

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_2", reason="no"))
    assert given.rows(database, DAYS) == [(date(2026, 3, 2), 1), (date(2026, 3, 3), 0)]


def test_many_at_once_do_not_overfill_days_that_they_share(database: Database) -> None:
    # Goal: whoever wants two places and finds one taken meanwhile looks again.
    given.catalogue(database, {"BER": {"MUG": 99}}, weight_g=6_000)
    given.works(database, "BER", daily_parcels=3)
    names = [f"ord_{n}" for n in range(8)]
    for name in names:
        given.order(database, name, {"MUG": 2})

    def place(name: str) -> None:
        with suppress(LostRace):  # each time: then its queue asks again
            given.place(database, name)

    while waiting := given.rows(database, "SELECT order_id FROM orders WHERE state = 'waiting'"):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(place, [name for (name,) in waiting]))

    assert [parcels for _, parcels in given.rows(database, DAYS)] == [3, 3, 3, 3, 3, 1]
    assert given.violations(database) == []


@pytest.mark.parametrize(("late_day_cents", "second_from"), [(0, "BER"), (1_000, "LIS")])
def test_what_leaves_a_day_later_is_weighed_against_who_could_send_today(
    database: Database, late_day_cents: int, second_from: str
) -> None:
    # Goal: BER has room for one of two parcels. The other comes on Saturday, or in time from LIS.
    stocked = {"BER": {"MUG": 9}, "LIS": {"MUG": 9}}
    given.catalogue(database, stocked, cells=given.DEAR, weight_g=20_000)
    services(database, {"road": (300, 4)})
    given.works(database, "BER", daily_parcels=1)
    policy(database, late_day_cents=late_day_cents)

    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    found = given.rows(database, FROM.format("ord_1"))
    assert sorted(warehouse for (warehouse,) in found) == ["BER", second_from]
    days = given.rows(database, "SELECT ship_on, arrives_on FROM parcels ORDER BY 1, 2")
    assert days[0] == (date(2026, 3, 2), date(2026, 3, 6))
    assert days[1] == (days[0] if late_day_cents else (date(2026, 3, 3), date(2026, 3, 7)))


def test_an_order_that_would_leave_over_too_many_days_waits(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}}, weight_g=6_000)
    given.works(database, "BER", daily_parcels=1)

    given.order(database, "ord_1", {"MUG": 8}, ship_together=True)
    given.place(database, "ord_1")

    assert given.rows(database, STATE.format("ord_1")) == [("backordered",)]
    ((receipt,),) = given.rows(database, "SELECT receipt FROM placement_decisions")
    (candidate,) = receipt["result"]["candidates"]
    assert candidate["reason"] == "more than 7 parcels, all that are left on 7 days"


def test_what_leaves_over_several_days_is_decided_alike_when_it_is_replayed(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}}, weight_g=6_000)
    given.works(database, "BER", daily_parcels=1)
    given.order(database, "ord_1", {"MUG": 3})
    given.place(database, "ord_1")

    found = replay_decisions(
        lambda step: database.run(step, given.cause()),
        database.now() - timedelta(days=1),
        database.now() + timedelta(days=1),
    )

    assert (found.decisions, found.differences) == (1, ())


@pytest.mark.parametrize(
    "promised_at",
    [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
)
def test_an_order_whose_shop_says_never_is_placed(
    database: Database, promised_at: datetime
) -> None:
    # Goal: the last and the first moment that there are, as programs write them for none.
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    services(database, {"road": (300, 4)})
    for zone_name in ("Asia/Tokyo", "America/Sao_Paulo"):
        given.works(database, "BER", time_zone=zone_name)
        event = given.submitted(f"ord_{zone_name}", {"MUG": 1})
        said = {"promised_at": promised_at}
        given.accept(database, type(event).decode(event.model_copy(update=said).encode()))
        given.place(database, f"ord_{zone_name}")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",), ("placed",)]
    assert given.violations(database) == []
