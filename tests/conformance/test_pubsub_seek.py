"""Seek: back to a time or a snapshot, and forward to purge."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import PROJECT, Cloud, unique
from tests.conformance.recorder import Recorder

HOUR = {"seconds": 3_600}


def _left(cloud: Cloud, subscription: str) -> list[bytes]:
    """What could be pulled at once; leased from here on."""
    request = {"subscription": subscription, "max_messages": 100, "return_immediately": True}
    with pytest.warns(DeprecationWarning, match="return_immediately"):
        response = cloud.subscriber.pull(request=request)
    return [each.message.data for each in response.received_messages]


def _pulled(cloud: Cloud, subscription: str, count: int) -> list[bytes]:
    """Pull and acknowledge `count` messages, however many answers that takes."""
    data: list[bytes] = []
    while len(data) < count:
        received = cloud.pull(subscription)
        cloud.acknowledge(subscription, *[each.ack_id for each in received])
        data += [each.message.data for each in received]
    return data


def _seek(cloud: Cloud, subscription: str, **target: Any) -> None:
    cloud.subscriber.seek(request={"subscription": subscription, **target})


def _from_now(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**span)


def _snapshot(cloud: Cloud, subscription: str, **fields: Any) -> str:
    name = f"{PROJECT}/snapshots/{unique('snapshot')}"
    request = {"name": name, "subscription": subscription, **fields}
    created = cloud.subscriber.create_snapshot(request=request)
    return str(created.name)


def test_a_seek_to_the_future_purges(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"}, {"data": b"y"})

    _seek(cloud, name, time=_from_now(hours=1))

    assert _left(cloud, name) == []


def test_a_seek_to_the_past_brings_back_what_was_acknowledged(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, retain_acked_messages=True)
    cloud.publish(topic, {"data": b"x"}, {"data": b"y"})
    _pulled(cloud, name, 2)

    _seek(cloud, name, time=_from_now(hours=-1))

    assert sorted(_pulled(cloud, name, 2)) == [b"x", b"y"]


def test_a_seek_goes_to_a_moment_between_two_messages(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, retain_acked_messages=True)
    cloud.publish(topic, {"data": b"before"})
    (before,) = cloud.pull(name)
    cloud.acknowledge(name, before.ack_id)
    cloud.publish(topic, {"data": b"after"})

    _seek(cloud, name, time=before.message.publish_time + timedelta(microseconds=1))

    assert _left(cloud, name) == [b"after"]


def test_what_was_not_retained_does_not_come_back(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"gone"}, {"data": b"owed"})
    for received in cloud.pull(name):
        if received.message.data == b"gone":
            cloud.acknowledge(name, received.ack_id)

    _seek(cloud, name, time=_from_now(hours=-1))

    assert _left(cloud, name) == [b"owed"]


def test_a_topic_that_retains_brings_back_what_came_before_the_subscription(cloud: Cloud) -> None:
    topic = cloud.topic()
    cloud.publisher.update_topic(
        request={
            "topic": {"name": topic, "message_retention_duration": HOUR},
            "update_mask": FieldMask(paths=["message_retention_duration"]),
        }
    )
    cloud.publish(topic, {"data": b"early"})
    name = cloud.subscribe(topic)

    _seek(cloud, name, time=_from_now(minutes=-30))

    found = cloud.subscriber.get_subscription(request={"subscription": name})
    assert _left(cloud, name) == [b"early"]
    assert found.topic_message_retention_duration == timedelta(hours=1)


def test_what_a_filter_drops_never_comes_back(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, filter="attributes:wanted", retain_acked_messages=True)
    cloud.publish(topic, {"data": b"no"}, {"data": b"yes", "attributes": {"wanted": "1"}})
    _pulled(cloud, name, 1)

    _seek(cloud, name, time=_from_now(hours=-1))

    assert _left(cloud, name) == [b"yes"]


def test_an_acknowledgement_of_before_a_seek_settles_nothing(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})
    (received,) = cloud.pull(name)

    _seek(cloud, name, time=_from_now(hours=-1))
    cloud.acknowledge(name, received.ack_id)

    assert _left(cloud, name) == [b"x"]


def test_a_key_comes_back_in_order(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_message_ordering=True, retain_acked_messages=True)
    wanted = [str(number).encode() for number in range(4)]
    cloud.publish(topic, *[{"data": data, "ordering_key": "k"} for data in wanted])
    _pulled(cloud, name, 4)

    _seek(cloud, name, time=_from_now(hours=-1))

    assert _pulled(cloud, name, 4) == wanted


def test_a_seek_pushes_again(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, recorder.url(path), retain_acked_messages=True)
    cloud.publish(topic, {"data": b"x"})
    recorder.wait(path, 1)

    _seek(cloud, name, time=_from_now(hours=-1))

    recorder.wait(path, 2)


def test_a_snapshot_brings_back_what_was_owed_and_what_came_since(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"settled"})
    _pulled(cloud, name, 1)
    cloud.publish(topic, {"data": b"owed"})
    snapshot = _snapshot(cloud, name)
    cloud.publish(topic, {"data": b"since"})
    _pulled(cloud, name, 2)

    _seek(cloud, name, snapshot=snapshot)

    assert sorted(_pulled(cloud, name, 2)) == [b"owed", b"since"]
    assert _left(cloud, name) == []


def test_a_snapshot_carries_over_to_another_subscription_of_the_topic(cloud: Cloud) -> None:
    topic = cloud.topic()
    source = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"early"})
    snapshot = _snapshot(cloud, source)
    name = cloud.subscribe(topic)

    _seek(cloud, name, snapshot=snapshot)

    assert _left(cloud, name) == [b"early"]


def test_a_snapshot_belongs_to_its_topic(cloud: Cloud) -> None:
    snapshot = _snapshot(cloud, cloud.subscribe(cloud.topic()))

    with pytest.raises(exceptions.FailedPrecondition):
        _seek(cloud, cloud.subscribe(cloud.topic()), snapshot=snapshot)


def test_a_snapshot_shows_its_topic_and_lives_seven_days(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})

    snapshot = _snapshot(cloud, name, labels={"for": "replay"})

    found = cloud.subscriber.get_snapshot(request={"snapshot": snapshot})
    assert (found.topic, dict(found.labels)) == (topic, {"for": "replay"})
    assert abs(found.expire_time - _from_now(days=7)) < timedelta(minutes=1)


def test_snapshots_are_listed_by_project_and_by_topic_in_pages(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    names = sorted(_snapshot(cloud, name) for _ in range(3))

    listed = cloud.subscriber.list_snapshots(request={"project": PROJECT, "page_size": 1})
    pages = cloud.publisher.list_topic_snapshots(request={"topic": topic, "page_size": 2}).pages

    assert set(names) <= {snapshot.name for snapshot in listed}
    assert [list(page.snapshots) for page in pages] == [names[:2], names[2:]]


def test_a_snapshot_can_be_relabelled_and_deleted(cloud: Cloud) -> None:
    snapshot = _snapshot(cloud, cloud.subscribe(cloud.topic()))

    cloud.subscriber.update_snapshot(
        request={
            "snapshot": {"name": snapshot, "labels": {"a": "b"}},
            "update_mask": FieldMask(paths=["labels"]),
        }
    )
    labels = dict(cloud.subscriber.get_snapshot(request={"snapshot": snapshot}).labels)
    cloud.subscriber.delete_snapshot(request={"snapshot": snapshot})

    assert labels == {"a": "b"}
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.get_snapshot(request={"snapshot": snapshot})
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.delete_snapshot(request={"snapshot": snapshot})


def test_a_snapshot_keeps_its_topic_and_its_name(cloud: Cloud) -> None:
    name = cloud.subscribe(cloud.topic())
    snapshot = _snapshot(cloud, name)

    with pytest.raises(exceptions.AlreadyExists):
        cloud.subscriber.create_snapshot(request={"name": snapshot, "subscription": name})
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.update_snapshot(
            request={"snapshot": {"name": snapshot}, "update_mask": FieldMask(paths=["topic"])}
        )


def test_a_snapshot_or_seek_of_nothing_is_refused(cloud: Cloud) -> None:
    name = cloud.subscribe(cloud.topic())

    with pytest.raises(exceptions.NotFound):
        _snapshot(cloud, f"{PROJECT}/subscriptions/absent")
    with pytest.raises(exceptions.NotFound):
        _seek(cloud, name, snapshot=f"{PROJECT}/snapshots/absent")
    with pytest.raises(exceptions.NotFound):
        _seek(cloud, f"{PROJECT}/subscriptions/absent", time=_from_now())
    with pytest.raises(exceptions.InvalidArgument):
        _seek(cloud, name)
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.create_snapshot(request={"name": "snapshots/x", "subscription": name})
