"""The breaker that all instances share: counted once, one probe, whoever dies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.carriers import carrier_breakers
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import (
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierPaused,
    CarrierTooFast,
    CarrierUnavailable,
    NotTakenBack,
    RefusedByCarrier,
    VendorUnavailable,
)
from shared.kit.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    OPENS_AFTER,
    PROBE_LEASE,
    Breaker,
    pause,
)
from shared.kit.breaker import BreakerState as State
from shared.kit.errors import DispatchError
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty

DOWN = CarrierUnavailable("no answer")
REFUSED = RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD")


def admit(database: Database, carrier: str = "correios", vendor: str = "easypost") -> Admission:
    return database.run(lambda tx: carrier_breakers.admit(tx, carrier, vendor), given.cause())


def learn(database: Database, admission: Admission, error: DispatchError | None) -> None:
    database.run(
        lambda tx: tx.write(carrier_breakers.learn(tx, admission, error)),
        given.cause(),
    )


def fail(database: Database, times: int = OPENS_AFTER) -> None:
    for _ in range(times):
        learn(database, admit(database), DOWN)


def state(database: Database, carrier: str = "correios") -> State:
    found = given.rows(
        database,
        "SELECT failures, failed_at, quiet_until, since, probe_until FROM carrier_breakers"
        f" WHERE carrier = '{carrier}'",
    )
    breaker = Breaker(*found[0]) if found else Breaker()
    paused = database.run(lambda tx: carrier_breakers.paused(tx, [carrier]), given.cause())
    assert bool(paused) == (breaker.state(database.now()) is not State.CLOSED)
    return breaker.state(database.now())


def test_a_carrier_that_works_is_called_and_nothing_is_written(database: Database) -> None:
    learn(database, admit(database), None)

    assert given.rows(database, "SELECT count(*) FROM carrier_breakers") == [(0,)]


@pytest.mark.parametrize("error", [DOWN, BrokenAnswer("no sense")])
def test_enough_calls_without_an_answer_in_a_row_open_it_for_everybody(
    database: Database, error: DispatchError
) -> None:
    for _ in range(OPENS_AFTER - 1):
        learn(database, admit(database), error)
    last = admit(database)
    learn(database, last, error)

    with pytest.raises(CarrierPaused):
        admit(database)
    assert state(database) is State.OPEN
    assert admit(database, "jadlog") == Admission("jadlog", "easypost")
    assert given.rows(database, "SELECT since FROM carrier_breakers") == [(database.now(),)]


@pytest.mark.parametrize(
    "error",
    [
        None,
        REFUSED,
        CarrierAccountRefused("who are you"),
        NotTakenBack("not now"),
        CarrierTooFast("slowly"),
    ],
)
def test_any_answer_shows_that_the_carrier_works(
    database: Database, error: DispatchError | None
) -> None:
    fail(database, OPENS_AFTER - 1)
    learn(database, admit(database), error)
    fail(database, OPENS_AFTER - 1)

    assert state(database) is State.CLOSED


def test_after_the_pause_one_may_try_and_its_answer_closes_it(
    database: Database, clock: TestClock
) -> None:
    fail(database)
    clock.now += FIRST_PAUSE
    probe = admit(database)

    with pytest.raises(CarrierPaused):
        admit(database)
    assert state(database) is State.HALF_OPEN
    learn(database, probe, REFUSED)

    assert probe.probe_id is not None
    assert admit(database) == Admission("correios", "easypost")
    assert given.rows(database, "SELECT failures, since FROM carrier_breakers") == [
        (0, database.now())
    ]


def test_a_probe_that_fails_doubles_the_pause_up_to_the_limit(
    database: Database, clock: TestClock
) -> None:
    fail(database)
    for probes in range(6):
        clock.now += pause(OPENS_AFTER + probes) - timedelta(microseconds=1)
        with pytest.raises(CarrierPaused):
            admit(database)
        clock.advance(microseconds=1)
        learn(database, admit(database), DOWN)

    assert pause(OPENS_AFTER + 6) == LONGEST_PAUSE


def test_a_probe_whose_process_died_is_given_up_with_its_lease(
    database: Database, clock: TestClock
) -> None:
    fail(database)
    clock.now += FIRST_PAUSE
    dead = admit(database)
    clock.now += PROBE_LEASE - timedelta(microseconds=1)
    with pytest.raises(CarrierPaused):
        admit(database)
    clock.advance(microseconds=1)

    alive = admit(database)
    learn(database, dead, None)  # it was only slow, and has nothing to say any more

    assert state(database) is State.HALF_OPEN
    learn(database, alive, None)
    assert state(database) is State.CLOSED


def test_what_was_under_way_when_it_opened_neither_closes_it_nor_lengthens_the_pause(
    database: Database, clock: TestClock
) -> None:
    slow = [admit(database) for _ in range(3)]
    fail(database)
    clock.advance(seconds=10)

    for admission, error in zip(slow, (DOWN, None, REFUSED), strict=True):
        learn(database, admission, error)

    assert given.rows(database, "SELECT failures, failed_at FROM carrier_breakers") == [
        (OPENS_AFTER, database.now() - timedelta(seconds=10))
    ]


def test_a_vendor_that_asks_to_wait_is_left_alone_as_long(
    database: Database, clock: TestClock
) -> None:
    for _ in range(OPENS_AFTER):
        learn(database, admit(database), CarrierUnavailable("slowly", retry_after_s=120))
    clock.advance(seconds=119)
    with pytest.raises(CarrierPaused):
        admit(database)
    clock.advance(seconds=1)

    assert admit(database).probe_id is not None


def test_whoever_answers_and_wants_fewer_calls_gets_none_for_so_long_and_is_not_paused(
    database: Database, clock: TestClock
) -> None:
    first, second = admit(database), admit(database)
    learn(database, first, CarrierTooFast("slowly", retry_after_s=60))
    learn(database, second, None)  # was under way, and says nothing about the pause
    clock.advance(seconds=59, microseconds=1)

    with pytest.raises(CarrierTooFast) as caught:
        admit(database)

    assert caught.value.retry_after_s == 1
    assert state(database) is State.CLOSED
    assert admit(database, "jadlog") == Admission("jadlog", "easypost")
    clock.advance(seconds=1)
    assert admit(database) == Admission("correios", "easypost")


def test_who_wants_fewer_calls_says_nothing_of_another_vendor_of_the_same_carrier(
    database: Database, clock: TestClock
) -> None:
    # Goal: what one vendor has sold is given back and asked about while the other is too busy.
    learn(database, admit(database), CarrierTooFast("slowly", retry_after_s=60))

    other = admit(database, vendor="shippo")
    learn(database, other, CarrierTooFast("slowly too", retry_after_s=20))

    for vendor, quiet_s in (("easypost", 60), ("shippo", 20)):
        with pytest.raises(CarrierTooFast, match=f"{vendor} wants no calls about correios") as why:
            admit(database, vendor=vendor)
        assert why.value.retry_after_s == quiet_s
    clock.advance(seconds=20)
    assert admit(database, vendor="shippo") == Admission("correios", "shippo")
    with pytest.raises(CarrierTooFast):
        admit(database)


def test_whoever_wants_no_calls_gets_no_probe_and_the_other_vendor_does(
    database: Database, clock: TestClock
) -> None:
    learn(database, admit(database), CarrierTooFast("slowly", retry_after_s=120))
    for _ in range(OPENS_AFTER):
        learn(database, admit(database, vendor="shippo"), DOWN)
    clock.now += FIRST_PAUSE

    with pytest.raises(CarrierPaused):
        admit(database)

    assert admit(database, vendor="shippo").probe_id is not None


def test_nobody_is_left_alone_for_a_day_because_they_say_so(
    database: Database, clock: TestClock
) -> None:
    learn(database, admit(database), CarrierTooFast("slowly", retry_after_s=86_400))
    clock.now += LONGEST_PAUSE

    assert admit(database) == Admission("correios", "easypost")


def test_a_probe_that_comes_too_fast_was_answered(database: Database, clock: TestClock) -> None:
    fail(database)
    clock.now += FIRST_PAUSE
    learn(database, admit(database), CarrierTooFast("slowly", retry_after_s=5))

    assert state(database) is State.CLOSED
    with pytest.raises(CarrierTooFast):
        admit(database)


def test_a_breaker_knows_whether_the_vendor_failed_or_the_carrier_itself(
    database: Database, clock: TestClock
) -> None:
    fail(database, OPENS_AFTER - 1)
    learn(database, admit(database), VendorUnavailable("no answer"))
    with pytest.raises(CarrierPaused) as paused:
        admit(database)
    assert paused.value.vendor == "easypost"

    clock.now += FIRST_PAUSE
    learn(database, admit(database), DOWN)
    with pytest.raises(CarrierPaused) as paused:
        admit(database)
    assert paused.value.vendor is None


def test_a_lease_that_is_rolled_back_is_nobodys(database: Database, clock: TestClock) -> None:
    fail(database)
    clock.now += FIRST_PAUSE

    def admitted_in_vain(tx: object) -> None:
        carrier_breakers.admit(tx, "correios", "easypost")  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run(admitted_in_vain, given.cause())

    assert admit(database).probe_id is not None


def test_of_many_at_once_one_probes(database: Database, clock: TestClock) -> None:
    for round_number in range(10):
        fail(database, OPENS_AFTER if round_number == 0 else 0)
        clock.now += LONGEST_PAUSE
        start = Barrier(6)

        def attempt(_number: int, start: Barrier = start) -> Admission | None:
            start.wait(timeout=10)
            try:
                return admit(database)
            except CarrierPaused:
                return None

        with ThreadPoolExecutor(max_workers=6) as pool:
            admitted = [a for a in pool.map(attempt, range(6)) if a is not None]

        assert len(admitted) == 1
        learn(database, admitted[0], DOWN)


def test_of_failures_at_once_each_is_counted(database: Database) -> None:
    admissions = [admit(database) for _ in range(OPENS_AFTER - 1)]
    start = Barrier(len(admissions))

    def report(admission: Admission) -> None:
        start.wait(timeout=10)
        learn(database, admission, DOWN)

    with ThreadPoolExecutor(max_workers=len(admissions)) as pool:
        list(pool.map(report, admissions))

    assert given.rows(database, "SELECT failures FROM carrier_breakers") == [(OPENS_AFTER - 1,)]


class Breakers(RuleBasedStateMachine):
    """The table against a few lines of what it should be, whoever calls, answers or dies."""

    database: Database
    clock: TestClock

    @initialize()
    def begin(self) -> None:
        empty(self.database)
        self.failures = 0
        self.closed_for_all_until: datetime | None = None
        self.probe: tuple[Admission, datetime] | None = None
        self.under_way: list[Admission] = []

    @rule()
    def call(self) -> None:
        now = self.clock.now
        is_leased = self.probe is not None and now < self.probe[1]
        try:
            admission = admit(self.database)
        except CarrierPaused:
            assert self.failures >= OPENS_AFTER
            assert self.closed_for_all_until is not None
            assert now < self.closed_for_all_until or is_leased
            return
        self.under_way.append(admission)
        if self.failures >= OPENS_AFTER:
            assert self.closed_for_all_until is not None
            assert now >= self.closed_for_all_until
            assert not is_leased
            assert admission.probe_id is not None
            self.probe = (admission, now + PROBE_LEASE)
        else:
            assert admission.probe_id is None

    @rule(answered=st.booleans(), pick=st.randoms(use_true_random=False))
    def end(self, *, answered: bool, pick: object) -> None:
        if not self.under_way:
            return
        place = pick.randrange(len(self.under_way))  # type: ignore[attr-defined]
        admission = self.under_way.pop(place)
        learn(self.database, admission, None if answered else DOWN)
        is_probe = self.probe is not None and self.probe[0] == admission
        if self.failures >= OPENS_AFTER and not is_probe:
            return
        self.probe = None
        self.failures = 0 if answered else self.failures + 1
        if self.failures >= OPENS_AFTER:
            self.closed_for_all_until = self.clock.now + pause(self.failures)

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @invariant()
    def is_as_open_as_it_should_be(self) -> None:
        if hasattr(self, "failures"):
            is_closed = state(self.database) is State.CLOSED
            assert is_closed == (self.failures < OPENS_AFTER)


def test_the_table_is_as_the_model_says(database: Database, clock: TestClock) -> None:
    Breakers.database, Breakers.clock = database, clock

    run_state_machine_as_test(
        Breakers,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
