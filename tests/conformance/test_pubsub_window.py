"""Slow start: the window of pushes begins small and grows with successes."""

from collections.abc import Iterator

import pytest

from emulators.google.pubsub.window import FIRST, LIMIT, Window
from tests.conformance.cloud import Cloud
from tests.conformance.pubsub_alone import alone
from tests.conformance.recorder import Recorder


@pytest.fixture
def slow() -> Iterator[Cloud]:
    with alone(slow_start=True) as cloud:
        yield cloud


def test_the_first_pushes_are_few_and_the_next_are_more(
    slow: Cloud, recorder: Recorder, path: str
) -> None:
    topic = slow.topic()
    slow.subscribe(topic, recorder.url(path))
    recorder.hold(path)
    slow.publish(topic, *[{"data": b"x"}] * 100)
    recorder.wait(path, FIRST)
    first = recorder.most_under_way(path)

    recorder.release(path)
    recorder.hold(path)
    recorder.wait(path, FIRST + 2 * FIRST)

    assert first == FIRST
    assert recorder.most_under_way(path) == 2 * FIRST
    recorder.release(path)


def test_successes_double_the_window_with_each_round_and_failures_halve_it() -> None:
    window = Window(slow_start=True)

    for _ in range(FIRST):
        window.grow()
    doubled = window.size
    window.shrink()

    assert (doubled, window.size) == (2 * FIRST, FIRST)
    for _ in range(1_000):
        window.grow()
    assert window.size == LIMIT
    for _ in range(10):
        window.shrink()
    assert window.size == 1


def test_without_slow_start_the_window_is_wide_whatever_happens() -> None:
    window = Window(slow_start=False)

    window.shrink()

    assert window.size == LIMIT
