"""Pull: leases, their deadlines, and what a puller may know."""

import time

import pytest
from google.api_core import exceptions

from tests.conformance.cloud import Cloud
from tests.conformance.recorder import Recorder


def test_what_is_acknowledged_does_not_come_again(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    (message_id,) = cloud.publish(topic, {"data": b"x", "attributes": {"a": "1"}})

    (received,) = cloud.pull(name)
    cloud.acknowledge(name, received.ack_id)

    assert received.message.message_id == message_id
    assert dict(received.message.attributes) == {"a": "1"}
    assert received.message.publish_time.timestamp() == pytest.approx(time.time(), abs=5)
    assert cloud.stats()["subscriptions"][name]["backlog"] == 0


def test_an_id_that_nobody_gave_is_refused_and_one_that_ran_out_is_ignored(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})
    (received,) = cloud.pull(name)
    cloud.acknowledge(name, received.ack_id)

    cloud.acknowledge(name, received.ack_id)
    cloud.extend(name, received.ack_id, 20)
    with pytest.raises(exceptions.InvalidArgument):
        cloud.acknowledge(name, "never-given")
    with pytest.raises(exceptions.InvalidArgument):
        cloud.extend(name, "never-given", 20)


def test_a_deadline_of_zero_gives_a_message_back_at_once(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})
    (received,) = cloud.pull(name)

    cloud.extend(name, received.ack_id, 0)

    assert [each.message.data for each in cloud.pull(name)] == [b"x"]


def test_a_lease_that_runs_out_gives_the_message_back(cloud: Cloud) -> None:
    # Goal: the deadline ends only the lease that is still open when it comes.
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"done"}, {"data": b"late"})
    done, late = cloud.pull(name)
    started_s = time.monotonic()
    for received in (done, late):
        cloud.extend(name, received.ack_id, 1)
    cloud.acknowledge(name, done.ack_id)

    (again,) = cloud.pull(name)
    cloud.acknowledge(name, late.ack_id)

    assert time.monotonic() - started_s == pytest.approx(1, abs=0.3)
    assert (again.message.data, again.ack_id != late.ack_id) == (b"late", True)
    counts = cloud.stats()["subscriptions"][name]
    assert (counts["backlog"], counts["failed"], counts["delivered"]) == (1, 1, 1)


def test_delivery_attempts_are_shown_only_with_a_dead_letter_policy(cloud: Cloud) -> None:
    topic = cloud.topic()
    plain = cloud.subscribe(topic)
    counted = cloud.subscribe(topic, dead_letter_policy={"dead_letter_topic": cloud.topic()})
    cloud.publish(topic, {"data": b"x"})

    (first,) = cloud.pull(counted)
    cloud.extend(counted, first.ack_id, 0)
    (second,) = cloud.pull(counted)

    assert (first.delivery_attempt, second.delivery_attempt) == (1, 2)
    assert cloud.pull(plain)[0].delivery_attempt == 0


def test_five_refusals_by_a_puller_bury_a_message(cloud: Cloud) -> None:
    topic, dead_topic = cloud.topic(), cloud.topic()
    dead = cloud.subscribe(dead_topic)
    name = cloud.subscribe(topic, dead_letter_policy={"dead_letter_topic": dead_topic})
    cloud.publish(topic, {"data": b"poison"})

    for _ in range(5):
        cloud.extend(name, cloud.pull(name)[0].ack_id, 0)

    (buried,) = cloud.pull(dead)
    assert buried.message.data == b"poison"
    assert buried.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


def test_a_key_is_pulled_in_order(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_message_ordering=True)
    cloud.publish(topic, *[{"data": str(n).encode(), "ordering_key": "k"} for n in range(3)])

    order: list[bytes] = []
    while len(order) < 3:
        received = cloud.pull(name)
        order += [each.message.data for each in received]
        cloud.acknowledge(name, *[each.ack_id for each in received])

    assert order == [b"0", b"1", b"2"]


def test_a_push_subscription_cannot_be_pulled(cloud: Cloud, recorder: Recorder, path: str) -> None:
    name = cloud.subscribe(cloud.topic(), recorder.url(path))

    with pytest.raises(exceptions.FailedPrecondition):
        cloud.pull(name)


def test_a_pull_takes_at_least_one_message(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.pull(cloud.subscribe(cloud.topic()), limit=0)
