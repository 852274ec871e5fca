"""Where a subscriber's webhooks go from now on, and which they are."""

from dataclasses import replace

from shared.flows.audited import keep_changes
from shared.flows.subscribed import WantedSubscriber, check, facts_of, lock_as_seen, subject_of
from shared.platform.db import Transaction
from shared.platform.http import Reach
from shared.subscribers import store as subscribers
from shared.subscribers.standing import Standing


def change_subscriber(tx: Transaction, wish: WantedSubscriber, reach: Reach) -> None:
    """All that is sent from now on goes there, also what waits already.

    Which events are wanted counts for those that happen from now on. Of another address nothing is
    known yet, so it is not left alone for what the one before has failed.

    Raises:
        Malformed: a field is wrong; `field` is its name.
        UnknownSubscriber: nobody has this name.
        Stale: it was changed since; says what.
    """
    check(wish, reach)
    before = lock_as_seen(tx, wish.name, wish.seen)
    after = replace(
        before,
        url=wish.url,
        event_types=wish.wanted_types,
        channel=wish.channel,
        standing=before.standing if wish.url == before.url else Standing(),
    )
    if after == before:
        return
    tx.write(subscribers.keep(tx, after, wish.person.by))
    keep_changes(
        tx,
        wish.person,
        "change_subscriber",
        subject_of(after),
        before=facts_of(before),
        after=facts_of(after),
    )
