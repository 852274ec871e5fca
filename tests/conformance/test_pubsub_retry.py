"""What becomes of a message that keeps failing: back-off, dead-lettering, order."""

import base64
import json
from datetime import datetime
from itertools import pairwise
from typing import Any

from emulators.google.pubsub.backoff import RetryPolicy
from tests.conformance.cloud import Cloud, about, eventually
from tests.conformance.recorder import Recorder, Seen

QUICK = {"minimum_backoff": {"nanos": 10_000_000}, "maximum_backoff": {"nanos": 20_000_000}}


def _message(seen: Seen) -> Any:
    return json.loads(seen.body)["message"]


def _data(seen: Seen) -> bytes:
    return base64.b64decode(_message(seen)["data"])


def test_redelivery_backs_off_between_the_bounds(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    retry = {"minimum_backoff": {"nanos": 200_000_000}, "maximum_backoff": {"nanos": 500_000_000}}
    cloud.subscribe(topic, recorder.url(path), retry_policy=retry)
    recorder.answer(path, [500, 500, 500, 500, 200])

    cloud.publish(topic, {"data": b"x"})

    gaps_s = [b.at_s - a.at_s for a, b in pairwise(recorder.wait(path, 5))]
    assert all(map(about, gaps_s, [0.2, 0.4, 0.5, 0.5])), gaps_s


def test_back_off_never_leaves_its_bounds() -> None:
    policy = RetryPolicy(minimum_s=10, maximum_s=600)

    delays_s = [policy.delay_s(failures) for failures in (1, 2, 3, 6, 7, 8, 5_000)]

    assert delays_s == [10, 20, 40, 320, 600, 600, 600]


def test_each_message_backs_off_by_itself(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    retry = {"minimum_backoff": {"seconds": 60}, "maximum_backoff": {"seconds": 60}}
    cloud.subscribe(topic, recorder.url(path), retry_policy=retry)
    recorder.answer(path, [500, 200])
    cloud.publish(topic, {"data": b"fails"})
    recorder.wait(path, 1)

    cloud.publish(topic, {"data": b"passes"})

    assert [_data(seen) for seen in recorder.wait(path, 2)] == [b"fails", b"passes"]


def test_after_its_attempts_a_message_goes_to_the_dead_letter_topic(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic, dead_topic, dead = cloud.topic(), cloud.topic(), f"{path}-dead"
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    subscription = cloud.subscribe(
        topic, recorder.url(path), dead_letter_policy=policy, retry_policy=QUICK
    )
    cloud.subscribe(dead_topic, recorder.url(dead))
    recorder.answer(path, [500])

    cloud.publish(topic, {"data": b"poison", "attributes": {"mine": "1"}, "ordering_key": "k"})

    (buried,) = recorder.wait(dead, 1)
    attempts = [json.loads(seen.body)["deliveryAttempt"] for seen in recorder.seen(path)]
    assert attempts == [1, 2, 3, 4, 5]
    first, message = _message(recorder.seen(path)[0]), _message(buried)
    published = message["attributes"].pop("CloudPubSubDeadLetterSourceTopicPublishTime")
    assert message["attributes"] == {
        "mine": "1",
        "CloudPubSubDeadLetterSourceSubscription": subscription.rsplit("/", 1)[-1],
        "CloudPubSubDeadLetterSourceSubscriptionProject": "demo",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    assert datetime.fromisoformat(published) == datetime.fromisoformat(first["publishTime"])
    assert published.endswith("+00:00")
    assert (_data(buried), message["orderingKey"]) == (b"poison", "k")
    assert message["messageId"] != first["messageId"]
    assert "deliveryAttempt" not in json.loads(buried.body)
    counts = cloud.stats()["subscriptions"][subscription]
    assert (counts["dead_lettered"], counts["backlog"]) == (1, 0)


def test_while_its_dead_letter_topic_is_gone_a_message_goes_on(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    # Goal: nothing is lost when the topic is deleted after the policy was set.
    topic, dead_topic = cloud.topic(), cloud.topic()
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    cloud.subscribe(topic, recorder.url(path), dead_letter_policy=policy, retry_policy=QUICK)
    cloud.publisher.delete_topic(request={"topic": dead_topic})
    recorder.answer(path, [500] * 6 + [200])

    cloud.publish(topic, {"data": b"x"})

    assert json.loads(recorder.wait(path, 7)[-1].body)["deliveryAttempt"] == 7


def test_one_message_of_a_key_is_out_at_a_time(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path), enable_message_ordering=True)
    recorder.hold(path)

    cloud.publish(topic, *[{"data": str(n).encode(), "ordering_key": "k"} for n in range(10)])
    recorder.wait(path, 1)
    recorder.release(path)

    seen = recorder.wait(path, 10)
    assert [_data(each) for each in seen] == [str(n).encode() for n in range(10)]
    assert recorder.most_under_way(path) == 1


def test_a_failing_message_blocks_its_key_and_no_other(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    retry = {"minimum_backoff": {"nanos": 300_000_000}, "maximum_backoff": {"nanos": 300_000_000}}
    cloud.subscribe(topic, recorder.url(path), enable_message_ordering=True, retry_policy=retry)
    recorder.answer(path, [500, 200])
    cloud.publish(topic, {"data": b"a1", "ordering_key": "a"})
    recorder.wait(path, 1)

    cloud.publish(topic, {"data": b"a2", "ordering_key": "a"})
    cloud.publish(topic, {"data": b"b1", "ordering_key": "b"})
    cloud.publish(topic, {"data": b"none"})

    order = [_data(each) for each in recorder.wait(path, 5)]
    assert order[0] == b"a1"
    assert sorted(order[1:3]) == [b"b1", b"none"]
    assert order[3:] == [b"a1", b"a2"]


def test_a_dead_lettered_message_frees_its_key(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic, dead_topic = cloud.topic(), cloud.topic()
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    cloud.subscribe(
        topic,
        recorder.url(path),
        enable_message_ordering=True,
        dead_letter_policy=policy,
        retry_policy=QUICK,
    )
    recorder.answer(path, [500] * 5 + [200])

    cloud.publish(topic, *[{"data": data, "ordering_key": "k"} for data in (b"1", b"2")])

    assert [_data(each) for each in recorder.wait(path, 6)] == [b"1"] * 5 + [b"2"]


def test_without_a_policy_a_subscription_that_keeps_failing_slows_down(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    # Goal: an endpoint that is down is not hammered, and recovers.
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    recorder.answer(path, [500] * 13 + [200])

    cloud.publish(topic, {"data": b"x"})

    seen = recorder.wait(path, 14)
    assert seen[10].at_s - seen[0].at_s < 1
    gaps_s = [b.at_s - a.at_s for a, b in pairwise(seen[10:])]
    assert all(map(about, gaps_s, [0.1, 0.2, 0.4])), gaps_s
    eventually(lambda: cloud.stats()["subscriptions"][subscription]["backlog"] == 0)
