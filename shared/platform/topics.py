"""Publishing to Pub/Sub through Google's generated client.

The high-level publisher batches in a thread of its own and waits 10 ms for company; the outbox
already has its batches, so the plain call is both faster and simpler.
"""

import time
from collections.abc import Sequence

from google.api_core.exceptions import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    Forbidden,
    GoogleAPICallError,
    InternalServerError,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
    Unauthorized,
    Unknown,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from shared.platform.config import Config
from shared.platform.outbox import (
    LONGEST_CALL,
    NoAnswer,
    NoSuchTopic,
    NotAllowed,
    NotSent,
    Outgoing,
    Unfit,
)

AT_ONCE = 500  # messages; Pub/Sub takes 1,000 or 10 MB in one call

# What passes by itself is asked for again, but not for ten minutes as the client would. An attempt
# that begins at the end of this time has as long again: the client gives an attempt that has less
# than a second left all of its time anew (google.api_core.timeout.TimeToDeadlineTimeout).
TIMEOUT_S = LONGEST_CALL.total_seconds() / 2
_RETRY = Retry(
    if_exception_type(
        Aborted, Cancelled, InternalServerError, ResourceExhausted, ServiceUnavailable, Unknown
    ),
    initial=0.1,
    maximum=1.0,
    multiplier=2.0,
    timeout=TIMEOUT_S,
)


class Topics:
    """The topics of one project: `Destinations` of events."""

    def __init__(self, config: Config) -> None:
        """Raises NotSent where there is no account to publish with."""
        self._prefix = f"projects/{config.project}/topics"
        self._client = _client(config.pubsub_address)

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Publish to a topic; whoever hears an event twice knows it by its `ce-id`."""
        begun_by_s = time.monotonic() + within_s - LONGEST_CALL.total_seconds()
        taken, at_once = 0, AT_ONCE
        while taken < len(messages):
            if taken and time.monotonic() > begun_by_s:
                raise NotSent("the topic is slow", taken=taken, topic=name)
            batch = messages[taken : taken + at_once]
            try:
                self._publish(name, ordering_key, batch)
            except InvalidArgument as error:
                if len(batch) == 1:
                    raise Unfit("the topic never takes it", taken=taken, topic=name) from error
                at_once = 1  # it was one of them, and they were all refused
            except NotFound as error:
                raise NoSuchTopic("there is no such topic", taken=taken, topic=name) from error
            except (Forbidden, Unauthorized) as error:
                raise NotAllowed("we may not publish", taken=taken, topic=name) from error
            except (DeadlineExceeded, RetryError) as error:
                raise NoAnswer("the topic does not answer", taken=taken, topic=name) from error
            except (GoogleAPICallError, GoogleAuthError) as error:
                raise NotSent("the topic did not take it", taken=taken, topic=name) from error
            else:
                taken += len(batch)

    def _publish(self, name: str, ordering_key: str, batch: Sequence[Outgoing]) -> None:
        request = PublishRequest(
            topic=f"{self._prefix}/{name}",
            messages=[
                PubsubMessage(
                    data=message.body, attributes=message.attributes, ordering_key=ordering_key
                )
                for message in batch
            ],
        )
        self._client.publish(request, retry=_RETRY, timeout=TIMEOUT_S)


def _client(address: str | None) -> PublisherClient:
    if address is None:
        try:
            return PublisherClient()
        except GoogleAuthError as error:  # the metadata server may be away for a moment
            raise NotSent("there is no account to publish with") from error
    import grpc  # noqa: PLC0415  only to reach a stand-in
    from google.pubsub_v1.services.publisher.transports import (  # noqa: PLC0415
        PublisherGrpcTransport,
    )

    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(address)))
