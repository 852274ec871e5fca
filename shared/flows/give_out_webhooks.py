"""The work of webhooks that wait, given out anew: of certain ones, or of all for a subscriber."""

from collections.abc import Sequence
from datetime import timedelta

from shared.contracts.work import DeliverWebhook, GiveOutWebhooks
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.lifecycle import LIFECYCLE, DeliveryStep
from shared.subscribers.types import Delivery, DeliveryState, Subscriber, SubscriberState
from shared.subscribers.webhook_deliveries import KEPT

AT_ONCE = 500  # of one transaction, each with a task of its own


def give_out_webhooks(tx: Transaction, work: GiveOutWebhooks) -> None:
    """Give out the work of what waits for a subscriber, a part of it; what follows is work again.

    Nothing happens where it is disabled: whoever enables it has it done.
    """
    subscriber = subscribers.lock(tx, work.subscriber_id)
    if subscriber.state is SubscriberState.DISABLED:
        return
    found = lock_part(tx, subscriber, DeliveryState.WAITING, age=KEPT, after=work.after)
    if not found:
        return
    tx.write(*send_again(tx, found))
    if len(found) == AT_ONCE:
        rest = GiveOutWebhooks(subscriber_id=work.subscriber_id, after=found[-1].sequence)
        tx.write(outbox.put(tx, rest))


def lock_part(
    tx: Transaction, subscriber: Subscriber, state: DeliveryState, *, age: timedelta, after: int
) -> Sequence[Delivery]:
    """The oldest that stand there behind a sequence, `AT_ONCE` of them or the last."""
    return webhook_deliveries.lock_some(
        tx, subscriber.subscriber_id, state, since=tx.now - age, after=after, limit=AT_ONCE
    )


def send_again(tx: Transaction, deliveries: Sequence[Delivery]) -> tuple[Write, Write]:
    """These locked ones wait from now on, and have work."""
    for delivery in deliveries:
        LIFECYCLE.advance(delivery.state, DeliveryStep.REDELIVER)
    ids = [delivery.delivery_id for delivery in deliveries]
    work = (DeliverWebhook(delivery_id=delivery_id) for delivery_id in ids)
    return webhook_deliveries.again(ids), outbox.put(tx, *work)
