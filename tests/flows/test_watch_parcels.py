"""Parcels that stand still are told of: by the rule of their carrier and service, and once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.flows import watch_parcels as watching
from shared.flows.set_thresholds import SetThresholds, set_thresholds
from shared.flows.track_parcel import track_parcel
from shared.flows.watch_parcels import watch_parcels
from shared.ops.standing_still import Wanted, standing_still
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.sql import text
from shared.tracking.standstill_rules import USUAL, Thresholds
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

HOUR = timedelta(hours=1)
SHIP_DAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def code(database: Database) -> str:
    """The tracking code of a parcel that has its label."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    database.statement(text("UPDATE orders SET promised_at = '2027-01-01T00:00Z'"))
    given.silence(database)
    return code


def watch(database: Database) -> list[dict[str, Any]]:
    """Run the job; what it told."""
    given.silence(database)
    told = watch_parcels(lambda step: database.run(step, given.cause()))
    rows = given.rows(database, "SELECT destination, body FROM outbox ORDER BY outbox_id")
    assert {topic for topic, _ in rows} <= {"delivery-events"}
    assert len(rows) == told
    return [json.loads(body) for _, body in rows]


def kinds(database: Database) -> list[str]:
    return [told["kind"] for told in watch(database)]


def track(database: Database, code: str, status: str, at: datetime) -> None:
    event = updates.received(database, updates.body(code, [(status, at)]))
    given.apply(database, track_parcel, event)


def rule(database: Database, carrier: str, service: str, hours: int) -> None:
    wanted = Thresholds(carrier, service, hours, hours, hours, hours)
    given.apply(database, set_thresholds, SetThresholds(wanted, Person("somebody", "it is slower")))


def test_a_parcel_that_its_carrier_never_sees_is_told_of_once_its_hours_have_passed(
    database: Database, clock: TestClock, code: str
) -> None:
    clock.advance(hours=48)
    assert kinds(database) == []
    clock.advance(seconds=1)

    (told,) = watch(database)

    ((parcel_id, planned_at),) = given.rows(database, "SELECT parcel_id, planned_at FROM parcels")
    assert told["parcel_id"] == parcel_id
    assert (told["order_id"], told["kind"]) == ("ord_1", "not_handed_over")
    assert (told["status"], told["promised_at"]) == ("pending", "2027-01-01T00:00:00Z")
    assert datetime.fromisoformat(told["since"]) == planned_at
    assert kinds(database) == []


def test_the_hours_of_a_parcel_begin_on_the_day_on_which_it_is_to_leave(
    database: Database, clock: TestClock, code: str
) -> None:
    database.statement(text("UPDATE parcels SET ship_on = '2026-03-06'"))
    clock.now = datetime(2026, 3, 8, tzinfo=UTC)
    assert kinds(database) == []

    clock.advance(seconds=1)
    assert kinds(database) == ["not_handed_over"]


def test_silence_on_the_way_is_told_of_anew_after_each_sign_of_life(
    database: Database, clock: TestClock, code: str
) -> None:
    track(database, code, "in_transit", clock.now)
    clock.advance(hours=73)
    assert kinds(database) == ["silent"]
    assert kinds(database) == []

    track(database, code, "in_transit", clock.now)
    assert kinds(database) == []
    clock.advance(hours=73)

    assert kinds(database) == ["silent"]


def test_a_parcel_at_a_counter_is_not_silent_but_may_not_be_collected(
    database: Database, clock: TestClock, code: str
) -> None:
    track(database, code, "available_for_pickup", clock.now)
    clock.advance(hours=119)
    assert kinds(database) == []
    clock.advance(hours=2)

    assert kinds(database) == ["not_collected"]


def test_a_parcel_that_misses_its_promise_is_overdue_whatever_is_reported(
    database: Database, clock: TestClock, code: str
) -> None:
    promise = clock.now + 5 * HOUR
    database.statement(text("UPDATE orders SET promised_at = :at"), at=promise)
    database.statement(text("UPDATE parcels SET arrives_on = '2026-03-04'"))
    track(database, code, "out_for_delivery", clock.now)
    clock.advance(hours=5, seconds=1)

    (told,) = watch(database)

    assert (told["kind"], told["expected_on"]) == ("overdue", "2026-03-04")
    assert datetime.fromisoformat(told["since"]) == promise


