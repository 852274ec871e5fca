"""StreamingPull: through the client that subscribers use, and request by request."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import SubscriberClient
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.types import FlowControl
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import Cloud, eventually
from tests.conformance.patience import at_most
from tests.conformance.recorder import Recorder

ACK_DEADLINE_S = 10


@pytest.fixture(autouse=True)
def found_by_itself(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", cloud.addresses["pubsub"])


@contextmanager
def _subscribed(
    subscription: str, callback: Callable[[Any], None], **flow_control: Any
) -> Iterator[Any]:
    """The high-level client, calling back from its threads until the block ends."""
    with SubscriberClient() as client:
        future = client.subscribe(
            subscription, callback=callback, flow_control=FlowControl(**flow_control)
        )
        try:
            yield future
        finally:
            future.cancel()
            if not future.done():
                future.result(timeout=30)


class Conversation:
    """One stream, request by request."""

    def __init__(self, cloud: Cloud, **first: Any) -> None:
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.say(stream_ack_deadline_seconds=ACK_DEADLINE_S, **first)
        requests = iter(self._requests.get, None)
        self._stream = cloud.subscriber.streaming_pull(requests=requests, timeout=at_most(30))

    def say(self, **request: Any) -> None:
        self._requests.put(request)

    def hear(self, count: int) -> list[Any]:
        """The next messages, at least `count` of them."""
        heard: list[Any] = []
        while len(heard) < count:
            heard += next(self._stream).received_messages
        return heard

    def end(self) -> None:
        self._requests.put(None)
        self._stream.cancel()


@contextmanager
def _conversation(cloud: Cloud, **first: Any) -> Iterator[Conversation]:
    conversation = Conversation(cloud, **first)
    try:
        yield conversation
    finally:
        conversation.end()


def _left(cloud: Cloud, subscription: str) -> list[bytes]:
    request = {"subscription": subscription, "max_messages": 100, "return_immediately": True}
    with pytest.warns(DeprecationWarning, match="return_immediately"):
        response = cloud.subscriber.pull(request=request)
    return [each.message.data for each in response.received_messages]


def test_a_subscriber_gets_and_settles_what_is_published(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    done: list[Any] = []

    def callback(message: Any) -> None:
        done.append(message.message_id)
        message.ack()

    with _subscribed(name, callback):
        ids = cloud.publish(topic, *[{"data": b"x"}] * 300)
        eventually(lambda: len(done) == 300)

    assert Counter(done) == Counter(ids)
    assert _left(cloud, name) == []


def test_a_refused_message_comes_again(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    attempts: list[bytes] = []
    settled = threading.Event()

    def callback(message: Any) -> None:
        attempts.append(message.data)
        if len(attempts) < 3:
            message.nack()
        else:
            message.ack()
            settled.set()

    with _subscribed(name, callback):
        cloud.publish(topic, {"data": b"x"})
        assert settled.wait(30)

    assert attempts == [b"x"] * 3


def test_a_key_stays_in_order_through_refusals(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_message_ordering=True)
    seen: list[int] = []

    def callback(message: Any) -> None:
        number = int(message.data)
        seen.append(number)
        if number == 3 and seen.count(3) == 1:
            message.nack()
        else:
            message.ack()

    with _subscribed(name, callback):
        batch = [{"data": str(number).encode(), "ordering_key": "k"} for number in range(8)]
        cloud.publish(topic, *batch)
        eventually(lambda: seen.count(3) == 2 and seen[-1] == 7)

    again = len(seen) - 1 - seen[::-1].index(3)
    assert list(dict.fromkeys(seen)) == list(range(8))
    assert seen[again:] == [3, 4, 5, 6, 7]


def test_subscribers_share_a_subscription(cloud: Cloud) -> None:
    # Goal: each message reaches one of them, and nobody twice.
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    seen: dict[str, list[str]] = {"first": [], "second": []}
    ids: list[str] = []

    def callback(who: str) -> Callable[[Any], None]:
        def note(message: Any) -> None:
            seen[who].append(message.message_id)
            message.ack()

        return note

    def both_listen() -> bool:
        ids.extend(cloud.publish(topic, {"data": b"?"}))
        return all(seen.values())

    with _subscribed(name, callback("first")), _subscribed(name, callback("second")):
        eventually(both_listen)
        ids += cloud.publish(topic, *[{"data": b"x"}] * 100)
        eventually(lambda: len(seen["first"] + seen["second"]) >= len(ids))

    assert Counter(seen["first"] + seen["second"]) == Counter(ids)


def test_a_subscriber_that_hangs_does_not_hold_up_another(cloud: Cloud) -> None:
    # Goal: flow control bounds what one that never answers can keep from the others.
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    with (
        _conversation(cloud, subscription=name, max_outstanding_messages=3) as hanging,
        _conversation(cloud, subscription=name) as other,
    ):
        cloud.publish(topic, *[{"data": b"x"}] * 50)

        held = hanging.hear(3)
        rest = other.hear(47)

    assert (len(held), len(rest)) == (3, 47)


def test_flow_control_by_messages_lets_one_out_for_each_that_comes_back(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, *[{"data": str(n).encode()} for n in range(5)])
    with _conversation(cloud, subscription=name, max_outstanding_messages=2) as stream:
        first = stream.hear(2)
        waiting = cloud.subscriber.pull(
            request={"subscription": name, "max_messages": 2}, timeout=at_most(30)
        ).received_messages
        stream.say(ack_ids=[first[0].ack_id])
        third = stream.hear(1)

    assert (len(first), len(waiting), len(third)) == (2, 2, 1)


def test_flow_control_by_bytes_stops_at_the_limit(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, *[{"data": b"x" * 1_000}] * 5)
    with _conversation(cloud, subscription=name, max_outstanding_bytes=2_500) as stream:
        held = stream.hear(3)

        assert len(held) == 3
        assert len(_left(cloud, name)) == 2


def test_a_seek_makes_room_in_a_stream_that_was_full(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})
    with _conversation(cloud, subscription=name, max_outstanding_messages=1) as stream:
        stream.hear(1)
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        cloud.subscriber.seek(request={"subscription": name, "time": long_ago})

        assert [each.message.data for each in stream.hear(1)] == [b"x"]


def test_a_stream_settles_and_gives_back_by_itself(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"done"}, {"data": b"again"})
    with _conversation(cloud, subscription=name) as stream:
        done, again = stream.hear(2)
        stream.say(
            ack_ids=[done.ack_id],
            modify_deadline_ack_ids=[again.ack_id],
            modify_deadline_seconds=[0],
        )

        assert [each.message.data for each in stream.hear(1)] == [b"again"]


def test_the_client_extends_the_lease_of_what_it_still_works_on(cloud: Cloud) -> None:
    # Goal: ModifyAckDeadline keeps a slow message from coming twice. The shortest deadline is
    # ten seconds, so this test takes longer than that.
    topic = cloud.topic()
    name = cloud.subscribe(topic, ack_deadline_seconds=ACK_DEADLINE_S)
    release, twice = threading.Event(), threading.Event()
    seen: list[str] = []

    def callback(message: Any) -> None:
        seen.append(message.message_id)
        if len(seen) > 1:
            twice.set()
        release.wait(30)
        message.ack()

    with _subscribed(name, callback):
        cloud.publish(topic, {"data": b"slow"})
        assert not twice.wait(ACK_DEADLINE_S + 1.5)
        release.set()

    assert len(seen) == 1
    assert _left(cloud, name) == []


def test_large_messages_arrive_in_answers_that_fit(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    for _ in range(8):
        cloud.publish(topic, {"data": b"x" * 1_500_000})
    with _conversation(cloud, subscription=name) as stream:
        assert len(stream.hear(8)) == 8


def test_exactly_once_tells_whether_an_acknowledgement_counted(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_exactly_once_delivery=True)
    outcomes: queue.Queue[Any] = queue.Queue()

    def callback(message: Any) -> None:
        outcomes.put(message.ack_with_response())

    with _subscribed(name, callback):
        cloud.publish(topic, {"data": b"x"})
        outcome = outcomes.get(timeout=30).result(timeout=30)

    assert outcome == AcknowledgeStatus.SUCCESS
    assert _left(cloud, name) == []


def test_exactly_once_refuses_what_ran_out(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_exactly_once_delivery=True)
    outcomes: queue.Queue[Any] = queue.Queue()

    def callback(message: Any) -> None:
        if outcomes.empty():
            cloud.extend(name, message.ack_id, 0)
            outcomes.put(message.ack_with_response())
        else:
            message.ack()

    with _subscribed(name, callback):
        cloud.publish(topic, {"data": b"x"})
        outcome = outcomes.get(timeout=30)
        with pytest.raises(AcknowledgeError) as refused:
            outcome.result(timeout=30)

    assert refused.value.error_code == AcknowledgeStatus.INVALID_ACK_ID


def test_exactly_once_and_push_exclude_each_other(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(topic, recorder.url(path), enable_exactly_once_delivery=True)

    name = cloud.subscribe(topic, enable_exactly_once_delivery=True)
    push = {"push_endpoint": recorder.url(path)}
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.modify_push_config(request={"subscription": name, "push_config": push})
    pushed = cloud.subscribe(topic, recorder.url(path))
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.update_subscription(
            request={
                "subscription": {"name": pushed, "enable_exactly_once_delivery": True},
                "update_mask": FieldMask(paths=["enable_exactly_once_delivery"]),
            }
        )


def test_what_is_pushed_cannot_be_streamed(cloud: Cloud, recorder: Recorder, path: str) -> None:
    name = cloud.subscribe(cloud.topic(), recorder.url(path))

    with (
        _conversation(cloud, subscription=name) as stream,
        pytest.raises(exceptions.FailedPrecondition),
    ):
        stream.hear(1)


def test_a_stream_of_nothing_is_not_found(cloud: Cloud) -> None:
    with (
        _conversation(cloud, subscription="projects/demo/subscriptions/absent") as stream,
        pytest.raises(exceptions.NotFound),
    ):
        stream.hear(1)


def test_deletion_ends_the_streams_of_a_subscription(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    with _conversation(cloud, subscription=name) as stream:
        cloud.publish(topic, {"data": b"x"})
        stream.hear(1)

        cloud.subscriber.delete_subscription(request={"subscription": name})

        with pytest.raises(exceptions.NotFound):
            stream.hear(1)


@pytest.mark.parametrize(
    "second",
    [
        {"subscription": "projects/demo/subscriptions/other"},
        {"max_outstanding_messages": 5},
        {"stream_ack_deadline_seconds": 9},
        {"modify_deadline_ack_ids": ["a"], "modify_deadline_seconds": []},
        {"modify_deadline_ack_ids": ["a"], "modify_deadline_seconds": [-1]},
        {"ack_ids": ["never-given"]},
    ],
    ids=["subscription", "flow control", "deadline", "lengths", "negative", "ack id"],
)
def test_a_malformed_request_ends_its_stream(cloud: Cloud, second: dict[str, Any]) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    with _conversation(cloud, subscription=name) as stream:
        cloud.publish(topic, {"data": b"x"})
        stream.hear(1)
        stream.say(**second)

        with pytest.raises(exceptions.InvalidArgument):
            stream.hear(1)
