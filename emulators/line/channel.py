"""Publishing as upstream services do: CloudEvents over Pub/Sub, through Google's client."""

from collections.abc import Sequence
from datetime import UTC, datetime

import grpc
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from emulators.line.script import Message

PUBLISHED_AT_ONCE = 100


class Channel:
    """One publisher."""

    def __init__(self, address: str, project: str) -> None:
        transport = PublisherGrpcTransport(channel=grpc.insecure_channel(address))
        self._client = PublisherClient(transport=transport)
        self._project = project

    def publish(self, topic: str, messages: Sequence[Message], ordering_key: str = "") -> None:
        """Publish in order; with a key they are delivered in order too."""
        path = f"projects/{self._project}/topics/{topic}"
        for start in range(0, len(messages), PUBLISHED_AT_ONCE):
            batch = messages[start : start + PUBLISHED_AT_ONCE]
            self._client.publish(
                PublishRequest(
                    topic=path, messages=[_as_cloud_event(one, ordering_key) for one in batch]
                ),
                timeout=10,
            )


def _as_cloud_event(message: Message, ordering_key: str) -> PubsubMessage:
    return PubsubMessage(
        data=message.body,
        ordering_key=ordering_key,
        attributes={
            "ce-specversion": "1.0",
            "ce-id": message.event_id,
            "ce-type": message.type,
            "ce-source": "//channel/replay",
            "ce-time": datetime.now(UTC).isoformat(),
            "content-type": "application/json",
            **({"ce-priority": "express"} if message.express else {}),
        },
    )
