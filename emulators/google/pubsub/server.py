"""The services of Pub/Sub, as gRPC handlers."""

from collections.abc import Sequence

import grpc

from emulators.google.pubsub.acknowledging import Acknowledging
from emulators.google.pubsub.publisher import Publisher
from emulators.google.pubsub.schema_service import SchemaService
from emulators.google.pubsub.streaming import Streaming
from emulators.google.pubsub.subscriber import Subscriber
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import service

SUBSCRIBER = "google.pubsub.v1.Subscriber"


def services(topics: Topics) -> Sequence[grpc.GenericRpcHandler]:
    """Handlers for everything that is offered; gRPC asks one after the other for a method."""
    return [
        service("google.pubsub.v1.Publisher", Publisher(topics).methods()),
        service("google.pubsub.v1.SchemaService", SchemaService(topics).methods()),
        service(SUBSCRIBER, Subscriber(topics).methods()),
        grpc.method_handlers_generic_handler(SUBSCRIBER, Acknowledging(topics).handlers()),
        grpc.method_handlers_generic_handler(SUBSCRIBER, Streaming(topics).handlers()),
    ]
