"""Unwrapped push: the data is the body, and metadata are headers if wanted."""

from datetime import datetime

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.recorder import Recorder


def test_the_body_is_the_data_and_nothing_else(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path), push_config={"no_wrapper": {}})

    cloud.publish(topic, {"data": b"\xff\x00 raw", "attributes": {"a": "1"}, "ordering_key": "k"})

    (seen,) = recorder.wait(path, 1)
    assert seen.body == b"\xff\x00 raw"
    assert [name for name in seen.headers if name.lower().startswith("x-goog-pubsub")] == []
    assert "a" not in seen.headers


def test_metadata_become_headers(cloud: Cloud, recorder: Recorder, path: str) -> None:
    topic = cloud.topic()
    name = cloud.subscribe(
        topic, recorder.url(path), push_config={"no_wrapper": {"write_metadata": True}}
    )

    attributes = {"colour": "red"}
    (message_id,) = cloud.publish(
        topic, {"data": b"x", "attributes": attributes, "ordering_key": "k"}
    )

    (seen,) = recorder.wait(path, 1)
    assert seen.headers["x-goog-pubsub-subscription-name"] == name
    assert seen.headers["x-goog-pubsub-message-id"] == message_id
    assert seen.headers["x-goog-pubsub-ordering-key"] == "k"
    assert datetime.fromisoformat(seen.headers["x-goog-pubsub-publish-time"]).tzinfo
    assert seen.headers["colour"] == "red"


def test_the_body_is_not_called_a_form(cloud: Cloud, recorder: Recorder, path: str) -> None:
    # Goal: a web framework must not eat the body as a form.
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path), push_config={"no_wrapper": {}})

    cloud.publish(topic, {"data": b"a=1"})

    (seen,) = recorder.wait(path, 1)
    assert seen.headers["Content-Type"] != "application/x-www-form-urlencoded"


@pytest.mark.parametrize("key", ["has space", "line\nbreak"])
def test_what_cannot_be_a_header_holds_nothing_up(
    cloud: Cloud, recorder: Recorder, path: str, key: str
) -> None:
    topic = cloud.topic()
    cloud.subscribe(topic, recorder.url(path), push_config={"no_wrapper": {"write_metadata": True}})

    cloud.publish(topic, {"data": b"x", "attributes": {key: "1", "value": "a\r\nb: c"}})

    (seen,) = recorder.wait(path, 1)
    assert seen.body == b"x"
    assert "value" not in seen.headers
