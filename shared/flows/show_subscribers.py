"""Who gets webhooks, as the console shows them: all of them, one with its webhooks, or one webhook.

What is in a webhook is not shown: it may be about an order that is none of theirs who look.
"""

from datetime import datetime

from shared.contracts.http_ops_subscribers import (
    AttemptRow,
    DeliveryFilters,
    DeliveryRow,
    OpsSubscriber,
    OpsSubscribers,
    OpsWebhook,
    PreviousSecret,
    SubscriberRow,
    TriedNext,
)
from shared.flows.cut_off import is_cut_off
from shared.flows.subscribed import facts_of
from shared.flows.versions import version
from shared.kit.breaker import BreakerState
from shared.kit.errors import Malformed
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.offered import OFFERED
from shared.subscribers.store import Standings
from shared.subscribers.types import (
    DeliveryState,
    Subscriber,
    SubscriberState,
    UnknownSubscriber,
)
from shared.subscribers.webhook_deliveries import Journal

PAGE = 50
_LONGEST = 18  # digits of a number that Postgres has as well


def show_subscribers(tx: Transaction, who: Who) -> OpsSubscribers:
    """All of them, by name."""
    return OpsSubscribers(
        at=tx.now,
        subscribers=tuple(_row(tx, one) for one in subscribers.all_of(tx)),
        offered=tuple(sorted(OFFERED)),
        acts=("add",) if who.may(Action.SET_SUBSCRIBERS) else (),
    )


def show_subscriber(tx: Transaction, name: str, asked: DeliveryFilters, who: Who) -> OpsSubscriber:
    """One of them, with the next page of the webhooks that fit.

    Raises:
        UnknownSubscriber: nobody has this name.
        Malformed: the cursor is not one of ours.
    """
    standings = _found(tx, name)
    journals = webhook_deliveries.page(
        tx,
        name=name,
        state=DeliveryState(asked.state) if asked.state else None,
        before=_before(asked.cursor),
        limit=PAGE + 1,
    )
    shown = journals[:PAGE]
    return OpsSubscriber(
        at=tx.now,
        version=version(facts_of(standings.subscriber)),
        subscriber=_row(tx, standings),
        deliveries=tuple(_delivery(tx, journal, standings.subscriber) for journal in shown),
        next=str(shown[-1].delivery.sequence) if len(journals) > PAGE else None,
        offered=tuple(sorted(OFFERED)),
        acts=_acts(tx, standings, who),
    )


def show_webhook(tx: Transaction, name: str, delivery_id: str, who: Who) -> OpsWebhook:
    """A subscriber's webhook with every attempt.

    Raises:
        UnknownSubscriber: nobody has this name.
        UnknownDelivery: there is none, or it is forgotten.
    """
    subscriber = _found(tx, name).subscriber
    journal = webhook_deliveries.journal(tx, name, delivery_id)
    return OpsWebhook(
        at=tx.now,
        subscriber=name,
        webhook=_delivery(tx, journal, subscriber),
        attempts=tuple(
            AttemptRow(
                number=one.number,
                started_at=one.started_at,
                duration_ms=one.duration_ms,
                status=one.status,
                error=one.error,
            )
            for one in journal.attempts
        ),
        acts=("redeliver",) if who.may(Action.SET_SUBSCRIBERS) else (),
    )


def _found(tx: Transaction, name: str) -> Standings:
    found = subscribers.all_of(tx, name)
    if not found:
        raise UnknownSubscriber(f"nobody called {name} gets webhooks", subscriber=name)
    return found[0]


def _acts(tx: Transaction, standings: Standings, who: Who) -> tuple[str, ...]:
    if not who.may(Action.SET_SUBSCRIBERS):
        return ()
    if standings.subscriber.state is SubscriberState.DISABLED:
        may_be_left = is_cut_off(tx, standings.subscriber.name)
        return ("change", "rotate", "enable", *(("disable",) if may_be_left else ()))
    # Whoever is left alone is enabled to be called at once.
    calls = ("enable",) if standings.subscriber.standing.breaker.next_probe_at is not None else ()
    return ("change", "rotate", "try", "redeliver", "disable", *calls)


def _row(tx: Transaction, standings: Standings) -> SubscriberRow:
    subscriber = standings.subscriber
    standing, breaker = subscriber.standing, subscriber.standing.breaker
    retiring = subscriber.secrets.retiring_at(tx.now)
    return SubscriberRow(
        name=subscriber.name,
        url=subscriber.url,
        event_types=subscriber.event_types,
        channel=subscriber.channel,
        state=subscriber.state.value,
        disabled_at=subscriber.disabled_at,
        disabled_because=subscriber.disabled_because,
        calls=breaker.state(tx.now).value,
        next_probe_at=breaker.next_probe_at,
        failures=standing.failures,
        failed_at=standing.failed_at,
        failing_since=standing.failing_since,
        delivered_at=subscriber.delivered_at,
        waiting=standings.waiting,
        failed=standings.failed,
        secret_version=subscriber.secrets.current.version,
        signing_key=subscriber.secrets.current.key_id,
        previous_secret_until=retiring[0].until if retiring else None,
        previous_secrets=tuple(
            PreviousSecret(version=one.name.version, until=one.until) for one in retiring
        ),
        added_at=standings.added_at,
        added_by=standings.added_by,
        changed_at=standings.changed_at,
        changed_by=standings.changed_by,
    )


def _delivery(tx: Transaction, journal: Journal, subscriber: Subscriber) -> DeliveryRow:
    delivery = journal.delivery
    is_under_way = delivery.leased_until is not None and delivery.leased_until > tx.now
    breaker = subscriber.standing.breaker
    state = breaker.state(tx.now)
    not_before: datetime | None = None
    tried_next: TriedNext | None
    if delivery.state is not DeliveryState.WAITING:
        tried_next = None
    elif is_under_way:
        tried_next = "now"
    elif subscriber.state is SubscriberState.DISABLED:
        tried_next = "when_enabled"
    elif state is not BreakerState.CLOSED:
        tried_next = "when_called_again"
        not_before = breaker.next_probe_at if state is BreakerState.OPEN else None
    else:
        tried_next = "within_the_hour"
    last = journal.attempts[-1] if journal.attempts else None
    return DeliveryRow(
        delivery_id=delivery.delivery_id,
        sequence=delivery.sequence,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        state=delivery.state.value,
        is_under_way=is_under_way,
        attempts=delivery.attempts,
        attempts_left=delivery.attempts_left,
        last_at=last.started_at if last is not None else None,
        status=last.status if last is not None else None,
        error=last.error if last is not None else None,
        tried_next=tried_next,
        not_before=not_before,
        created_at=journal.created_at,
        ended_at=journal.ended_at,
    )


def _before(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _LONGEST):
        raise Malformed("cursor: is none that was given out", field="cursor")
    return int(cursor)
