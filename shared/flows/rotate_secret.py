"""A subscriber gets a new secret; those before sign too for a while, so it misses nothing."""

from dataclasses import dataclass, replace
from datetime import timedelta

from shared.flows.audited import keep_changes
from shared.flows.subscribed import facts_of, lock_as_seen, subject_of
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.subscribers import signing
from shared.subscribers import store as subscribers
from shared.subscribers.signing import Keyring
from shared.subscribers.types import Subscriber

OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """A person's wish.

    Attributes:
        overlap: for how long the secret before still signs; none where others know it, and then
            no other one of before signs any more.
        seen: the version that they had before them; None: they did not look.
    """

    name: str
    person: Person
    overlap: timedelta = OVERLAP
    seen: str | None = None


def rotate_secret(tx: Transaction, wish: RotateSecret, keyring: Keyring) -> tuple[Subscriber, str]:
    """Returns the subscriber with its new secret, which is stored nowhere.

    Raises:
        UnknownSubscriber: nobody has this name.
        TooManySecrets: as many sign as may.
        Stale: it was changed since; says what.
    """
    before = lock_as_seen(tx, wish.name, wish.seen)
    secrets = before.secrets.rotated(keyring.newest_id, tx.now, wish.overlap)
    after = replace(before, secrets=secrets)
    tx.write(subscribers.keep(tx, after, wish.person.by))
    keep_changes(
        tx,
        wish.person,
        "rotate_secret",
        subject_of(after),
        before=facts_of(before),
        after=facts_of(after),
    )
    return after, signing.shown(keyring.secret(after.subscriber_id, secrets.current))
