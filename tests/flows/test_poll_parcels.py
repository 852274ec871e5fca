"""Which parcels carriers are asked about: the silent ones, by their rule, and not all the time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from shared.contracts.work import POLLED_TOGETHER
from shared.flows import poll_parcels as polling
from shared.flows.poll_parcels import poll_carrier
from shared.flows.set_thresholds import SetThresholds, set_thresholds
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import Malformed
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.sql import text
from shared.tracking import parcel_polls
from shared.tracking.parcel_polls import GIVEN_UP_AFTER
from shared.tracking.standstill_rules import Thresholds
from tests.flows import polled, updates
from tests.support import given
from tests.support.clock import TestClock


def rule(database: Database, carrier: str, service: str, after: int, every: int) -> None:
    wanted = Thresholds(carrier, service, 48, 72, 120, 0, after, every)
    given.rated(database, "mute", "standard")
    given.apply(database, set_thresholds, SetThresholds(wanted, Person("somebody", "it is slower")))


def heard(database: Database, clock: TestClock, code: str, status: str = "in_transit") -> None:
    event = updates.received(database, updates.body(code, [(status, clock.now)]))
    given.apply(database, track_parcel, event)


def answered(database: Database, parcel_id: str, *, known: bool) -> None:
    database.run(lambda tx: tx.write(parcel_polls.answered(tx, {parcel_id: known})), given.cause())


def test_a_parcel_is_asked_for_when_nothing_was_heard_of_it_for_half_a_day(
    database: Database, clock: TestClock
) -> None:
    (parcel_id,) = polled.parcels(database, 1)
    clock.advance(hours=11, minutes=59)
    assert polled.poll(database) == 0
    clock.advance(minutes=1)

    assert polled.poll(database) == 1

    (work,) = polled.work(database)
    assert (work.carrier, work.parcel_ids, work.asked_at) == ("correios", (parcel_id,), clock.now)


def test_nobody_asks_again_before_the_pause_is_over(database: Database, clock: TestClock) -> None:
    polled.parcels(database, 1)
    clock.advance(hours=12)
    chosen = []
    for _ in range(26):
        chosen.append(polled.poll(database))
        clock.advance(hours=1)

    assert [hour for hour, count in enumerate(chosen) if count] == [0, 12, 24]
    assert given.rows(database, "SELECT times FROM parcel_polls") == [(3,)]


def test_two_that_choose_at_once_ask_once(database: Database, clock: TestClock) -> None:
    # Cloud Scheduler may call twice, and a person may run a job that runs already.
    polled.parcels(database, 20)
    clock.advance(hours=12)
    barrier = Barrier(4)

    def attempt(_: int) -> int:
        barrier.wait()
        return polled.poll(database)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [0, 0, 0, 20]

    assert given.rows(database, "SELECT DISTINCT times FROM parcel_polls") == [(1,)]


def test_every_sign_of_life_puts_the_question_off(database: Database, clock: TestClock) -> None:
    (code,) = polled.parcels(database, 1).values()
    for _ in range(4):
        clock.advance(hours=11)
        heard(database, clock, code)
        assert polled.poll(database) == 0

    clock.advance(hours=12)
    assert polled.poll(database) == 1


@pytest.mark.parametrize("status", ["delivered", "return_to_sender"])
def test_nobody_asks_for_a_parcel_that_is_at_its_end(
    database: Database, clock: TestClock, status: str
) -> None:
    (code,) = polled.parcels(database, 1).values()
    heard(database, clock, code, status)
    clock.advance(days=9)

    assert polled.poll(database) == 0


def test_a_parcel_that_is_to_leave_later_is_silent_from_that_day_on(
    database: Database, clock: TestClock
) -> None:
    polled.parcels(database, 1)
    database.statement(
        text("UPDATE parcels SET ship_on = :day"), day=clock.now.date() + timedelta(3)
    )
    clock.advance(days=2)
    assert polled.poll(database) == 0

    clock.advance(days=2)
    assert polled.poll(database) == 1


def test_carriers_that_never_send_anything_are_asked_more_often_by_a_rule(
    database: Database, clock: TestClock
) -> None:
    polled.parcels(database, 2)
    database.statement(
        text("UPDATE parcels SET carrier = 'mute' WHERE parcel_id IN"
             " (SELECT min(parcel_id) FROM parcels)")
    )  # fmt: skip
    rule(database, "mute", "*", 2, 2)
    chosen = []
    for _ in range(6):
        clock.advance(hours=1)
        chosen.append(polled.poll(database))

    assert chosen == [0, 1, 0, 1, 0, 1]
    assert {work.carrier for work in polled.work(database)} == {"mute"}


def test_a_question_holds_so_many_parcels_of_one_carrier(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: however many are silent, each is asked for once, in few questions and several steps.
    monkeypatch.setattr(polling, "POLLED_TOGETHER", 2)
    monkeypatch.setattr(polling, "CHOSEN_AT_ONCE", 5)
    ids = list(polled.parcels(database, 8))
    database.statement(
        text("UPDATE parcels SET carrier = 'jadlog' WHERE parcel_id = :id"), id=ids[0]
    )
    clock.advance(hours=12)

    assert polled.poll(database) == 8

    found = polled.work(database)
    assert max(len(work.parcel_ids) for work in found) == 2
    asked = [(work.carrier, parcel_id) for work in found for parcel_id in work.parcel_ids]
    assert sorted(asked) == sorted(
        [("jadlog", ids[0]), *(("correios", parcel_id) for parcel_id in ids[1:])]
    )
    assert POLLED_TOGETHER == 50


def test_a_parcel_that_its_carrier_does_not_know_is_asked_for_ever_more_rarely(
    database: Database, clock: TestClock
) -> None:
    (parcel_id,) = polled.parcels(database, 1)
    clock.advance(hours=12)
    pauses: list[int] = []
    hours = 0
    while len(pauses) < 4:
        if polled.poll(database):
            answered(database, parcel_id, known=False)
            pauses.append(hours)
            hours = 0
        clock.advance(hours=12)
        hours += 12

    assert pauses == [0, 24, 48, 96]
    assert given.rows(database, "SELECT unknown_times FROM parcel_polls") == [(4,)]


def test_it_is_given_up_after_two_weeks_until_its_carrier_tells_of_it(
    database: Database, clock: TestClock
) -> None:
    ((parcel_id, code),) = polled.parcels(database, 1).items()
    clock.advance(hours=12)
    assert polled.poll(database) == 1
    answered(database, parcel_id, known=False)
    clock.advance(hours=GIVEN_UP_AFTER / timedelta(hours=1))
    assert polled.poll(database) == 1
    answered(database, parcel_id, known=False)
    assert given.rows(database, "SELECT given_up_at FROM parcel_polls") == [(clock.now,)]
    clock.advance(days=60)
    assert polled.poll(database) == 0

    heard(database, clock, code)
    clock.advance(hours=12)

    assert polled.poll(database) == 1


def test_one_that_is_known_again_is_asked_for_as_usual(
    database: Database, clock: TestClock
) -> None:
    (parcel_id,) = polled.parcels(database, 1)
    clock.advance(hours=12)
    polled.poll(database)
    answered(database, parcel_id, known=False)
    answered(database, parcel_id, known=True)
    clock.advance(hours=12)

    assert polled.poll(database) == 1
    assert given.rows(
        database, "SELECT unknown_times, unknown_since, given_up_at FROM parcel_polls"
    ) == [(0, None, None)]


def test_a_person_may_have_everything_asked_for_at_once(
    database: Database, clock: TestClock
) -> None:
    ids = sorted(polled.parcels(database, 3))

    def asked(carrier: str) -> int:
        return database.run(lambda tx: poll_carrier(tx, carrier), given.cause())

    given.rated(database, "jadlog", "standard")

    answers = [asked("correios"), asked("jadlog")]

    assert answers == [3, 0]
    with pytest.raises(Malformed, match="'corrieos' has no rate card; correios, jadlog"):
        asked("corrieos")
    (work,) = polled.work(database)
    assert sorted(work.parcel_ids) == ids
    clock.advance(hours=11)
    assert polled.poll(database) == 0


@pytest.mark.parametrize(("after", "every", "field"), [(0, 1, "after"), (1, 0, "every")])
def test_hours_that_make_no_sense_are_refused(
    database: Database, after: int, every: int, field: str
) -> None:
    with pytest.raises(Malformed, match=f"poll_{field}_hours: must be 1 to"):
        rule(database, "*", "*", after, every)
