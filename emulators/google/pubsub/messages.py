"""A published message, the limits on it, and its shapes on the wire."""

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

    @property
    def number(self) -> int:
        """The message id as a number; what is published later has a higher one."""
        return int(self.message_id)

    @property
    def size_bytes(self) -> int:
        """About what the message weighs in flow control."""
        attributes = sum(len(key) + len(value) for key, value in self.attributes.items())
        return len(self.data) + attributes + len(self.ordering_key)


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


def from_wire(wire: Any) -> Message:
    return Message(
        message_id=wire.message_id,
        data=wire.data,
        attributes=dict(wire.attributes),
        ordering_key=wire.ordering_key,
        published_at=wire.publish_time.ToDatetime(tzinfo=UTC),
    )


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
