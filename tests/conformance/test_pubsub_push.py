"""Push: the body, the token, what acknowledges, and who waits for whom."""

import base64
import json
from datetime import datetime

import pytest
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import PublisherOptions
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import Cloud, eventually
from tests.conformance.recorder import Recorder

NO_REDELIVERY_WITHIN_S = 0.3


def test_the_body_wraps_the_message(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))

    (message_id,) = cloud.publish(
        topic, {"data": b"\xff\x00", "attributes": {"a": "1"}, "ordering_key": "k"}
    )

    (seen,) = recorder.wait(path, 1)
    body = json.loads(seen.body)
    published = body["message"]["publishTime"]
    assert body == {
        "message": {
            "data": base64.b64encode(b"\xff\x00").decode(),
            "attributes": {"a": "1"},
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published,
            "publish_time": published,
            "orderingKey": "k",
        },
        "subscription": subscription,
    }
    assert published.endswith("Z")
    assert datetime.fromisoformat(published).tzinfo is not None
    assert seen.headers["Content-Type"] == "application/json"


def test_what_is_empty_is_absent(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path))

    cloud.publish(topic, {"attributes": {"a": "1"}}, {"data": b"x"})

    bodies = [json.loads(seen.body)["message"] for seen in recorder.wait(path, 2)]
    fields = sorted(sorted(body.keys() & {"data", "attributes", "orderingKey"}) for body in bodies)
    assert fields == [["attributes"], ["data"]]


def test_the_high_level_client_publishes_in_order(
    cloud: Cloud, recorder: Recorder, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: the client that the functions use, with its batching, finds the emulator by itself.
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", cloud.addresses["pubsub"])
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path), enable_message_ordering=True)
    options = PublisherOptions(enable_message_ordering=True)
    publisher = PublisherClient(publisher_options=options)

    sent = [publisher.publish(topic, str(n).encode(), ordering_key="k") for n in range(20)]

    ids = [future.result(timeout=30) for future in sent]
    seen = recorder.wait(path, 20)
    publisher.stop()
    assert [json.loads(each.body)["message"]["messageId"] for each in seen] == ids


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_these_answers_acknowledge(
    cloud: Cloud, recorder: Recorder, path: str, status: int
) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    recorder.answer(path, [status])

    cloud.publish(topic, {"data": b"x"})

    recorder.wait(path, 1)
    eventually(lambda: cloud.stats()["subscriptions"][subscription]["delivered"] == 1)
    assert cloud.stats()["subscriptions"][subscription]["backlog"] == 0


@pytest.mark.parametrize("status", [203, 302, 400, 404, 429, 500, 503])
def test_every_other_answer_is_a_refusal_and_comes_again_at_once(
    cloud: Cloud, recorder: Recorder, path: str, status: int
) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    elsewhere = f"{path}/elsewhere"  # of this test: Google's emulator does go there
    recorder.answer(path, [(status, {"Location": recorder.url(elsewhere)}), 200])

    cloud.publish(topic, {"data": b"x"})

    first, second = recorder.wait(path, 2)
    assert second.at_s - first.at_s < 1
    eventually(lambda: cloud.stats()["subscriptions"][subscription]["delivered"] == 1)
    assert cloud.stats()["subscriptions"][subscription]["failed"] == 1
    assert recorder.seen(elsewhere) == []


def test_a_subscription_sees_what_is_published_after_it_was_made(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    cloud.publish(topic, {"data": b"before"})
    cloud.subscribe(topic, recorder.url(path))

    cloud.publish(topic, {"data": b"after"})

    (seen,) = recorder.wait(path, 1)
    assert base64.b64decode(json.loads(seen.body)["message"]["data"]) == b"after"


def test_one_slow_subscriber_holds_up_nobody_else(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    # Goal: the window of pushes under way is bounded for each subscription by itself.
    topic, slow, fast = cloud.topic(), f"{path}-slow", f"{path}-fast"
    cloud.subscribe(topic, recorder.url(slow))
    cloud.subscribe(topic, recorder.url(fast))
    recorder.hold(slow)

    cloud.publish(topic, *[{"data": b"x"}] * 100)

    recorder.wait(fast, 100)
    recorder.wait(slow, 64)
    assert len(recorder.seen(slow)) == 64
    recorder.release(slow)
    recorder.wait(slow, 100)
    assert recorder.most_under_way(slow) == 64


def test_a_new_endpoint_gets_what_the_old_one_refused(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic, dead, alive = cloud.topic(), f"{path}-dead", f"{path}-alive"
    retry = {"minimum_backoff": {"nanos": 100_000_000}, "maximum_backoff": {"seconds": 1}}
    subscription = cloud.subscribe(topic, recorder.url(dead), retry_policy=retry)
    recorder.answer(dead, [500])
    cloud.publish(topic, {"data": b"x"})
    recorder.wait(dead, 1)

    cloud.subscriber.modify_push_config(
        request={
            "subscription": subscription,
            "push_config": {"push_endpoint": recorder.url(alive)},
        }
    )

    recorder.wait(alive, 1)


def test_without_an_endpoint_a_subscription_is_pulled(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    cloud.subscriber.modify_push_config(request={"subscription": subscription, "push_config": {}})
    cloud.publish(topic, {"data": b"x"})

    assert [each.message.data for each in cloud.pull(subscription)] == [b"x"]
    assert recorder.seen(path) == []


def test_an_update_can_turn_pull_into_push(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    cloud.publish(topic, {"data": b"x"})

    cloud.subscriber.update_subscription(
        request={
            "subscription": {
                "name": subscription,
                "push_config": {"push_endpoint": recorder.url(path)},
            },
            "update_mask": FieldMask(paths=["push_config"]),
        }
    )

    recorder.wait(path, 1)


def test_pushes_to_a_deleted_subscription_end(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    retry = {"minimum_backoff": {"nanos": 50_000_000}, "maximum_backoff": {"nanos": 50_000_000}}
    subscription = cloud.subscribe(topic, recorder.url(path), retry_policy=retry)
    recorder.answer(path, [500])
    cloud.publish(topic, {"data": b"x"})
    recorder.wait(path, 2)

    cloud.subscriber.delete_subscription(request={"subscription": subscription})

    before = len(recorder.seen(path))
    with pytest.raises(AssertionError):
        recorder.wait(path, before + 2, timeout_s=NO_REDELIVERY_WITHIN_S)
