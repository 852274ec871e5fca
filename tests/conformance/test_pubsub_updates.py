"""Updates, detaching and lists: what may change, and what shows it."""

from datetime import timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import Subscription

from tests.conformance.cloud import PROJECT, Cloud, unique
from tests.conformance.recorder import Recorder

DAY_S = 24 * 3_600


def _update(cloud: Cloud, name: str, *paths: str, **fields: Any) -> Any:
    request = {
        "subscription": {"name": name, **fields},
        "update_mask": FieldMask(paths=paths or list(fields)),
    }
    return cloud.subscriber.update_subscription(request=request)


def _update_topic(cloud: Cloud, name: str, *paths: str, **fields: Any) -> Any:
    request = {"topic": {"name": name, **fields}, "update_mask": FieldMask(paths=paths)}
    return cloud.publisher.update_topic(request=request)


@pytest.mark.parametrize(
    "fields",
    [
        {"ack_deadline_seconds": 30},
        {"retain_acked_messages": True},
        {"message_retention_duration": timedelta(hours=1)},
        {"labels": {"team": "shop"}},
        {"expiration_policy": {"ttl": timedelta(days=2)}},
        {"enable_exactly_once_delivery": True},
        {
            "retry_policy": {
                "minimum_backoff": timedelta(seconds=1),
                "maximum_backoff": timedelta(seconds=2),
            }
        },
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_these_fields_of_a_subscription_may_change(cloud: Cloud, fields: dict[str, Any]) -> None:
    name = cloud.subscribe(cloud.topic())

    _update(cloud, name, **fields)

    shown = cloud.subscriber.get_subscription(request={"subscription": name})
    wanted = Subscription(**fields)
    assert [getattr(shown, field) for field in fields] == [getattr(wanted, f) for f in fields]


def test_a_field_inside_a_field_may_change_by_itself(cloud: Cloud) -> None:
    policy = {"dead_letter_topic": cloud.topic(), "max_delivery_attempts": 5}
    name = cloud.subscribe(cloud.topic(), dead_letter_policy=policy)

    _update(
        cloud,
        name,
        "dead_letter_policy.max_delivery_attempts",
        dead_letter_policy={"max_delivery_attempts": 9},
    )

    found = cloud.subscriber.get_subscription(request={"subscription": name}).dead_letter_policy
    assert (found.dead_letter_topic, found.max_delivery_attempts) == (
        policy["dead_letter_topic"],
        9,
    )


def test_a_policy_that_is_named_but_absent_is_removed(cloud: Cloud) -> None:
    policy = {"dead_letter_topic": cloud.topic()}
    name = cloud.subscribe(cloud.topic(), dead_letter_policy=policy, retry_policy={})

    _update(cloud, name, "dead_letter_policy", "retry_policy")

    found = cloud.subscriber.get_subscription(request={"subscription": name})
    assert "dead_letter_policy" not in found
    assert "retry_policy" not in found


@pytest.mark.parametrize("paths", [(), ("nonsense",), ("name",), ("topic",), ("filter",)])
def test_an_update_of_nothing_or_of_what_is_fixed_is_refused(
    cloud: Cloud, paths: tuple[str, ...]
) -> None:
    name = cloud.subscribe(cloud.topic())

    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscriber.update_subscription(
            request={"subscription": {"name": name}, "update_mask": FieldMask(paths=paths)}
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"ack_deadline_seconds": 9},
        {"message_retention_duration": timedelta(seconds=599)},
        {"message_retention_duration": timedelta(days=31, seconds=1)},
        {"expiration_policy": {"ttl": timedelta(seconds=DAY_S - 1)}},
        {"labels": {"Upper": "case"}},
        {"push_config": {"push_endpoint": "ftp://example.com"}},
    ],
    ids=["deadline", "short", "long", "expiration", "labels", "endpoint"],
)
def test_an_update_out_of_bounds_is_refused_and_changes_nothing(
    cloud: Cloud, fields: dict[str, Any]
) -> None:
    name = cloud.subscribe(cloud.topic())
    before = cloud.subscriber.get_subscription(request={"subscription": name})

    with pytest.raises(exceptions.InvalidArgument):
        _update(cloud, name, **fields)

    assert cloud.subscriber.get_subscription(request={"subscription": name}) == before


def test_an_absent_subscription_or_topic_cannot_be_updated(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound):
        _update(cloud, f"{PROJECT}/subscriptions/absent", ack_deadline_seconds=20)
    with pytest.raises(exceptions.NotFound):
        _update_topic(cloud, f"{PROJECT}/topics/absent", "labels")


def test_a_subscription_expires_after_a_month_unless_it_says_never(cloud: Cloud) -> None:
    topic = cloud.topic()
    usual, never = cloud.subscribe(topic), cloud.subscribe(topic, expiration_policy={})

    shown = [
        cloud.subscriber.get_subscription(request={"subscription": name}).expiration_policy
        for name in (usual, never)
    ]

    assert (shown[0].ttl, "ttl" in shown[1]) == (timedelta(days=31), False)