def plan(database: Database, *, ship_on: str, arrives_on: str, promised_at: str) -> None:
    days = {"ship_on": ship_on, "arrives_on": arrives_on}
    database.statement(
        text("UPDATE parcels SET ship_on = :ship_on, arrives_on = :arrives_on"), **days
    )
    database.statement(text("UPDATE orders SET promised_at = :at"), at=promised_at)


def test_a_parcel_that_leaves_too_late_for_its_promise_is_told_of_while_there_is_time(
    database: Database, clock: TestClock, code: str
) -> None:
    plan(database, ship_on="2026-03-02", arrives_on="2026-03-05", promised_at="2026-03-06T18:00Z")
    track(database, code, "in_transit", clock.now + timedelta(days=1))
    clock.advance(days=1, hours=1)
    assert kinds(database) == [], "a day late, and there was a day"

    database.statement(text("UPDATE parcels SET shipped_at = shipped_at + interval '1 day'"))
    clock.advance(days=1)
    (told,) = watch(database)

    assert (told["kind"], told["expected_on"]) == ("expected_late", "2026-03-07")
    assert kinds(database) == []


def test_a_parcel_that_has_not_left_is_expected_later_with_every_day(
    database: Database, clock: TestClock, code: str
) -> None:
    plan(database, ship_on="2026-03-02", arrives_on="2026-03-04", promised_at="2026-03-05T18:00Z")
    found = []
    for _ in range(3):
        found.append([(told["kind"], told["expected_on"]) for told in watch(database)])
        clock.advance(days=1)

    assert found == [[], [], [("expected_late", "2026-03-06")]]


@pytest.mark.parametrize("status", ["delivered", "return_to_sender"])
def test_a_parcel_that_is_at_its_end_stands_where_it_should(
    database: Database, clock: TestClock, code: str, status: str
) -> None:
    track(database, code, status, clock.now)
    clock.advance(days=400)

    assert kinds(database) == []


def test_a_parcel_may_stand_in_two_ways_and_the_longest_is_told_first(
    database: Database, clock: TestClock, code: str
) -> None:
    database.statement(text("UPDATE orders SET promised_at = :at"), at=clock.now + 2 * HOUR)
    track(database, code, "in_transit", clock.now)
    clock.advance(hours=100)

    assert kinds(database) == ["silent", "overdue"]


@pytest.mark.parametrize(
    ("rules", "is_told"),
    [
        ([("*", "*", 9)], True),
        ([("*", "*", 9), ("{carrier}", "*", 99)], False),
        ([("*", "*", 9), ("*", "{service}", 99)], False),
        ([("*", "{service}", 99), ("{carrier}", "*", 9)], True),
        ([("{carrier}", "*", 99), ("{carrier}", "{service}", 9)], True),
        ([("{carrier}", "{service}", 99), ("*", "*", 9)], False),
        ([("other", "*", 9), ("*", "*", 99)], False),
    ],
)
def test_the_most_special_rule_counts(
    database: Database,
    clock: TestClock,
    code: str,
    rules: list[tuple[str, str, int]],
    is_told: bool,
) -> None:
    ((carrier, service),) = given.rows(database, "SELECT carrier, service FROM parcels")
    given.rated(database, "other", "standard")
    for of_carrier, of_service, hours in rules:
        rule(
            database,
            of_carrier.format(carrier=carrier),
            of_service.format(service=service),
            hours,
        )
    clock.advance(hours=10)

    assert bool(kinds(database)) is is_told


def test_what_is_left_by_a_step_is_told_by_the_next(
    database: Database, clock: TestClock, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TOLD_AT_ONCE", 1)
    given.order(database, "ord_2", {"MUG": 1})
    given.place(database, "ord_2")
    doubles.labelled(database, "ord_2")
    clock.advance(days=9)

    assert len(watch(database)) >= 2
    assert watch(database) == []


def test_the_list_has_what_was_told_too_and_can_be_of_one_carrier(
    database: Database, clock: TestClock, code: str
) -> None:
    clock.advance(days=9)
    watch(database)
    ((carrier,),) = given.rows(database, "SELECT carrier FROM parcels")

    def found(carrier: str | None) -> list[str]:
        stuck = database.run(
            lambda tx: standing_still(
                tx, USUAL.stand_hours, limit=9, wanted=Wanted(carrier=carrier)
            ),
            given.cause(),
        )
        return [parcel.tracking_code for parcel in stuck]

    assert found(None) == found(carrier) == [code]
    assert found("nobody") == []
