"""Send webhooks once more, because somebody wants it: one, or all that were given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.flows import give_out_webhooks
from shared.flows.give_out_webhooks import lock_part, send_again
from shared.flows.steps import Run
from shared.flows.subscribed import require_enabled, subject_of
from shared.people import audit_log
from shared.people.types import Person
from shared.platform.db import Transaction, Write
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.types import (
    Delivery,
    DeliveryState,
    NotGivenUp,
    Subscriber,
    UnknownDelivery,
)


@dataclass(frozen=True, slots=True)
class RedeliverWebhook:
    """A person's wish.

    Attributes:
        subscriber: the name of whose it must be; None: anybody's.
        is_given_up: they mean it only as long as it is given up.
    """

    delivery_id: str
    person: Person
    subscriber: str | None = None
    is_given_up: bool = False


def redeliver_webhook(tx: Transaction, wish: RedeliverWebhook) -> None:
    """Send this one at once, under the same id, whatever has become of it.

    Raises:
        UnknownDelivery: there is none, or none of that subscriber, or it is forgotten.
        SubscriberDisabled: its subscriber gets nothing.
        NotGivenUp: it was meant as one that is.
    """
    subscriber = subscribers.lock_of_delivery(tx, wish.delivery_id)
    delivery = webhook_deliveries.lock(tx, wish.delivery_id)
    is_theirs = subscriber is not None and wish.subscriber in {None, subscriber.name}
    if subscriber is None or delivery is None or not is_theirs:
        raise UnknownDelivery("delivery: there is none of this id", field="delivery")
    require_enabled(subscriber)
    if wish.is_given_up and delivery.state is not DeliveryState.FAILED:
        raise NotGivenUp(f"delivery: it is not given up any more, but {delivery.state}")
    tx.write(*send_again(tx, [delivery]), _kept(tx, wish.person, subscriber, [delivery]))


def redeliver_failed(run: Run, name: str, age: timedelta, person: Person) -> int:
    """Send all that were given up and are no older than `age`. Returns how many.

    Raises:
        UnknownSubscriber: nobody has this name.
        SubscriberDisabled: it gets nothing.
    """
    total, after = 0, 0
    while True:
        found = run(partial(_redeliver_part, name=name, age=age, person=person, after=after))
        total += len(found)
        if len(found) < give_out_webhooks.AT_ONCE:
            return total
        after = found[-1].sequence


def _redeliver_part(
    tx: Transaction, *, name: str, age: timedelta, person: Person, after: int
) -> Sequence[Delivery]:
    subscriber = subscribers.lock_named(tx, name)
    require_enabled(subscriber)
    found = lock_part(tx, subscriber, DeliveryState.FAILED, age=age, after=after)
    if found:
        tx.write(*send_again(tx, found), _kept(tx, person, subscriber, found))
    return found


def _kept(
    tx: Transaction, person: Person, subscriber: Subscriber, deliveries: Sequence[Delivery]
) -> Write:
    """Who had these sent again, with what had become of each."""
    return audit_log.record(
        tx,
        person,
        "redeliver_webhook",
        subject_of(subscriber),
        before={one.delivery_id: one.state.value for one in deliveries},
        after={one.delivery_id: DeliveryState.WAITING.value for one in deliveries},
    )