def test_labels_and_retention_of_a_topic_may_change(cloud: Cloud) -> None:
    topic = cloud.topic()

    _update_topic(cloud, topic, "labels", labels={"team": "shop"})
    _update_topic(
        cloud,
        topic,
        "message_retention_duration",
        labels={"not": "named"},
        message_retention_duration=timedelta(days=1),
    )

    found = cloud.publisher.get_topic(request={"topic": topic})
    assert dict(found.labels) == {"team": "shop"}
    assert found.message_retention_duration == timedelta(days=1)


@pytest.mark.parametrize(
    ("paths", "fields"),
    [
        ((), {}),
        (("name",), {}),
        (("nonsense",), {}),
        (("message_retention_duration",), {"message_retention_duration": timedelta(seconds=599)}),
        (("message_retention_duration",), {"message_retention_duration": timedelta(days=32)}),
        (("labels",), {"labels": {"1st": "x"}}),
    ],
    ids=["nothing", "name", "nonsense", "short", "long", "labels"],
)
def test_a_topic_refuses_what_is_fixed_or_out_of_bounds(
    cloud: Cloud, paths: tuple[str, ...], fields: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        _update_topic(cloud, cloud.topic(), *paths, **fields)


@pytest.mark.parametrize(
    "labels",
    [{"": "x"}, {"k" * 64: "x"}, {"k": "v" * 64}, {"k": "Up"}, {f"k{n}": "" for n in range(65)}],
    ids=["empty", "long key", "long value", "upper case", "many"],
)
def test_labels_out_of_bounds_are_refused(cloud: Cloud, labels: dict[str, str]) -> None:
    topic = cloud.topic()
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publisher.create_topic(
            request={"name": f"{PROJECT}/topics/{unique('labelled')}", "labels": labels}
        )
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(topic, labels=labels)


@pytest.mark.parametrize(
    "fields",
    [
        {"message_retention_duration": timedelta(seconds=599)},
        {"message_retention_duration": timedelta(days=31, seconds=1)},
        {"expiration_policy": {"ttl": timedelta(hours=23)}},
        {"filter": f'attributes.k = "{"v" * 256}"'},
        {"retry_policy": {"minimum_backoff": timedelta(seconds=601)}},
    ],
    ids=["short retention", "long retention", "expiration", "long filter", "back-off"],
)
def test_a_subscription_is_created_within_bounds_only(cloud: Cloud, fields: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(cloud.topic(), **fields)


def test_a_detached_subscription_drops_everything_and_gets_nothing(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})

    cloud.publisher.detach_subscription(request={"subscription": name})

    assert cloud.subscriber.get_subscription(request={"subscription": name}).detached
    assert list(cloud.publisher.list_topic_subscriptions(request={"topic": topic})) == []
    cloud.publish(topic, {"data": b"y"})
    with pytest.raises(exceptions.FailedPrecondition):
        cloud.pull(name)


def test_a_detached_subscription_is_pushed_nothing(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic, other = cloud.topic(), f"{path}-other"
    name = cloud.subscribe(topic, recorder.url(path))
    cloud.subscribe(topic, recorder.url(other))
    cloud.publisher.detach_subscription(request={"subscription": name})

    cloud.publish(topic, {"data": b"x"})

    recorder.wait(other, 1)
    assert recorder.seen(path) == []


def test_what_is_absent_cannot_be_detached(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound):
        cloud.publisher.detach_subscription(
            request={"subscription": f"{PROJECT}/subscriptions/absent"}
        )


def test_the_subscriptions_of_a_topic_are_listed_in_pages(cloud: Cloud) -> None:
    topic = cloud.topic()
    names = sorted(cloud.subscribe(topic) for _ in range(3))
    cloud.subscribe(cloud.topic())

    request = {"topic": topic, "page_size": 2}
    pages = cloud.publisher.list_topic_subscriptions(request=request).pages

    assert [list(page.subscriptions) for page in pages] == [names[:2], names[2:]]


def test_the_subscriptions_of_a_project_are_listed_in_pages(cloud: Cloud) -> None:
    project, topic = f"projects/{unique('paged')}", cloud.topic()
    names = [f"{project}/subscriptions/subscription-{n}" for n in range(3)]
    for name in names:
        cloud.subscriber.create_subscription(request={"name": name, "topic": topic})

    request = {"project": project, "page_size": 2}
    pages = cloud.subscriber.list_subscriptions(request=request).pages

    assert [[each.name for each in page.subscriptions] for page in pages] == [names[:2], names[2:]]


def test_a_page_token_that_nobody_gave_is_refused(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        list(cloud.publisher.list_topics(request={"project": PROJECT, "page_token": "nonsense"}))


def test_a_pull_that_does_not_wait_returns_at_once(cloud: Cloud) -> None:
    name = cloud.subscribe(cloud.topic())
    request = {"subscription": name, "max_messages": 1, "return_immediately": True}

    with pytest.warns(DeprecationWarning, match="return_immediately"):
        response = cloud.subscriber.pull(request=request, timeout=2)

    assert list(response.received_messages) == []


def test_a_pull_brings_no_more_than_it_asked_for(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    cloud.publish(topic, *[{"data": b"x"}] * 5)

    assert 1 <= len(cloud.pull(name, limit=3)) <= 3
