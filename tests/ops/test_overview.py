"""The overview counts what is there, and says what needs somebody."""

from datetime import timedelta

import pytest

from emulators.bench.trips import counted
from shared.contracts.http_ops import OpsOverview
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.enable_subscriber import disable_subscriber, enable_subscriber
from shared.flows.measure import measure
from shared.flows.override_placement import Override, hold_order, override_placement
from shared.flows.rules import Rules
from shared.flows.show_overview import show_overview
from shared.ops.in_words import told
from shared.ops.overview import MOST_KINDS
from shared.people.types import Person
from shared.platform.db import Database
from tests.letters.letters import dead, park
from tests.subscribers import given as webhooks
from tests.support import given
from tests.support.clock import TestClock

ADA = Person("ada", "because")


def overview(database: Database, scope: frozenset[str] | None = None) -> OpsOverview:
    return database.run(lambda tx: show_overview(tx, scope), given.cause())


@pytest.fixture
def shop(database: Database, clock: TestClock) -> Database:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    clock.advance(minutes=10)
    given.order(database, "ord_2", {"MUG": 1})
    clock.advance(minutes=40)
    return database


def test_queues_states_and_hours_are_counted(shop: Database, clock: TestClock) -> None:
    found = overview(shop)

    assert [(queue.priority, queue.waiting) for queue in found.queues] == [
        ("express", 0), ("standard", 1), ("bulk", 0)
    ]  # fmt: skip
    assert found.queues[1].oldest_at == clock.now - timedelta(minutes=40)
    assert {state.state: state.orders for state in found.states if state.orders} == {
        "waiting": 1,
        "placed": 1,
    }
    assert len(found.hours) == 25
    assert [(hour.accepted, hour.decided) for hour in found.hours[-1:]] == [(2, 1)]
    assert found.risk.late == 0
    assert [(carrier.carrier, carrier.breaker) for carrier in found.carriers] == [
        ("correios", "closed")
    ]


def test_all_figures_travel_together(shop: Database) -> None:
    # Goal: on a busy machine and over a network a trip costs more than most of the figures. One for
    # all that is asked for, with the accounts of carriers; then their figures, and the commit.
    overview(shop)  # prepared by now

    with counted() as trips:
        overview(shop)

    assert len(trips) == 3


def test_of_each_hour_the_worst_minute_tells_how_promises_stood(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})  # promised for the fourth day at six
    given.order(database, "ord_2", {"MUG": 1})
    clock.advance(days=3, hours=7)
    database.run(measure, given.cause())
    clock.advance(minutes=5)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_2", reason="no"))
    database.run(measure, given.cause())
    clock.advance(hours=2)
    database.run(measure, given.cause())

    hours = overview(database).hours

    stood = [(hour.promises.at_risk, hour.promises.broken) for hour in hours if hour.promises]
    assert stood == [(2, 0), (1, 0)]
    assert hours[-2].promises is None, "nobody looked in that hour"
    worst = next(hour.promises for hour in hours if hour.promises)
    assert worst.unshipped == 2


def test_what_needs_somebody_comes_with_what_to_do(shop: Database, clock: TestClock) -> None:
    shop.run(lambda tx: hold_order(tx, "ord_1", ADA), given.cause())
    given.apply(shop, park, dead())
    clock.advance(days=5)

    found = overview(shop)

    first = found.alarms[0]
    assert (first.severity, first.what) == (
        "critical",
        "The oldest standard order has waited for 5 d",
    )
    said = " | ".join(alarm.what for alarm in found.alarms)
    assert "2 orders late" in said
    assert "1 message refused" in said
    assert "1 order waiting for a person" in said
    assert all(alarm.remedy for alarm in found.alarms)


