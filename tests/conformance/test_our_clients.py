"""What our own senders make of topics and queues that are not there, slow, or do not answer."""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from shared.platform.config import Config
from shared.platform.outbox import (
    LEASE,
    LONGEST_CALL,
    Destinations,
    NoAnswer,
    NoSuchQueue,
    NoSuchTopic,
    NotSent,
    Outgoing,
)
from shared.platform.tasks import Queues
from shared.platform.topics import Topics
from tests.conformance.cloud import LOCATION, Cloud, connect, start, stop

WITHIN_S = LEASE.total_seconds()
LATE_S = 2.0  # what a busy machine may add


def message(kind: str, event_id: str = "evt_1") -> Outgoing:
    now = datetime.now(UTC)
    return Outgoing("a lane", 1, kind, "somewhere", "", event_id, {}, b"{}", now)


def senders(config: Config, addresses: dict[str, str]) -> dict[str, Destinations]:
    """Our own, of the conformance suite's project."""
    _, project, _, location = LOCATION.split("/")
    where = {"project": project, "location": location}
    where |= {f"{name}_address": addresses[name] for name in ("pubsub", "tasks")}
    told = config.model_copy(update=where)
    return {"topic": Topics(told), "queue": Queues(told)}


def test_what_is_not_there_is_told_from_what_fails(cloud: Cloud, config: Config) -> None:
    # Goal: what is given out to it is kept for a person, and not tried for ever.
    ours = senders(config, cloud.addresses)

    with pytest.raises(NoSuchQueue):
        ours["queue"].send("absent", "", [message("queue")], WITHIN_S)
    with pytest.raises(NoSuchTopic):
        ours["topic"].send("absent", "", [message("topic")], WITHIN_S)

    ours["queue"].send(cloud.queue().rpartition("/")[2], "", [message("queue")], WITHIN_S)
    ours["topic"].send(cloud.topic().rpartition("/")[2], "", [message("topic")], WITHIN_S)


@dataclass
class Hanging:
    """Stand-ins that take connections and answer nothing."""

    addresses: dict[str, str]
    topic: str
    queue: str


@pytest.fixture(scope="module")
def hanging() -> Iterator[Hanging]:
    process, addresses = start()
    there = connect(addresses)
    names = (there.topic().rpartition("/")[2], there.queue().rpartition("/")[2])
    process.send_signal(signal.SIGSTOP)
    try:
        yield Hanging(addresses, *names)
    finally:
        process.send_signal(signal.SIGCONT)
        stop(process)


@pytest.mark.parametrize("kind", ["topic", "queue"])
def test_what_does_not_answer_is_given_up_long_before_the_lease_ends(
    hanging: Hanging, config: Config, kind: str
) -> None:
    # Goal: Google's client would go on for ten minutes, and by then another has sent the lane.
    ours = senders(config, hanging.addresses)[kind]
    began_s = time.monotonic()

    with pytest.raises(NoAnswer):
        ours.send(getattr(hanging, kind), "", [message(kind)], WITHIN_S)

    assert time.monotonic() - began_s < LONGEST_CALL.total_seconds() + LATE_S


@pytest.mark.parametrize("kind", ["topic", "queue"])
def test_what_is_away_is_given_up_as_soon(config: Config, kind: str) -> None:
    nowhere = "127.0.0.1:9"  # nobody listens to what is thrown away
    ours = senders(config, {"pubsub": nowhere, "tasks": nowhere})[kind]
    began_s = time.monotonic()

    with pytest.raises(NoAnswer):
        ours.send("any", "", [message(kind)], WITHIN_S)

    assert time.monotonic() - began_s < LONGEST_CALL.total_seconds() + LATE_S


def test_what_is_slow_tells_how_much_it_took_and_is_left_with_the_rest(
    cloud: Cloud, config: Config
) -> None:
    ours = senders(config, cloud.addresses)
    queue = cloud.queue()
    cloud.tasks.pause_queue(request={"name": queue})
    work = [message("queue", f"evt_{number}") for number in range(3)]
    # It has time to begin the first, and no other.
    with pytest.raises(NotSent) as slow:
        ours["queue"].send(queue.rpartition("/")[2], "", work, LONGEST_CALL.total_seconds())

    assert slow.value.taken == 1
    assert [task.name for task in cloud.tasks.list_tasks(request={"parent": queue})] == [
        f"{queue}/tasks/evt_0"
    ]
