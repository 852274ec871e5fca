"""Pub/Sub push: the envelope in, an outcome out.

functions-framework would convert the envelope to a CloudEvent and drop the ordering key, the
delivery attempt and the subscription on the way, so it is read here.

| outcome | answer | what Pub/Sub does |
|---|---|---|
| done, or done before | 204 | forgets it |
| refused for good | 204, parked with its reason | forgets it |
| not yet | 503 | delivers again after a back-off |
| our fault | 500 | the same |

Why an attempt failed is noted before the last two answers. After FAILURES of them the message is
parked as well, with the reason of the last one. Pub/Sub's own count goes on while the database is
away, so it is set as high as it goes: what it gives up on comes by the dead-letter topic.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

from flask import Request, Response
from pydantic import Base64Bytes, Field

from shared.contracts.base import Cause, Document, Event, cause_of, decode, moment_of
from shared.edge import arrival, http
from shared.edge.arrival import Arrival, take
from shared.edge.attempts import forget_failures, note_failure
from shared.edge.services import Services
from shared.flows.park_under_order import concerning_order
from shared.kit.errors import DispatchError, DoneBefore, NotYet, Rejected
from shared.platform import inbox, log, trace
from shared.platform.db import Transaction
from shared.platform.dead_letters import UNDELIVERABLE, DeadLetter
from shared.platform.failed_attempts import Failure, failed

Flow = Callable[[Transaction, Any], object]

# With back-offs of 1 to 60 s these take 25 minutes. What came too early waits for others, who may
# have to try again and again themselves: longer than until the last attempt to buy a label.
FAILURES = 30


class Message(Document):
    """A message as Pub/Sub pushes it."""

    data: Base64Bytes = b""
    attributes: Annotated[dict[str, str], Field(default_factory=dict)]
    message_id: Annotated[str, Field(alias="messageId")]
    ordering_key: Annotated[str, Field(alias="orderingKey")] = ""


class Envelope(Document):
    """What Pub/Sub posts. The attempt is counted only where a dead-letter policy is set."""

    message: Message
    subscription: str
    delivery_attempt: Annotated[int, Field(alias="deliveryAttempt")] = 1

    @property
    def source(self) -> str:
        """The subscription's short name."""
        return self.subscription.rpartition("/")[2]


def consume(
    request: Request, services: Services, flows: Mapping[type[Event], Flow], *, consumer: str
) -> Response:
    """Apply one pushed event, once for this `consumer`: one flow, one transaction."""
    try:
        services.verifier.verify(request.headers.get("Authorization"))
        envelope = Envelope.decode(request.get_data())
    except DispatchError as error:
        log.line("push.refused", "WARNING", code=error.code)
        return http.problem(error)
    return take(
        request,
        services,
        _arrival(envelope),
        lambda: _consumed(envelope, services, flows, consumer),
    )


def _arrival(envelope: Envelope) -> Arrival:
    attributes = envelope.message.attributes
    return Arrival(
        what=attributes.get("ce-type", "")[:100],
        source=envelope.source,
        kind="consumer",
        parent=trace.parse(attributes.get(trace.ATTRIBUTE)),
        cause=cause_of(attributes, envelope.message.message_id),
        told_at=moment_of(attributes),
        attempt=envelope.delivery_attempt,
    )


def _consumed(
    envelope: Envelope, services: Services, flows: Mapping[type[Event], Flow], consumer: str
) -> Response:
    message, attempt = envelope.message, envelope.delivery_attempt
    with log.bound(subscription=envelope.source, message_id=message.message_id):
        cause = cause_of(message.attributes, message.message_id)
        event_id = cause.event_id
        try:
            received = decode(flows, message.attributes, message.data)
            flow = flows[type(received.event)]
            with trace.span("flow"), suppress(DoneBefore):
                services.run(lambda tx: _once(tx, consumer, flow, received.event), received.cause)
        except Rejected as error:
            return _parked(services, envelope, cause, error)
        except Exception as error:  # whatever it is, Pub/Sub shall try again
            if isinstance(error, NotYet):
                log.line("message.not_yet", code=error.code, attempt=attempt)
            else:
                log.failure("message.failed", error, code=http.code_of(error), attempt=attempt)
            if note_failure(services, envelope.source, event_id, error) >= FAILURES:
                return _parked(services, envelope, cause, error)
            return http.failed(error)
        forget_failures(services, envelope.source, event_id, attempt)
        return http.done()


def consume_dead(request: Request, services: Services) -> Response:
    """Park what Pub/Sub gave up on: under its subscription, with what its function noted last."""
    try:
        services.verifier.verify(request.headers.get("Authorization"))
        envelope = Envelope.decode(request.get_data())
    except DispatchError as error:
        log.line("push.refused", "WARNING", code=error.code)
        return http.problem(error)
    attributes = envelope.message.attributes
    source = attributes.get("CloudPubSubDeadLetterSourceSubscription", envelope.source)
    attempts = attributes.get("CloudPubSubDeadLetterSourceDeliveryCount", "0")
    cause = cause_of(attributes, envelope.message.message_id)
    letter = DeadLetter(
        source=source,
        message_id=cause.event_id,
        code=UNDELIVERABLE,
        reason=f"given up after {attempts} deliveries to {source}",
        facts={},
        failure=Failure.FAULT,
        attributes=attributes,
        payload=envelope.message.data,
        attempts=int(attempts) if attempts.isdecimal() else 0,
        ordering_key=envelope.message.ordering_key,
    )
    return take(request, services, _arrival(envelope), lambda: _park(services, letter, cause))


def _once(tx: Transaction, consumer: str, flow: Flow, event: Event) -> None:
    inbox.take(tx, consumer)
    flow(tx, event)


def _parked(services: Services, envelope: Envelope, cause: Cause, error: Exception) -> Response:
    why = failed(error)
    letter = DeadLetter(
        source=envelope.source,
        message_id=cause.event_id,
        code=why.code,
        reason=why.reason,
        facts=why.facts,
        failure=why.failure,
        attributes=envelope.message.attributes,
        payload=envelope.message.data,
        attempts=envelope.delivery_attempt,
        ordering_key=envelope.message.ordering_key,
    )
    return _park(services, letter, cause)


def _park(services: Services, letter: DeadLetter, cause: Cause) -> Response:
    try:
        services.park(services.run(lambda tx: concerning_order(tx, letter), cause), cause)
    except Exception as error:  # it must not be lost: ask for it again
        log.failure("message.not_parked", error, code=http.code_of(error))
        return http.failed(error)
    arrival.parked(letter.source, letter.code)
    log.line("message.parked", "WARNING", source=letter.source, code=letter.code)
    return http.done()
