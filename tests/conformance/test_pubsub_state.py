"""State on disk: what was answered survives the process, however it ends."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from emulators import disk
from emulators.google.pubsub.journal import FILE
from tests.conformance.cloud import PROJECT, Cloud
from tests.conformance.pubsub_alone import alone, kill, start
from tests.conformance.recorder import Recorder

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _left(cloud: Cloud, subscription: str) -> list[bytes]:
    request = {"subscription": subscription, "max_messages": 1_000, "return_immediately": True}
    with pytest.warns(DeprecationWarning, match="return_immediately"):
        response = cloud.subscriber.pull(request=request)
    return [each.message.data for each in response.received_messages]


def test_topics_subscriptions_and_snapshots_come_back_as_they_were(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(
            topic,
            ack_deadline_seconds=33,
            filter="attributes:a",
            labels={"team": "shop"},
            retry_policy={},
            dead_letter_policy={"dead_letter_topic": cloud.topic()},
        )
        snapshot = f"{PROJECT}/snapshots/kept"
        cloud.subscriber.create_snapshot(request={"name": snapshot, "subscription": name})
        deleted = cloud.subscribe(topic)
        cloud.subscriber.delete_subscription(request={"subscription": deleted})
        before = _resources(cloud, topic, name, snapshot)

    with alone(tmp_path) as cloud:
        assert _resources(cloud, topic, name, snapshot) == before
        assert list(cloud.publisher.list_topic_subscriptions(request={"topic": topic})) == [name]
        with pytest.raises(exceptions.AlreadyExists):
            cloud.publisher.create_topic(request={"name": topic})


def _resources(cloud: Cloud, topic: str, subscription: str, snapshot: str) -> list[Any]:
    return [
        cloud.publisher.get_topic(request={"topic": topic}),
        cloud.subscriber.get_subscription(request={"subscription": subscription}),
        cloud.subscriber.get_snapshot(request={"snapshot": snapshot}),
    ]


def test_what_is_owed_comes_back_and_what_was_acknowledged_does_not(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(topic)
        message = {"data": b"owed", "attributes": {"a": "1"}, "ordering_key": "k"}
        cloud.publish(topic, {"data": b"done"}, message)
        done, before = cloud.pull(name)
        cloud.acknowledge(name, done.ack_id)

    with alone(tmp_path) as cloud:
        (after,) = cloud.pull(name)

    assert after.message == before.message


def test_delivery_attempts_go_on_where_they_were(tmp_path: Path) -> None:
    # Goal: a message that kills its consumer is buried in the end, restarts or not.
    with alone(tmp_path) as cloud:
        topic, dead_topic = cloud.topic(), cloud.topic()
        dead = cloud.subscribe(dead_topic)
        name = cloud.subscribe(topic, dead_letter_policy={"dead_letter_topic": dead_topic})
        cloud.publish(topic, {"data": b"poison"})
        for _ in range(3):
            cloud.extend(name, cloud.pull(name)[0].ack_id, 0)

    with alone(tmp_path) as cloud:
        attempts = []
        for _ in range(2):
            (received,) = cloud.pull(name)
            attempts.append(received.delivery_attempt)
            cloud.extend(name, received.ack_id, 0)
        (buried,) = cloud.pull(dead)

    assert attempts == [4, 5]
    assert buried.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_a_key_stays_in_order_over_a_restart(tmp_path: Path) -> None:
    wanted = [str(number).encode() for number in range(6)]
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(topic, enable_message_ordering=True)
        cloud.publish(topic, *[{"data": data, "ordering_key": "k"} for data in wanted[:4]])
        (first,) = cloud.pull(name)
        cloud.acknowledge(name, first.ack_id)
        cloud.pull(name)

    with alone(tmp_path) as cloud:
        cloud.publish(topic, *[{"data": data, "ordering_key": "k"} for data in wanted[4:]])
        rest = []
        for _ in wanted[1:]:
            (received,) = cloud.pull(name)
            cloud.acknowledge(name, received.ack_id)
            rest.append(received.message.data)

    assert rest == wanted[1:]


def test_what_is_retained_for_replays_comes_back(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = f"{PROJECT}/topics/retaining"
        cloud.publisher.create_topic(
            request={"name": topic, "message_retention_duration": timedelta(hours=1)}
        )
        plain = cloud.topic()
        retaining = cloud.subscribe(plain, retain_acked_messages=True)
        source = cloud.subscribe(plain)
        for target in (topic, plain):
            cloud.publish(target, {"data": b"before"})
        snapshot = f"{PROJECT}/snapshots/kept"
        cloud.subscriber.create_snapshot(request={"name": snapshot, "subscription": source})
        cloud.publish(plain, {"data": b"since"})
        for name in (retaining, source):
            cloud.acknowledge(name, *[each.ack_id for each in cloud.pull(name)])

    with alone(tmp_path) as cloud:
        late = cloud.subscribe(topic)
        assert _left(cloud, retaining) + _left(cloud, source) + _left(cloud, late) == []
        for name in (retaining, late):
            cloud.subscriber.seek(request={"subscription": name, "time": LONG_AGO})
        cloud.subscriber.seek(request={"subscription": source, "snapshot": snapshot})

        assert _left(cloud, retaining) == [b"before", b"since"]
        assert _left(cloud, source) == [b"before", b"since"]
        assert _left(cloud, late) == [b"before"]


def test_a_push_goes_on_after_a_restart(tmp_path: Path, recorder: Recorder, path: str) -> None:
    recorder.answer(path, [500, 200])
    retry = {"minimum_backoff": {"seconds": 600}, "maximum_backoff": {"seconds": 600}}
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        cloud.subscribe(topic, recorder.url(path), retry_policy=retry)
        cloud.publish(topic, {"data": b"x"})
        recorder.wait(path, 1)

    with alone(tmp_path):
        recorder.wait(path, 2)


def test_an_acknowledgement_id_of_before_settles_nothing(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(topic)
        cloud.publish(topic, {"data": b"x"}, {"data": b"y"})
        before = cloud.pull(name)

    with alone(tmp_path) as cloud:
        again = cloud.pull(name)
        cloud.acknowledge(name, *[each.ack_id for each in before])
        for each in again:
            cloud.extend(name, each.ack_id, 0)

        assert sorted(_left(cloud, name)) == [b"x", b"y"]


def test_detached_stays_detached_and_orphaned_stays_orphaned(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic, gone = cloud.topic(), cloud.topic()
        detached, orphan = cloud.subscribe(topic), cloud.subscribe(gone)
        cloud.publish(gone, {"data": b"owed"})
        cloud.publisher.detach_subscription(request={"subscription": detached})
        cloud.publisher.delete_topic(request={"topic": gone})

    with alone(tmp_path) as cloud:
        with pytest.raises(exceptions.FailedPrecondition):
            cloud.pull(detached)
        assert _left(cloud, orphan) == [b"owed"]
        found = cloud.subscriber.get_subscription(request={"subscription": orphan})
        assert found.topic == "_deleted-topic_"


def test_no_id_is_given_twice(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        first = cloud.publish(topic, *[{"data": b"x"}] * 1_000)

    with alone(tmp_path) as cloud:
        second = cloud.publish(topic, *[{"data": b"x"}] * 1_000)

    assert int(second[0]) > int(first[-1])


def test_a_publish_that_was_answered_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    # Goal: not a single answered message is lost when the process dies in the middle of it.
    process, cloud = start(tmp_path)
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    answered: list[str] = []
    enough = threading.Event()

    def publish_until_dead(_who: int) -> None:
        while True:
            try:
                response = cloud.publisher.publish(
                    request={"topic": topic, "messages": [{"data": b"x"}] * 10}, retry=None
                )
            except exceptions.ServiceUnavailable:
                return
            answered.extend(response.message_ids)
            if len(answered) > 1_000:
                enough.set()

    with ThreadPoolExecutor(4) as pool:
        publishing = [pool.submit(publish_until_dead, number) for number in range(4)]
        assert enough.wait(20)
        kill(process)
        for each in publishing:
            each.result(timeout=30)

    with alone(tmp_path) as after:
        found: set[str] = set()
        while set(answered) - found:
            received = after.pull(name, limit=1_000)
            assert received, f"{len(set(answered) - found)} messages are lost"
            found |= {each.message.message_id for each in received}
            after.acknowledge(name, *[each.ack_id for each in received])


def test_ten_thousand_messages_are_back_after_a_second_of_work(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(topic)
        for _ in range(10):
            cloud.publish(topic, *[{"data": b"x" * 200, "attributes": {"a": "1"}}] * 1_000)

    began_s = time.process_time()  # it works in a thread of this process, however busy the machine
    with alone(tmp_path) as cloud:
        (received,) = cloud.pull(name, limit=1)
        took_s = time.process_time() - began_s

    assert received.message.data == b"x" * 200
    assert took_s < 1


def test_what_is_settled_leaves_the_disk(tmp_path: Path) -> None:
    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        name = cloud.subscribe(topic)
        cloud.publish(topic, *[{"data": b"x"}] * 10)
        cloud.acknowledge(name, *[each.ack_id for each in cloud.pull(name)])

    with alone(tmp_path):
        pass

    with sqlite3.connect(tmp_path / FILE) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("held", "messages")
        ]
    database.close()
    assert counts == [(0,), (0,)]


def test_a_folder_serves_one_process_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(disk.Unusable, match="locked"):
        disk.Disk(tmp_path / FILE)


def test_when_the_disk_fails_nothing_is_answered_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: sqlite3.Connection, _statements: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with alone(tmp_path) as cloud:
        topic = cloud.topic()
        monkeypatch.setattr(disk, "_commit", fail)
        for _ in range(2):
            with pytest.raises(exceptions.ServiceUnavailable, match="disk is full"):
                cloud.publisher.publish(
                    request={"topic": topic, "messages": [{"data": b"x"}]}, retry=None
                )
