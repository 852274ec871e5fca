"""What somebody wants who gets webhooks, checked, and what people have seen of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.flows.audited import SUBSCRIBER
from shared.flows.versions import refuse_changed
from shared.kit.errors import Malformed
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.platform.http import Reach, endpoint
from shared.subscribers import store as subscribers
from shared.subscribers.offered import OFFERED
from shared.subscribers.types import Subscriber, SubscriberDisabled, SubscriberState

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CHANNEL = re.compile(r"[A-Za-z0-9._:/-]{1,64}")


@dataclass(frozen=True, slots=True)
class WantedSubscriber:
    """A person's wish; no event types: all that are offered; no channel: everybody's orders.

    `seen` is the version that they had before them; None: they did not look.
    """

    name: str
    url: str
    person: Person
    event_types: Sequence[str] = ()
    channel: str | None = None
    seen: str | None = None

    @property
    def wanted_types(self) -> tuple[str, ...] | None:
        """The event types as they are kept: each once; None: all that are offered."""
        return tuple(sorted(set(self.event_types))) or None


def check(wish: WantedSubscriber, reach: Reach) -> None:
    """Go on if it makes sense.

    Raises:
        Malformed: a field is wrong; `field` is its name.
    """
    if not _NAME.fullmatch(wish.name):
        raise Malformed("name: 1 to 63 of a-z, 0-9 and -, and no - first", field="name")
    endpoint(wish.url, reach)
    unknown = sorted(set(wish.event_types) - OFFERED.keys())
    if unknown:
        raise Malformed(
            f"event_types: {unknown[0][:100]!r} is not offered, only {', '.join(sorted(OFFERED))}",
            field="event_types",
        )
    if wish.channel is not None and not _CHANNEL.fullmatch(wish.channel):
        raise Malformed("channel: 1 to 64 of letters, digits and ._:/-", field="channel")


def facts_of(subscriber: Subscriber) -> Mapping[str, str]:
    """What somebody who changes a subscriber has seen of it, in words; nothing of it is secret."""
    secrets = subscriber.secrets
    return {
        "address": subscriber.url,
        "events": ", ".join(subscriber.event_types or ("all that are offered",)),
        "channel": subscriber.channel or "every channel",
        "state": subscriber.state.value,
        "disabled because": subscriber.disabled_because or "it is not",
        "version of the secret": str(secrets.current.version),
        "the one before signs until": (
            secrets.retiring[0].until.isoformat() if secrets.retiring else "no longer"
        ),
    }


def subject_of(subscriber: Subscriber) -> Subject:
    """What the audit trail calls it."""
    return Subject(SUBSCRIBER, subscriber.name)


def lock_as_seen(tx: Transaction, name: str, seen: str | None) -> Subscriber:
    """The subscriber as it was on the page, until the transaction ends nobody else's to change.

    Raises:
        UnknownSubscriber: nobody has this name.
        Stale: it was changed since; says what.
    """
    subscriber = subscribers.lock_named(tx, name)
    refuse_changed(name, seen, facts_of(subscriber), subscriber=name)
    return subscriber


def require_enabled(subscriber: Subscriber) -> None:
    """Go on if it is called.

    Raises:
        SubscriberDisabled: it gets nothing.
    """
    if subscriber.state is SubscriberState.DISABLED:
        raise SubscriberDisabled(
            f"name: {subscriber.name} is disabled; enable it first", field="name"
        )
