"""The rule of a breaker: closed until it has failed in a row, tried again ever more rarely."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.breaker import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    OPENS_AFTER,
    PROBE_LEASE,
    Breaker,
    BreakerState,
    pause,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVER = timedelta(days=365)

spans = st.timedeltas(timedelta(0), timedelta(hours=2))
breakers = st.builds(
    lambda failures, quiet, probe: Breaker(
        failures=failures,
        failed_at=NOON,
        quiet_until=None if quiet is None else NOON + quiet,
        probe_until=None if probe is None or failures < OPENS_AFTER else NOON + probe,
    ),
    st.integers(0, 100_000),
    st.none() | spans,
    st.none() | spans,
)


def test_who_never_failed_is_closed_for_ever() -> None:
    assert Breaker().state(NOON) is BreakerState.CLOSED
    assert Breaker().next_probe_at is None


@given(breakers, spans)
def test_it_is_closed_until_enough_have_failed_in_a_row(breaker: Breaker, later: timedelta) -> None:
    is_closed = breaker.state(NOON + later) is BreakerState.CLOSED

    assert is_closed == (breaker.failures < OPENS_AFTER)
    assert is_closed == (breaker.next_probe_at is None)


@given(breakers, spans)
def test_nobody_is_let_through_while_it_is_open_or_somebody_else_probes(
    breaker: Breaker, later: timedelta
) -> None:
    now = NOON + later

    if breaker.may_probe(now):
        assert breaker.state(now) is BreakerState.HALF_OPEN
        assert breaker.probe_until is None or breaker.probe_until <= now
        assert now >= NOON + FIRST_PAUSE


@given(breakers)
def test_every_breaker_is_tried_again_and_stays_to_be_tried(breaker: Breaker) -> None:
    # Goal: no carrier is left alone for ever, whatever it asked for and whoever died.
    if breaker.next_probe_at is not None:
        probe_until = breaker.probe_until or NOON

        assert breaker.next_probe_at <= max(NOON + LONGEST_PAUSE, probe_until)
        assert breaker.may_probe(breaker.next_probe_at)
        assert breaker.may_probe(breaker.next_probe_at + EVER)
        assert not breaker.may_probe(breaker.next_probe_at - timedelta(microseconds=1))


@given(st.integers(0, 100_000))
def test_a_pause_never_gets_shorter_and_has_an_end(failures: int) -> None:
    assert FIRST_PAUSE <= pause(failures) <= pause(failures + 1) <= LONGEST_PAUSE


@pytest.mark.parametrize(
    ("probes", "seconds"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 300), (5, 300)]
)
def test_each_probe_that_fails_doubles_the_pause(probes: int, seconds: int) -> None:
    assert pause(OPENS_AFTER + probes) == timedelta(seconds=seconds)


def test_a_vendor_that_asks_for_time_gets_it_within_reason() -> None:
    def probed(quiet: timedelta) -> timedelta:
        found = Breaker(OPENS_AFTER, NOON, NOON + quiet).next_probe_at
        assert found is not None
        return found - NOON

    assert probed(timedelta(seconds=1)) == FIRST_PAUSE
    assert probed(timedelta(seconds=90)) == timedelta(seconds=90)
    assert probed(timedelta(days=9)) == LONGEST_PAUSE


def test_a_lease_outlives_whoever_may_still_call() -> None:
    assert timedelta(seconds=60) < PROBE_LEASE  # timeout_s of functions/label_purchase
