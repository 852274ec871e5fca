"""A published message, the limits on it, and its shapes on the wire."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.pubsub_v1 import types

from emulators.google.rpc import invalid

MAX_MESSAGES = 1_000
MAX_REQUEST_BYTES = 10_000_000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1_024
MAX_ORDERING_KEY_BYTES = 1_024

PubsubMessage = types.PubsubMessage.pb()


@dataclass(frozen=True, slots=True)
class Message:
    """What a topic accepted; the same object lies in the backlog of every subscription."""

    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    published_at: datetime


def check_batch(request: Any) -> None:
    """Refuse a PublishRequest that production would refuse.

    Raises:
        Refused: INVALID_ARGUMENT, for too many, too large, empty or malformed messages.
    """
    if not request.messages:
        raise invalid("The value for message_count is too small. You passed 0 in the request.")
    if len(request.messages) > MAX_MESSAGES:
        raise invalid(
            f"The value for message_count is too large. You passed {len(request.messages)} in "
            f"the request, but the maximum value is {MAX_MESSAGES}."
        )
    if request.ByteSize() > MAX_REQUEST_BYTES:
        raise invalid(
            f"The value for request_size is too large. You passed {request.ByteSize()} in the "
            f"request, but the maximum value is {MAX_REQUEST_BYTES}."
        )
    for message in request.messages:
        _check(message)


def _check(message: Any) -> None:
    if not message.data and not message.attributes:
        raise invalid("One or more messages in the publish request is empty.")
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise invalid(f"A message has at most {MAX_ATTRIBUTES} attributes.")
    if len(message.ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        raise invalid(f"An ordering key has at most {MAX_ORDERING_KEY_BYTES} bytes.")
    for key, value in message.attributes.items():
        if not key or len(key.encode()) > MAX_KEY_BYTES or key.startswith("goog"):
            raise invalid(f"The attribute key {key!r} is empty, too long or reserved.")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise invalid(f"The value of the attribute {key!r} is too long.")


def to_wire(message: Message) -> Any:
    wire = PubsubMessage(
        data=message.data,
        attributes=message.attributes,
        message_id=message.message_id,
        ordering_key=message.ordering_key,
    )
    wire.publish_time.FromDatetime(message.published_at)
    return wire


def push_body(message: Message, subscription: str, delivery_attempt: int | None) -> bytes:
    """The wrapped push request, as JSON.

    {"message": {"data" base64, "attributes", "messageId", "message_id", "publishTime",
    "publish_time", "orderingKey"}, "subscription", "deliveryAttempt"}. As in all JSON of
    protobuf, what is empty is absent: data, attributes, orderingKey.
    """
    published = rfc3339(message.published_at)
    inner: dict[str, object] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.data:
        inner["data"] = base64.b64encode(message.data).decode()
    if message.attributes:
        inner["attributes"] = message.attributes
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    body: dict[str, object] = {"message": inner, "subscription": subscription}
    if delivery_attempt is not None:
        body["deliveryAttempt"] = delivery_attempt
    return json.dumps(body, separators=(",", ":")).encode()


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
