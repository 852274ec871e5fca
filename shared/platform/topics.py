"""Publishing to Pub/Sub through Google's generated client.

The high-level publisher batches in a thread of its own and waits 10 ms for company; the outbox
already has its batches, so the plain call is both faster and simpler.
"""

from collections.abc import Sequence

from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from shared.platform.config import Config
from shared.platform.outbox import Outgoing

AT_ONCE = 500  # messages; Pub/Sub takes 1,000 or 10 MB in one call
TIMEOUT_S = 10.0  # well below the outbox lease


class Topics:
    """The topics of one project: `Destinations` of events."""

    def __init__(self, config: Config) -> None:
        self._prefix = f"projects/{config.project}/topics"
        self._client = _client(config.pubsub_address)

    def send(self, name: str, ordering_key: str, messages: Sequence[Outgoing]) -> None:
        """Publish to a topic; whoever hears an event twice knows it by its `ce-id`."""
        for start in range(0, len(messages), AT_ONCE):
            self._client.publish(
                PublishRequest(
                    topic=f"{self._prefix}/{name}",
                    messages=[
                        PubsubMessage(
                            data=message.body,
                            attributes=message.attributes,
                            ordering_key=ordering_key,
                        )
                        for message in messages[start : start + AT_ONCE]
                    ],
                ),
                timeout=TIMEOUT_S,
            )


def _client(address: str | None) -> PublisherClient:
    if address is None:
        return PublisherClient()
    import grpc  # noqa: PLC0415  only to reach a stand-in
    from google.pubsub_v1.services.publisher.transports import (  # noqa: PLC0415
        PublisherGrpcTransport,
    )

    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(address)))
