"""What Google leaves open and this stand-in had to choose: stated, so that nobody is surprised."""

import pytest
from google.cloud.pubsub_v1 import SubscriberClient

from tests.conformance.cloud import Cloud, eventually


def test_one_message_of_a_key_is_lent_at_a_time(cloud: Cloud) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(topic, enable_message_ordering=True)
    cloud.publish(topic, *[{"data": b"x", "ordering_key": key} for key in ("a", "a", "b", "")])

    keys = [each.message.ordering_key for each in cloud.pull(name)]

    assert sorted(keys) == ["", "a", "b"]


def test_subscribers_take_turns(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", cloud.addresses["pubsub"])
    topic = cloud.topic()
    name = cloud.subscribe(topic)
    seen: dict[int, int] = {0: 0, 1: 0}

    def both_listen() -> bool:
        cloud.publish(topic, {"data": b"?"})
        return all(seen.values())

    with SubscriberClient() as one, SubscriberClient() as other:
        pulling = []
        for number, client in enumerate((one, other)):

            def count(message: object, number: int = number) -> None:
                seen[number] += 1
                message.ack()  # type: ignore[attr-defined]

            pulling.append(client.subscribe(name, callback=count))
        eventually(both_listen, timeout_s=10)
        eventually(lambda: not cloud.stats()["subscriptions"][name]["backlog"])
        before = dict(seen)
        cloud.publish(topic, *[{"data": b"x"}] * 100)
        eventually(lambda: sum(seen.values()) >= sum(before.values()) + 100, timeout_s=10)
        for future in pulling:
            future.cancel()
            future.result(timeout=30)

    assert [seen[number] - before[number] for number in (0, 1)] == [50, 50]
