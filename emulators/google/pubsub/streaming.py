"""StreamingPull: messages go out as they come, acknowledgements may come in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.pubsub_v1 import types

from emulators.google.pubsub.acknowledging import extend
from emulators.google.pubsub.delivery import Delivery
from emulators.google.pubsub.leases import Lease, Stream, check_ack_ids
from emulators.google.pubsub.messages import to_wire
from emulators.google.pubsub.subscription import Subscription
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Refused, invalid

SHORTEST_DEADLINE_S, LONGEST_DEADLINE_S = 10, 600

Request = Any
Properties = types.StreamingPullResponse.SubscriptionProperties.pb()


class Streaming:
    """The method over `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def handlers(self) -> dict[str, Any]:
        return {
            "StreamingPull": grpc.stream_stream_rpc_method_handler(
                self._stream,
                request_deserializer=types.StreamingPullRequest.pb().FromString,
                response_serializer=types.StreamingPullResponse.pb().SerializeToString,
            )
        }

    async def _stream(self, requests: AsyncIterator[Request], context: Any) -> None:
        try:
            first = await anext(requests, None)
            if first is None:
                return
            subscription = self._topics.subscription(first.subscription)
            subscription.refuse_pull()
            stream = _opened(first)
            _obey(first, subscription)
            await _serve(requests, context, subscription, stream)
        except Refused as refused:
            await context.abort(refused.code, refused.message)


def received(lease: Lease, delivery: Delivery) -> Any:
    """The protobuf ReceivedMessage of a lease; attempts show with a dead-letter policy only."""
    attempt = lease.entry.attempts if delivery.settings.dead_letter else 0
    return types.ReceivedMessage.pb()(
        ack_id=lease.ack_id, message=to_wire(lease.entry.message), delivery_attempt=attempt
    )


async def _serve(
    requests: AsyncIterator[Request], context: Any, subscription: Subscription, stream: Stream
) -> None:
    reading = asyncio.create_task(_read(requests, subscription, stream))
    writing = asyncio.create_task(_write(context, subscription, stream))
    subscription.leases.open(stream)
    try:
        done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # raises what ended it
    finally:
        subscription.leases.leave(stream)
        reading.cancel()
        writing.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _write(context: Any, subscription: Subscription, stream: Stream) -> None:
    while True:
        leases = await stream.next()
        await context.write(_response(leases, subscription.delivery))


async def _read(
    requests: AsyncIterator[Request], subscription: Subscription, stream: Stream
) -> None:
    async for request in requests:
        if request.subscription:
            raise invalid("The subscription may be set in the first request of a stream only.")
        if request.max_outstanding_messages or request.max_outstanding_bytes:
            raise invalid("Flow control may be set in the first request of a stream only.")
        if request.stream_ack_deadline_seconds:
            stream.deadline_s = _deadline_s(request)
        _obey(request, subscription)


def _opened(first: Request) -> Stream:
    return Stream(first.max_outstanding_messages, first.max_outstanding_bytes, _deadline_s(first))


def _deadline_s(request: Request) -> int:
    deadline_s = int(request.stream_ack_deadline_seconds)
    if not SHORTEST_DEADLINE_S <= deadline_s <= LONGEST_DEADLINE_S:
        raise invalid(
            f"Invalid stream_ack_deadline_seconds given: {deadline_s}. It must be between "
            f"{SHORTEST_DEADLINE_S} and {LONGEST_DEADLINE_S}."
        )
    return deadline_s


def _obey(request: Request, subscription: Subscription) -> None:
    check_ack_ids(request.ack_ids)
    subscription.leases.acknowledge(request.ack_ids)
    ack_ids, deadlines_s = request.modify_deadline_ack_ids, request.modify_deadline_seconds
    if len(ack_ids) != len(deadlines_s):
        raise invalid("There must be as many modify_deadline_seconds as modify_deadline_ack_ids.")
    for ack_id, deadline_s in zip(ack_ids, deadlines_s, strict=True):
        extend(subscription, [ack_id], deadline_s)


def _response(leases: Sequence[Lease], delivery: Delivery) -> Any:
    return types.StreamingPullResponse.pb()(
        received_messages=[received(lease, delivery) for lease in leases],
        subscription_properties=Properties(
            exactly_once_delivery_enabled=delivery.settings.exactly_once,
            message_ordering_enabled=delivery.settings.ordered,
        ),
    )
