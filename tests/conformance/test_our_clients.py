"""What our own senders make of topics and queues that are not there, slow, or do not answer."""

import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import InvalidArgument, PermissionDenied, Unauthenticated
from google.cloud.tasks_v2 import CloudTasksClient
from google.pubsub_v1.services.publisher import PublisherClient

from shared.platform.config import Config
from shared.platform.outbox import (
    LEASE,
    LONGEST_CALL,
    Destinations,
    NoAnswer,
    NoSuchQueue,
    NoSuchTopic,
    NotAllowed,
    NotSent,
    Outgoing,
    Unfit,
)
from shared.platform.tasks import Queues
from shared.platform.topics import Topics
from tests.conformance.cloud import LOCATION, Cloud, connect, start, stop

WITHIN_S = LEASE.total_seconds()
LATE_S = 2.0  # what a busy machine may add


def message(kind: str, event_id: str = "evt_1", note: str = "") -> Outgoing:
    now, attributes = datetime.now(UTC), {"note": note} if note else {}
    return Outgoing("a lane", 1, kind, "somewhere", "", event_id, attributes, b"{}", now)


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


def test_a_message_that_a_topic_never_takes_is_told_from_those_beside_it(
    cloud: Cloud, config: Config
) -> None:
    # Goal: Pub/Sub refuses all that came with it, and who is behind it must not wait for ever.
    topic = cloud.topic()
    heard = cloud.subscribe(topic)
    too_long = message("topic", "evt_2", note="x" * 1_025)  # Pub/Sub takes 1,024 bytes of a value
    lane = [message("topic", "evt_1", note="fine"), too_long, message("topic", "evt_3")]

    with pytest.raises(Unfit) as refused:
        senders(config, cloud.addresses)["topic"].send(topic.rpartition("/")[2], "", lane, WITHIN_S)

    assert refused.value.taken == 1
    assert [one.message.attributes["note"] for one in cloud.pull(heard)] == ["fine"]


CALLS = {"topic": (PublisherClient, "publish"), "queue": (CloudTasksClient, "create_task")}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (PermissionDenied, NotAllowed),
        (Unauthenticated, NotAllowed),
        (InvalidArgument, Unfit),
    ],
)
def test_what_is_refused_for_good_is_told_from_what_passes(
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    refusal: type[Exception],
    told: type[NotSent],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise refusal("no")

    client, call = CALLS[kind]
    monkeypatch.setattr(client, call, refuse)
    ours = senders(config, {"pubsub": "127.0.0.1:9", "tasks": "127.0.0.1:9"})[kind]

    with pytest.raises(told):
        ours.send("any", "", [message(kind)], WITHIN_S)


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


def test_what_does_not_answer_is_given_up_long_before_the_lease_ends(
    hanging: Hanging, config: Config
) -> None:
    # Goal: Google's client would go on for ten minutes, and by then another has sent the lane.
    ours = senders(config, hanging.addresses)

    took_s = given_up_after_s(ours, topic=hanging.topic, queue=hanging.queue)

    assert max(took_s) < LONGEST_CALL.total_seconds() + LATE_S


def test_what_is_away_is_given_up_as_soon(config: Config) -> None:
    nowhere = "127.0.0.1:9"  # nobody listens to what is thrown away
    ours = senders(config, {"pubsub": nowhere, "tasks": nowhere})

    took_s = given_up_after_s(ours, topic="any", queue="any")

    assert max(took_s) < LONGEST_CALL.total_seconds() + LATE_S


def given_up_after_s(ours: Mapping[str, Destinations], **places: str) -> list[float]:
    """How long each kind goes on; all of them try at once."""

    def give_up(kind: str, place: str) -> float:
        began_s = time.monotonic()
        with pytest.raises(NoAnswer):
            ours[kind].send(place, "", [message(kind)], WITHIN_S)
        return time.monotonic() - began_s

    with ThreadPoolExecutor() as at_once:
        return list(at_once.map(give_up, places.keys(), places.values()))


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
