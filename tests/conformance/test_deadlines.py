"""Endpoints that hang. Each deadline has a documented minimum, so these tests wait for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.recorder import Recorder, Seen

ACK_DEADLINE_S = 10
DISPATCH_DEADLINE_S = 15


@dataclass(frozen=True, slots=True)
class Hung:
    """The attempts that reached endpoints which never answered."""

    pushes: list[Seen]
    dispatches: list[Seen]


@pytest.fixture(scope="module")
def hung(cloud: Cloud, recorder: Recorder) -> Iterator[Hung]:
    push, dispatch = "/hung-push", "/hung-dispatch"
    recorder.hold(push)
    recorder.hold(dispatch)
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(push), ack_deadline_seconds=ACK_DEADLINE_S)
    cloud.publish(topic, {"data": b"x"})
    deadline = timedelta(seconds=DISPATCH_DEADLINE_S)
    cloud.task(cloud.queue(), recorder.url(dispatch), dispatch_deadline=deadline)
    timeout_s = DISPATCH_DEADLINE_S + 30
    yield Hung(
        dispatches=recorder.wait(dispatch, 2, timeout_s), pushes=recorder.wait(push, 2, timeout_s)
    )
    recorder.release(push)
    recorder.release(dispatch)


def test_the_acknowledgement_deadline_ends_a_push(hung: Hung) -> None:
    first, second = hung.pushes[:2]

    assert second.at_s - first.at_s == pytest.approx(ACK_DEADLINE_S, abs=0.5)


def test_the_dispatch_deadline_ends_an_attempt(hung: Hung) -> None:
    first, second = hung.dispatches[:2]

    assert second.at_s - first.at_s == pytest.approx(DISPATCH_DEADLINE_S + 0.1, abs=0.5)
    assert second.headers["X-CloudTasks-TaskPreviousResponse"] == "504"
    assert second.headers["X-CloudTasks-TaskExecutionCount"] == "0"
