"""Disable a subscriber by hand, or enable it, whoever disabled it."""

from shared.contracts.work import GiveOutWebhooks
from shared.flows.audited import keep_changes
from shared.flows.cut_off import is_cut_off
from shared.flows.subscribed import facts_of, lock_as_seen, subject_of
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.subscribers import store as subscribers
from shared.subscribers.types import Subscriber


def enable_subscriber(tx: Transaction, name: str, person: Person, seen: str | None = None) -> None:
    """It is called from now on, and all that waits for it is given out.

    One that was only paused is not paused any more. Doing it again does no harm: what is under way
    already is sent once.

    Raises:
        UnknownSubscriber: nobody has this name.
        Stale: it was changed since it was `seen`; says what.
    """
    before = lock_as_seen(tx, name, seen)
    _keep(tx, person, "enable_subscriber", before, before.enabled())
    tx.write(outbox.put(tx, GiveOutWebhooks(subscriber_id=before.subscriber_id)))


def disable_subscriber(tx: Transaction, name: str, person: Person, seen: str | None = None) -> None:
    """It is not called from now on; what happens meanwhile waits for it. Their reason is shown.

    One that is disabled since its calls failed stays so by their word, and is no alarm any more.

    Raises:
        UnknownSubscriber: nobody has this name.
        Stale: it was changed since it was `seen`; says what.
    """
    before = lock_as_seen(tx, name, seen)
    after = before.disabled(tx.now, person.reason.strip())
    # Under the same reason nothing else of it changes, and it is a person's word all the same.
    is_left_so = is_cut_off(tx, name)
    _keep(tx, person, "disable_subscriber", before, after, is_left_so=is_left_so)


def _keep(
    tx: Transaction,
    person: Person,
    action: str,
    before: Subscriber,
    after: Subscriber,
    *,
    is_left_so: bool = False,
) -> None:
    tx.write(subscribers.keep(tx, after, person.by))
    facts, now = facts_of(before), facts_of(after)
    if is_left_so:
        facts, now = {**facts, "left disabled by": "nobody"}, {**now, "left disabled by": person.by}
    # What is left alone is called again by being enabled, and nothing else of it has changed.
    facts = {**facts, "failures in a row": str(before.standing.failures)}
    now = {**now, "failures in a row": str(after.standing.failures)}
    keep_changes(tx, person, action, subject_of(after), before=facts, after=now)
