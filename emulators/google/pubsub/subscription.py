"""A subscription: its resource, what it owes, and both ways to deliver it."""

from dataclasses import dataclass
from typing import Any

import grpc

from emulators.google.outbound import Outbound
from emulators.google.pubsub.delivery import Delivery, Outside
from emulators.google.pubsub.leases import Leases
from emulators.google.pubsub.push import Pusher
from emulators.google.pubsub.settings import Settings
from emulators.google.pubsub.window import Window
from emulators.google.rpc import Refused
from emulators.google.tokens import TokenIssuer


@dataclass(frozen=True, slots=True)
class Pushing:
    """What pushes need. `slow_start` lets the window of each subscription begin small."""

    outbound: Outbound
    tokens: TokenIssuer
    slow_start: bool


class Subscription:
    """`resource` is the protobuf Subscription as clients see it."""

    def __init__(
        self, resource: Any, settings: Settings, outside: Outside, pushing: Pushing
    ) -> None:
        self.resource = resource
        self.delivery = Delivery(settings, outside, self.advance)
        self.leases = Leases(self.delivery)
        window = Window(slow_start=pushing.slow_start)
        self._pusher = Pusher(self.delivery, pushing.outbound, pushing.tokens, window)

    def advance(self) -> None:
        """Deliver what is ready. Once detached or deleted there is nothing."""
        self._pusher.advance()
        self.leases.advance()

    def configure(self, resource: Any, settings: Settings) -> None:
        self.resource = resource
        self.delivery.settings = settings
        self._pusher.forgive()
        if settings.push is not None:
            self.leases.end_streams(not_pulled())
        self.delivery.expire_retained()
        self.advance()

    def refuse_pull(self) -> None:
        """Refuse unless messages can be pulled.

        Raises:
            Refused: FAILED_PRECONDITION, messages are pushed or the subscription is detached.
        """
        if self.delivery.settings.push is not None or self.resource.detached:
            raise not_pulled()

    def detach(self) -> None:
        """Drop all messages, for good; nothing is delivered any more."""
        self.resource.detached = True
        self.close(not_pulled())
        self.delivery.replay([], [])

    def close(self, reason: Refused) -> None:
        """Deliver nothing any more; open streams are told the reason."""
        self._pusher.close()
        self.leases.close(reason)


def not_pulled() -> Refused:
    return Refused(
        grpc.StatusCode.FAILED_PRECONDITION,
        "This method is not supported for this subscription type.",
    )
