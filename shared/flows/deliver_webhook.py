"""Deliver a webhook: record the attempt, call the subscriber, record what came of it.

The network is never touched inside a transaction. Whoever dies between the parts is followed by
the queue's next attempt, which sends the same bytes under the same id: subscribers hear of an event
at least once, and know it by its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter_ns
from typing import Protocol

from shared.contracts.work import DeliverWebhook
from shared.flows.steps import Run
from shared.kit.errors import Fact, NotYet
from shared.platform import live_changes, log
from shared.platform.db import Transaction
from shared.platform.http import Answer, BadUrl, NoAnswer
from shared.subscribers import signing, webhook_attempts, webhook_deliveries
from shared.subscribers import store as subscribers
from shared.subscribers.lifecycle import LIFECYCLE, DeliveryStep
from shared.subscribers.signing import Keyring
from shared.subscribers.standing import MOST_AT_ONCE, Standing
from shared.subscribers.types import (
    Delivery,
    DeliveryState,
    DeliveryUnderWay,
    Subscriber,
    SubscriberBusy,
    SubscriberPaused,
    SubscriberState,
)

GONE = 410  # "do not come back", RFC 9110 15.5.11
TIMEOUT_S = 10.0
MOST_BYTES = 4_096  # of an answer, of which only the status counts


class NotDelivered(NotYet):
    """The subscriber did not take it; it is tried again."""

    code = "not_delivered"


class Sender(Protocol):
    """What posts to subscribers."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Attempt:
    delivery_id: str
    subscriber_id: str
    number: int
    started_at: datetime
    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Outcome:
    duration_ms: int
    status: int | None = None
    error: str | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_webhook(run: Run, work: DeliverWebhook, sender: Sender, keyring: Keyring) -> None:
    """One attempt. Nothing happens where nothing waits, or the subscriber is disabled.

    Raises:
        NotDelivered: it was not taken, and is tried again.
        SubscriberPaused, SubscriberBusy, DeliveryUnderWay: it was not tried now.
        UnknownKey: somebody has to look.
    """
    attempt = run(lambda tx: _begin(tx, work.delivery_id, keyring))
    if attempt is None:
        return
    outcome = _send(sender, attempt)
    is_tried_again = run(lambda tx: _record(tx, attempt, outcome))
    facts: dict[str, Fact] = {
        "subscriber_id": attempt.subscriber_id,
        "delivery_id": attempt.delivery_id,
        "number": attempt.number,
        "status": outcome.status,
        "error": outcome.error,
    }
    if not outcome.is_taken:
        log.line("webhook.not_taken", "WARNING", **facts, duration_ms=outcome.duration_ms)
    if is_tried_again:
        raise NotDelivered("the subscriber did not take it", **facts)


def give_up_webhook(tx: Transaction, work: DeliverWebhook) -> None:
    """Its work will not come again, for a reason that is not its subscriber's."""
    subscribers.lock_of_delivery(tx, work.delivery_id)
    delivery = webhook_deliveries.lock(tx, work.delivery_id)
    if delivery is not None and delivery.state is DeliveryState.WAITING:
        _give_up(tx, delivery)


def _begin(tx: Transaction, delivery_id: str, keyring: Keyring) -> _Attempt | None:
    subscriber = subscribers.lock_of_delivery(tx, delivery_id)
    delivery = webhook_deliveries.lock(tx, delivery_id)
    if subscriber is None or delivery is None:
        return None  # it is forgotten
    if delivery.state is not DeliveryState.WAITING:
        return None
    if subscriber.state is SubscriberState.DISABLED:
        return None  # whoever enables it gives out the work anew
    _admit(tx, subscriber, delivery)
    if not delivery.attempts_left:  # the last one died
        _give_up(tx, delivery)
        return None
    secrets = keyring.signing(subscriber.subscriber_id, subscriber.secrets.signing_at(tx.now))
    body = delivery.body
    number = delivery.attempts + 1
    tx.write(
        webhook_deliveries.claim(tx, delivery_id),
        webhook_attempts.begin(tx, delivery_id, number),
    )
    return _Attempt(
        delivery_id=delivery_id,
        subscriber_id=subscriber.subscriber_id,
        number=number,
        started_at=tx.now,
        url=subscriber.url,
        body=body,
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Dispatch-Webhooks/1",
            **signing.headers(delivery.event_id, tx.now, body, secrets),
        },
    )


