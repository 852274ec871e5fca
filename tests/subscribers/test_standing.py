"""When a subscriber is left alone, and when it is disabled."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.kit.breaker import FIRST_PAUSE, LONGEST_PAUSE, OPENS_AFTER
from shared.subscribers.standing import DISABLED_AFTER, DISABLED_AFTER_FAILURES, Standing

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def failed(times: int, apart: timedelta = timedelta(minutes=10)) -> Standing:
    """So many failures in a row, the first at noon, each ten minutes after the one before it."""
    standing = Standing()
    for number in range(times):
        at = NOON + number * apart
        standing = standing.after_failure(at, at)
    return standing


def test_it_is_called_until_it_has_failed_in_a_row() -> None:
    last = NOON + timedelta(minutes=10) * (OPENS_AFTER - 1)

    assert not failed(OPENS_AFTER - 1).is_paused(last, under_way=7)
    assert failed(OPENS_AFTER).is_paused(last, under_way=0)


def test_after_the_pause_one_call_is_let_through_and_no_second_one_beside_it() -> None:
    standing = failed(OPENS_AFTER)
    later = NOON + timedelta(minutes=10) * (OPENS_AFTER - 1) + FIRST_PAUSE

    assert not standing.is_paused(later, under_way=0)
    assert standing.is_paused(later, under_way=1)


def test_calls_that_began_before_it_was_paused_do_not_lengthen_the_pause() -> None:
    # Goal: eight calls hang and end together. They are one outage and not four.
    standing = Standing()
    for number in range(8):
        standing = standing.after_failure(NOON + timedelta(seconds=10, milliseconds=number), NOON)

    assert standing.failures == OPENS_AFTER
    assert standing.failing_since == NOON


def test_it_is_hopeless_after_days_and_calls_enough_not_before() -> None:
    many = failed(DISABLED_AFTER_FAILURES)
    few = failed(DISABLED_AFTER_FAILURES - 1)

    assert not many.is_hopeless(NOON + DISABLED_AFTER - timedelta(seconds=1))
    assert many.is_hopeless(NOON + DISABLED_AFTER)
    assert not few.is_hopeless(NOON + DISABLED_AFTER)
    assert not Standing().is_hopeless(NOON + DISABLED_AFTER)


@given(st.lists(st.timedeltas(timedelta(0), timedelta(hours=2)), max_size=60))
def test_whatever_happened_it_is_called_again_within_the_longest_pause(
    waits: list[timedelta],
) -> None:
    # Goal: no history keeps a subscriber that is back from being found out.
    standing, now = Standing(), NOON
    for wait in waits:
        now += wait
        standing = standing.after_failure(now, now)

    assert not standing.is_paused(now + LONGEST_PAUSE, under_way=0)
    assert (standing.failures > 0) == (standing.failing_since is not None)
