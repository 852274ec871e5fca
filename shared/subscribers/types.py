"""Subscribers to webhooks, and what they are sent."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.kit.errors import Rejected, Untried
from shared.subscribers.standing import Standing


class SubscriberState(StrEnum):
    """Whether a subscriber is called."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """How far an event has come on its way to a subscriber."""

    WAITING = "waiting"  # for its first attempt or the next
    DELIVERED = "delivered"
    FAILED = "failed"  # given up; a person can let it be tried again


class UnknownSubscriber(Rejected):
    """Nobody has this name."""

    code = "unknown_subscriber"


class NameTaken(Rejected):
    """Another subscriber has this name."""

    code = "name_taken"


class SubscriberDisabled(Rejected):
    """It gets nothing until it is enabled."""

    code = "subscriber_disabled"


class UnknownDelivery(Rejected):
    """There is no such delivery, or it is forgotten."""

    code = "unknown_delivery"


class NotGivenUp(Rejected):
    """It was to be sent again as one that was given up, and is none."""

    code = "not_given_up"


class SubscriberPaused(Untried):
    """It does not answer, and is left alone for a while."""

    code = "subscriber_paused"


class SubscriberBusy(Untried):
    """As many calls to it are under way as there may be."""

    code = "subscriber_busy"


class DeliveryUnderWay(Untried):
    """Another attempt is under way, or died in its midst."""

    code = "delivery_under_way"


@dataclass(frozen=True, slots=True)
class SecretName:
    """Which secret: derived from the key of this id, for this version."""

    version: int
    key_id: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """Which secrets of a subscriber sign."""

    current: SecretName
    previous: SecretName | None = None
    previous_until: datetime | None = None

    def signing_at(self, now: datetime) -> tuple[SecretName, ...]:
        """Those that sign at this moment, the newest first."""
        if self.previous is None or self.previous_until is None or self.previous_until <= now:
            return (self.current,)
        return (self.current, self.previous)

    def rotated(self, key_id: str, now: datetime, overlap: timedelta) -> "Secrets":
        """A new secret; the one before signs too for as long as they overlap."""
        fresh = SecretName(self.current.version + 1, key_id)
        return Secrets(fresh, self.current, now + overlap)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who gets webhooks.

    Attributes:
        event_types: what it wants; None: all that are offered.
        channel: whose orders it hears of; None: everybody's.
        disabled_at, disabled_because: since when and why it is not called; None: it is.
        standing: how its last calls went.
        delivered_at: when it last took something.
    """

    subscriber_id: str
    name: str
    url: str
    event_types: tuple[str, ...] | None
    channel: str | None
    secrets: Secrets
    state: SubscriberState = SubscriberState.ENABLED
    disabled_at: datetime | None = None
    disabled_because: str | None = None
    standing: Standing = field(default_factory=Standing)
    delivered_at: datetime | None = None

    def disabled(self, now: datetime, reason: str) -> "Subscriber":
        """Not called from now on, or for another reason than until now."""
        return replace(
            self,
            state=SubscriberState.DISABLED,
            disabled_at=self.disabled_at or now,
            disabled_because=reason,
        )

    def enabled(self) -> "Subscriber":
        """Called, as if it had never failed."""
        return replace(
            self,
            state=SubscriberState.ENABLED,
            disabled_at=None,
            disabled_because=None,
            standing=Standing(),
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to a subscriber.

    Attributes:
        sequence: grows from one event to the next.
        data: the event's own JSON.
        attempts: how many there were, ever.
        attempts_left: how many more before it is given up.
        leased_until: until when an attempt is under way; None: none is.
    """

    delivery_id: str
    sequence: int
    subscriber_id: str
    event_id: str
    event_type: str
    occurred_at: datetime
    data: str
    state: DeliveryState
    attempts: int
    attempts_left: int
    leased_until: datetime | None

    @property
    def body(self) -> bytes:
        """What is sent, the same bytes each time: the event's own JSON, and what it is."""
        head = json.dumps(
            {
                "type": self.event_type,
                "id": self.event_id,
                "timestamp": self.occurred_at.isoformat(),
                "sequence": self.sequence,
            },
            separators=(",", ":"),
        )
        return f'{head[:-1]},"data":{self.data}}}'.encode()