def test_who_gets_no_webhooks_since_calls_failed_is_an_alarm_until_a_person_has_settled_it(
    database: Database, clock: TestClock
) -> None:
    # Goal: a shop that hears nothing any more is not found out from the shop, and what a person has
    # decided is no alarm.
    def cut_off() -> list[tuple[str, str | None]]:
        found = overview(database).alarms
        return [(one.what, one.path) for one in found if one.what.count("no webhooks")]

    for name in ("gone", "left", "by-hand"):
        webhooks.subscriber(database, name)
    _, gone, left = webhooks.told(database)
    for delivery_id in (gone, left):
        webhooks.deliver(database, delivery_id, webhooks.Subscriber(410))
    database.run(lambda tx: disable_subscriber(tx, "by-hand", ADA), given.cause())
    clock.advance(hours=2)
    because = "has got no webhooks for 2 h: it answered that it is gone (410)"
    of_gone = (f"gone {because}", "/webhooks/gone")
    assert cut_off() == [of_gone, (f"left {because}", "/webhooks/left")]

    database.run(lambda tx: disable_subscriber(tx, "left", ADA), given.cause())
    assert cut_off() == [of_gone]
    ((since, said),) = given.rows(
        database,
        "SELECT disabled_at, disabled_because FROM webhook_subscribers WHERE name = 'left'",
    )
    assert (since, said) == (
        clock.now - timedelta(hours=2),
        ADA.reason,
    )  # what waits has not changed

    database.run(lambda tx: enable_subscriber(tx, "gone", ADA), given.cause())
    given.silence(database)
    assert cut_off() == []
    webhooks.deliver(database, gone, webhooks.Subscriber(410))
    assert len(cut_off()) == 1
    clock.advance(days=30)  # nothing waits for it any more
    assert cut_off() == []


def test_where_all_is_well_there_is_no_alarm(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    given.silence(database)

    assert overview(database).alarms == ()


def test_a_queue_tells_its_pace_and_when_it_is_empty(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    for n in range(5):
        given.order(database, f"ord_{n}", {"MUG": 1})
    clock.advance(minutes=2)
    given.order(database, "ord_5", {"MUG": 1})
    for n in (0, 1, 2):
        given.place(database, f"ord_{n}")

    queue = overview(database).queues[1]

    assert (queue.waiting, queue.came, queue.decided) == (3, 1, 3)
    assert queue.empty_in_s == 90  # two fewer in a minute
    clock.advance(minutes=2)
    later = overview(database).queues[1]
    assert (later.came, later.decided, later.empty_in_s) == (0, 0, None)


def test_who_is_there_for_some_warehouses_sees_what_concerns_them(
    shop: Database, clock: TestClock
) -> None:
    ((home,),) = given.rows(shop, "SELECT warehouse FROM parcels")
    other = {"BER": "LIS", "LIS": "BER"}[home]
    given.apply(shop, park, dead(order_id="ord_1"))
    clock.advance(days=5)

    def seen_from(warehouse: str) -> tuple[dict[str, int], int, int]:
        found = overview(shop, frozenset({warehouse}))
        states: dict[str, int] = {one.state: one.orders for one in found.states if one.orders}
        return states, found.risk.late, sum(letter.letters for letter in found.letters)

    # What has no parcel yet is everybody's.
    assert seen_from(home) == ({"waiting": 1, "placed": 1}, 2, 1)
    assert seen_from(other) == ({"waiting": 1}, 1, 0)


def test_what_people_decide_is_counted_apart(shop: Database) -> None:
    shop.run(lambda tx: override_placement(tx, Override("ord_2", ADA), Rules()), given.cause())

    found = overview(shop)

    assert (found.decided_by_hand, sum(hour.decided for hour in found.hours)) == (1, 2)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "5 s"),
        (timedelta(minutes=3, seconds=5), "3 min"),
        (timedelta(hours=3, minutes=20), "3 h 20 min"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=2, hours=5, minutes=9), "2 d 5 h"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_how_long_ago_is_told_in_two_units(clock: TestClock, ago: timedelta, words: str) -> None:
    assert told(clock.now, clock.now - ago) == words


def test_letters_of_kinds_that_are_not_shown_are_counted_as_well(database: Database) -> None:
    for n in range(MOST_KINDS + 4):
        given.apply(database, park, dead(f"evt_{n}", code=f"code_{n}"))

    found = overview(database)

    assert len(found.letters) == MOST_KINDS
    assert [alarm.what for alarm in found.alarms] == ["14 messages refused or given up"]
