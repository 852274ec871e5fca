"""Try a subscriber: an event that only it hears of, on the way that all others take."""

import json

from shared.contracts.work import DeliverWebhook
from shared.flows.subscribed import require_enabled, subject_of
from shared.kit.ids import new_id
from shared.people import audit_log
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.offered import TEST_EVENT
from shared.subscribers.webhook_deliveries import Announced


def send_test_webhook(tx: Transaction, name: str, person: Person) -> str:
    """Returns the delivery's id.

    Raises:
        UnknownSubscriber: nobody has this name.
        SubscriberDisabled: it gets nothing.
    """
    subscriber = subscribers.lock_named(tx, name)
    require_enabled(subscriber)
    data = json.dumps({"subscriber": name})
    event = Announced(new_id("evt"), TEST_EVENT, tx.now, data)
    (delivery_id,), delivery = webhook_deliveries.put(tx, event, [subscriber.subscriber_id])
    tx.write(
        delivery,
        outbox.put(tx, DeliverWebhook(delivery_id=delivery_id)),
        audit_log.record(
            tx,
            person,
            "try_subscriber",
            subject_of(subscriber),
            before={},
            after={"webhook": delivery_id},
        ),
    )
    return delivery_id
