"""Topics and subscriptions: what exists, what is refused, and with which status."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import PROJECT, Cloud, unique


def test_a_topic_can_be_created_once_and_read(cloud: Cloud) -> None:
    name = cloud.topic()

    assert cloud.publisher.get_topic(request={"topic": name}).name == name
    with pytest.raises(exceptions.AlreadyExists):
        cloud.publisher.create_topic(request={"name": name})


def test_what_does_not_exist_is_not_found(cloud: Cloud) -> None:
    topic, subscription = f"{PROJECT}/topics/absent", f"{PROJECT}/subscriptions/absent"
    new = {"name": f"{PROJECT}/subscriptions/{unique('new')}", "topic": topic}

    with pytest.raises(exceptions.NotFound):
        cloud.publisher.get_topic(request={"topic": topic})
    with pytest.raises(exceptions.NotFound):
        cloud.publish(topic, {"data": b"x"})
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.create_subscription(request=new)
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.get_subscription(request={"subscription": subscription})
    with pytest.raises(exceptions.NotFound):
        cloud.pull(subscription)


@pytest.mark.parametrize("name", ["topics/x", f"{PROJECT}/topics/x", f"{PROJECT}/topics/goog-x"])
def test_a_malformed_topic_name_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publisher.create_topic(request={"name": name})


def test_topics_are_listed_by_project_in_pages(cloud: Cloud) -> None:
    project = f"projects/{unique('paged')}"
    names = [f"{project}/topics/topic-{n}" for n in range(5)]
    for name in names:
        cloud.publisher.create_topic(request={"name": name})

    pages = cloud.publisher.list_topics(request={"project": project, "page_size": 2}).pages

    assert [[topic.name for topic in page.topics] for page in pages] == [
        names[:2],
        names[2:4],
        names[4:],
    ]


def test_a_subscription_shows_its_defaults(cloud: Cloud) -> None:
    name = cloud.subscribe(
        cloud.topic(), retry_policy={}, dead_letter_policy={"dead_letter_topic": cloud.topic()}
    )

    found = cloud.subscriber.get_subscription(request={"subscription": name})

    assert found.ack_deadline_seconds == 10
    assert found.retry_policy.minimum_backoff.seconds == 10
    assert found.retry_policy.maximum_backoff.seconds == 600
    assert found.dead_letter_policy.max_delivery_attempts == 5
    assert found.message_retention_duration.days == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"ack_deadline_seconds": 9},
        {"ack_deadline_seconds": 601},
        {"retry_policy": {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 9}}},
        {"retry_policy": {"maximum_backoff": {"seconds": 601}}},
        {"push_config": {"push_endpoint": "ftp://example.com"}},
        {"filter": "attributes.a ="},
    ],
)
def test_a_subscription_out_of_bounds_is_refused(cloud: Cloud, fields: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(cloud.topic(), **fields)


@pytest.mark.parametrize("attempts", [4, 101])
def test_delivery_attempts_are_between_five_and_a_hundred(cloud: Cloud, attempts: int) -> None:
    policy = {"dead_letter_topic": cloud.topic(), "max_delivery_attempts": attempts}

    with pytest.raises(exceptions.OutOfRange):
        cloud.subscribe(cloud.topic(), dead_letter_policy=policy)


def test_a_dead_letter_topic_must_exist(cloud: Cloud) -> None:
    policy = {"dead_letter_topic": f"{PROJECT}/topics/absent"}

    with pytest.raises(exceptions.NotFound):
        cloud.subscribe(cloud.topic(), dead_letter_policy=policy)


def test_a_subscription_name_is_taken_once_and_free_after_deletion(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    with pytest.raises(exceptions.AlreadyExists):
        cloud.subscriber.create_subscription(request={"name": name, "topic": topic})

    cloud.subscriber.delete_subscription(request={"subscription": name})

    listed = cloud.subscriber.list_subscriptions(request={"project": PROJECT})
    assert name not in [subscription.name for subscription in listed]
    cloud.subscriber.create_subscription(request={"name": name, "topic": topic})


def test_the_subscriptions_of_a_deleted_topic_stay_with_what_they_owe(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"owed"})

    cloud.publisher.delete_topic(request={"topic": topic})

    found = cloud.subscriber.get_subscription(request={"subscription": name})
    assert found.topic == "_deleted-topic_"
    assert [each.message.data for each in cloud.pull(name)] == [b"owed"]


def test_an_update_changes_what_its_mask_names_and_nothing_else(cloud: Cloud) -> None:
    name = cloud.subscribe(cloud.topic(), ack_deadline_seconds=20, retry_policy={})

    cloud.subscriber.update_subscription(
        request={
            "subscription": {
                "name": name,
                "ack_deadline_seconds": 99,
                "retry_policy": {"minimum_backoff": {"seconds": 1}},
            },
            "update_mask": FieldMask(paths=["retry_policy"]),
        }
    )

    found = cloud.subscriber.get_subscription(request={"subscription": name})
    assert found.retry_policy.minimum_backoff.seconds == 1
    assert found.ack_deadline_seconds == 20


@pytest.mark.parametrize("field", ["filter", "enable_message_ordering", "topic"])
def test_some_fields_are_fixed_when_a_subscription_is_created(cloud: Cloud, field: str) -> None:
    name = cloud.subscribe(cloud.topic())

    with pytest.raises(exceptions.InvalidArgument, match="not mutable"):
        cloud.subscriber.update_subscription(
            request={"subscription": {"name": name}, "update_mask": FieldMask(paths=[field])}
        )


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"ordering_key": "k"},
        {"data": b"x", "attributes": {"k" * 257: "v"}},
        {"data": b"x", "attributes": {"k": "v" * 1025}},
        {"data": b"x", "attributes": {"goog-k": "v"}},
        {"data": b"x", "attributes": {f"k{n}": "v" for n in range(101)}},
        {"data": b"x", "ordering_key": "k" * 1025},
        {"data": b"x" * 10_000_001},
    ],
    ids=["empty", "key only", "long key", "long value", "reserved", "many", "long order", "large"],
)
def test_a_message_out_of_bounds_is_refused(cloud: Cloud, message: dict[str, object]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(cloud.topic(), message)


def test_a_batch_has_between_one_and_a_thousand_messages(cloud: Cloud) -> None:
    topic = cloud.topic()

    assert len(set(cloud.publish(topic, *[{"data": b"x"}] * 1000))) == 1000
    for count in (0, 1001):
        with pytest.raises(exceptions.InvalidArgument):
            cloud.publish(topic, *[{"data": b"x"}] * count)
