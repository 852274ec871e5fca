"""Subscribers to webhooks, and what they are sent."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import Rejected, Untried
from shared.subscribers.standing import Standing

# A rotation that is repeated by mistake, or by several people, and no more: each adds a signature
# of 47 characters to a header.
MOST_RETIRING = 4


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


class TooManySecrets(Rejected):
    """So many secrets sign that one more would make a header that receivers may not take."""

    code = "too_many_secrets"


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


class Retiring(NamedTuple):
    """A secret that was replaced, and signs too until then."""

    name: SecretName
    until: datetime


@dataclass(frozen=True, slots=True)
class Secrets:
    """Which secrets of a subscriber sign.

    Attributes:
        current: the one that its subscriber was told last.
        retiring: those of before, the newest first; some may be over.
    """

    current: SecretName
    retiring: tuple[Retiring, ...] = ()

    def retiring_at(self, now: datetime) -> tuple[Retiring, ...]:
        """Those of before that sign at this moment, the newest first."""
        return tuple(one for one in self.retiring if one.until > now)

    def signing_at(self, now: datetime) -> tuple[SecretName, ...]:
        """All that sign at this moment, the newest first."""
        return (self.current, *(one.name for one in self.retiring_at(now)))

    def rotated(self, key_id: str, now: datetime, overlap: timedelta) -> "Secrets":
        """A new secret. The one before signs too for so long, and others as long as was said.

        Without an overlap none of before signs any more: somebody knows one, and which is not said.

        Raises:
            TooManySecrets: as many sign as may; says from when on there is room.
        """
        fresh = SecretName(self.current.version + 1, key_id)
        if not overlap:
            return Secrets(fresh)
        still = self.retiring_at(now)
        if len(still) >= MOST_RETIRING:
            until = min(one.until for one in still)
            raise TooManySecrets(
                f"{MOST_RETIRING} secrets of before sign too, the first of them until"
                f" {until:%Y-%m-%d %H:%M:%S} UTC: rotate after that, or at once, which ends all of"
                " them",
                until=until.isoformat(),
            )
        return Secrets(fresh, (Retiring(self.current, now + overlap), *still))


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
