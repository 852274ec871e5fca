"""How long messages and snapshots live, on a clock that the tests put forward."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import PROJECT, Cloud, unique
from tests.conformance.pubsub_alone import Clock, alone

TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Timed:
    """A stand-in and its clock."""

    cloud: Cloud
    clock: Clock

    def left(self, subscription: str) -> list[bytes]:
        request = {"subscription": subscription, "max_messages": 100, "return_immediately": True}
        with pytest.warns(DeprecationWarning, match="return_immediately"):
            response = self.cloud.subscriber.pull(request=request)
        received = response.received_messages
        self.cloud.acknowledge(subscription, *[each.ack_id for each in received])
        return [each.message.data for each in received]

    def seek_back(self, subscription: str) -> None:
        moment = datetime(2000, 1, 1, tzinfo=UTC)
        self.cloud.subscriber.seek(request={"subscription": subscription, "time": moment})

    def snapshot(self, subscription: str) -> Any:
        name = f"{PROJECT}/snapshots/{unique('snapshot')}"
        request = {"name": name, "subscription": subscription}
        return self.cloud.subscriber.create_snapshot(request=request)


@pytest.fixture
def timed() -> Iterator[Timed]:
    clock = Clock()
    with alone(clock=clock) as cloud:
        yield Timed(cloud, clock)


def test_what_nobody_acknowledges_goes_when_its_time_is_over(timed: Timed) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(topic, message_retention_duration=TEN_MINUTES)
    timed.cloud.publish(topic, {"data": b"old"})
    timed.clock.advance(minutes=9)
    timed.cloud.publish(topic, {"data": b"young"})
    timed.clock.advance(minutes=2)

    assert timed.left(name) == [b"young"]


def test_the_topic_keeps_unacknowledged_messages_longer(timed: Timed) -> None:
    topic = timed.cloud.topic()
    timed.cloud.publisher.update_topic(
        request={
            "topic": {"name": topic, "message_retention_duration": timedelta(hours=1)},
            "update_mask": FieldMask(paths=["message_retention_duration"]),
        }
    )
    name = timed.cloud.subscribe(topic, message_retention_duration=TEN_MINUTES)
    timed.cloud.publish(topic, {"data": b"x"})

    timed.clock.advance(minutes=50)

    assert timed.left(name) == [b"x"]


def test_an_old_message_that_expires_frees_its_key(timed: Timed) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(
        topic, enable_message_ordering=True, message_retention_duration=TEN_MINUTES
    )
    timed.cloud.publish(topic, {"data": b"held", "ordering_key": "k"})
    timed.cloud.pull(name)
    timed.clock.advance(minutes=11)
    timed.cloud.publish(topic, {"data": b"next", "ordering_key": "k"})

    assert timed.left(name) == [b"next"]


def test_acknowledged_messages_are_retained_as_long_as_the_subscription_says(
    timed: Timed,
) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(
        topic, retain_acked_messages=True, message_retention_duration=TEN_MINUTES
    )
    timed.cloud.publish(topic, {"data": b"old"})
    timed.left(name)
    timed.clock.advance(minutes=9)
    timed.cloud.publish(topic, {"data": b"young"})
    timed.left(name)
    timed.clock.advance(minutes=2)

    timed.seek_back(name)

    assert timed.left(name) == [b"young"]


def test_a_topic_brings_back_no_more_than_its_retention(timed: Timed) -> None:
    cloud = timed.cloud
    topic = f"{PROJECT}/topics/{unique('retaining')}"
    cloud.publisher.create_topic(request={"name": topic, "message_retention_duration": TEN_MINUTES})
    cloud.publish(topic, {"data": b"old"})
    timed.clock.advance(minutes=9)
    cloud.publish(topic, {"data": b"young"})
    timed.clock.advance(minutes=2)
    name = cloud.subscribe(topic)

    timed.seek_back(name)

    assert timed.left(name) == [b"young"]


def test_the_life_of_a_snapshot_is_seven_days_less_the_age_of_what_it_keeps(timed: Timed) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(topic)
    timed.cloud.publish(topic, {"data": b"x"})
    timed.clock.advance(days=3)

    snapshot = timed.snapshot(name)

    lives = snapshot.expire_time - timed.clock()
    assert abs(lives - timedelta(days=4)) < timedelta(minutes=1)
    timed.clock.advance(days=4, minutes=1)
    with pytest.raises(exceptions.NotFound):
        timed.cloud.subscriber.get_snapshot(request={"snapshot": snapshot.name})


def test_a_snapshot_that_would_live_less_than_an_hour_is_refused(timed: Timed) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(topic, message_retention_duration=timedelta(days=31))
    timed.cloud.publish(topic, {"data": b"x"})
    timed.clock.advance(days=6, hours=23, minutes=30)

    with pytest.raises(exceptions.FailedPrecondition):
        timed.snapshot(name)


def test_a_snapshot_keeps_what_its_subscription_may_drop(timed: Timed) -> None:
    topic = timed.cloud.topic()
    name = timed.cloud.subscribe(topic, message_retention_duration=TEN_MINUTES)
    timed.cloud.publish(topic, {"data": b"x"})
    snapshot = timed.snapshot(name)
    other = timed.cloud.subscribe(topic)
    timed.clock.advance(minutes=11)
    assert timed.left(name) == []

    timed.cloud.subscriber.seek(request={"subscription": other, "snapshot": snapshot.name})

    assert timed.left(other) == [b"x"]