def _admit(tx: Transaction, subscriber: Subscriber, delivery: Delivery) -> None:
    """Raise unless the subscriber may be called now. Its row is locked, so nobody else decides."""
    facts = {"subscriber_id": subscriber.subscriber_id}
    if delivery.leased_until is not None and delivery.leased_until > tx.now:
        raise DeliveryUnderWay("an attempt is under way", **facts)
    under_way = webhook_deliveries.under_way(tx, subscriber.subscriber_id)
    if subscriber.standing.is_paused(tx.now, under_way):
        raise SubscriberPaused("the subscriber does not answer and is left alone", **facts)
    if under_way >= MOST_AT_ONCE:
        raise SubscriberBusy("enough calls to the subscriber are under way", **facts)


def _send(sender: Sender, attempt: _Attempt) -> _Outcome:
    begun_ns = perf_counter_ns()
    status: int | None = None
    error: str | None = None
    try:
        status = sender.post(attempt.url, attempt.body, attempt.headers).status
    except NoAnswer as missing:
        error = missing.reason
    except BadUrl as bad:  # the rules have become stricter since it was added
        error = bad.code
    return _Outcome((perf_counter_ns() - begun_ns) // 1_000_000, status, error)


def _record(tx: Transaction, attempt: _Attempt, outcome: _Outcome) -> bool:
    """Note what came of it. Returns whether it is to be tried again."""
    subscriber = subscribers.lock(tx, attempt.subscriber_id)
    delivery = webhook_deliveries.lock(tx, attempt.delivery_id)
    if delivery is None:
        return False  # it was forgotten meanwhile
    if outcome.is_taken:
        after = replace(subscriber, standing=Standing(), delivered_at=tx.now)
    elif subscriber.url != attempt.url:
        after = subscriber  # an address that it has no more says nothing about the one that it has
    else:
        after = _failed(tx, subscriber, attempt, outcome)
    writes = [
        subscribers.keep(tx, after),
        webhook_attempts.end(
            attempt.delivery_id,
            attempt.number,
            duration_ms=outcome.duration_ms,
            status=outcome.status,
            error=outcome.error,
        ),
    ]
    state = _state(delivery, attempt, outcome)
    if state is not None:
        writes.append(webhook_deliveries.move(tx, delivery.delivery_id, state))
    tx.write(*writes, live_changes.note(tx, f"subscriber:{after.name}"))
    if state is DeliveryState.FAILED:
        _log_given_up(delivery)
    return state is DeliveryState.WAITING and after.state is SubscriberState.ENABLED


def _state(delivery: Delivery, attempt: _Attempt, outcome: _Outcome) -> DeliveryState | None:
    """Where the delivery stands now; None where this attempt has nothing more to say about it."""
    if delivery.state is not DeliveryState.WAITING:
        return None
    if outcome.is_taken:
        return LIFECYCLE.advance(delivery.state, DeliveryStep.DELIVER)
    if delivery.attempts != attempt.number:
        return None  # it outlived its lease, and another attempt is under way
    if delivery.attempts_left or outcome.status == GONE:
        return DeliveryState.WAITING
    return LIFECYCLE.advance(delivery.state, DeliveryStep.GIVE_UP)


def _failed(
    tx: Transaction, subscriber: Subscriber, attempt: _Attempt, outcome: _Outcome
) -> Subscriber:
    standing = subscriber.standing.after_failure(tx.now, attempt.started_at)
    after = replace(subscriber, standing=standing)
    if after.state is SubscriberState.DISABLED:
        return after
    if outcome.status == GONE:
        reason = "it answered that it is gone (410)"
    elif standing.is_hopeless(tx.now):
        reason = f"{standing.failures} calls in a row have failed, since {standing.failing_since}"
    else:
        return after
    log.line(
        "webhook.subscriber_disabled",
        "ERROR",
        subscriber_id=subscriber.subscriber_id,
        failures=standing.failures,
        status=outcome.status,
    )
    return after.disabled(tx.now, reason)


def _give_up(tx: Transaction, delivery: Delivery) -> None:
    state = LIFECYCLE.advance(delivery.state, DeliveryStep.GIVE_UP)
    tx.write(webhook_deliveries.move(tx, delivery.delivery_id, state))
    _log_given_up(delivery)


def _log_given_up(delivery: Delivery) -> None:
    log.line(
        "webhook.given_up",
        "WARNING",
        subscriber_id=delivery.subscriber_id,
        delivery_id=delivery.delivery_id,
        attempts=delivery.attempts,
    )
