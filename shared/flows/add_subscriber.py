"""Somebody wants webhooks."""

from shared.flows.subscribed import WantedSubscriber, check, facts_of, subject_of
from shared.kit.ids import new_id
from shared.people import audit_log
from shared.platform.db import Transaction
from shared.platform.http import Reach
from shared.subscribers import signing
from shared.subscribers import store as subscribers
from shared.subscribers.signing import Keyring
from shared.subscribers.types import SecretName, Secrets, Subscriber


def add_subscriber(
    tx: Transaction, wish: WantedSubscriber, keyring: Keyring, reach: Reach
) -> tuple[Subscriber, str]:
    """From now on it is told. Returns it with its secret, which is stored nowhere.

    Raises:
        Malformed: a field is wrong; `field` is its name.
        NameTaken: there is one of this name.
    """
    check(wish, reach)
    name = SecretName(1, keyring.newest_id)
    subscriber = Subscriber(
        subscriber_id=new_id("whs"),
        name=wish.name,
        url=wish.url,
        event_types=wish.wanted_types,
        channel=wish.channel,
        secrets=Secrets(name),
    )
    subscribers.add(tx, subscriber, wish.person.by)
    tx.write(
        audit_log.record(
            tx,
            wish.person,
            "add_subscriber",
            subject_of(subscriber),
            before={},
            after=facts_of(subscriber),
        )
    )
    return subscriber, signing.shown(keyring.secret(subscriber.subscriber_id, name))
