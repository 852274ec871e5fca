"""A snapshot: what a subscription owed at a moment, and what its topic was told since."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from emulators.google.pubsub import names
from emulators.google.pubsub.messages import Message
from emulators.google.rpc import Refused

LONGEST_LIFE = timedelta(days=7)
SHORTEST_LIFE = timedelta(hours=1)
MUTABLE = frozenset({"labels", "expire_time"})


@dataclass(slots=True, eq=False)
class Snapshot:
    """`resource` is the protobuf Snapshot as clients see it.

    `backlog` is what was owed, and `cut` the number of the last message published before; what
    came after it is in the log of the topic.
    """

    resource: Any
    backlog: Sequence[Message]
    cut: int

    @classmethod
    def of(
        cls,
        resource: Any,
        subscription: Any,
        owed: Sequence[Message],
        cut: int,
        now: Callable[[], datetime],
    ) -> "Snapshot":
        """A snapshot that fills `resource`, which has its name and labels already.

        It lives seven days less the age of the oldest message in it.

        Raises:
            Refused: FAILED_PRECONDITION, it would live less than an hour, or there is no topic.
        """
        if subscription.detached or subscription.topic == names.DELETED_TOPIC:
            raise _precondition("The subscription has no topic.")
        moment = now()
        oldest = min((message.published_at for message in owed), default=moment)
        expires_at = oldest + LONGEST_LIFE
        if expires_at - moment < SHORTEST_LIFE:
            raise _precondition(
                "The oldest unacknowledged message is too old to create a snapshot: it would "
                "expire in less than an hour."
            )
        resource.topic = subscription.topic
        resource.expire_time.FromDatetime(expires_at)
        return cls(resource, owed, cut)

    def expires_at(self) -> datetime:
        moment: datetime = self.resource.expire_time.ToDatetime(tzinfo=UTC)
        return moment

    def refuse_other_topic(self, topic_name: str) -> None:
        """Refuse unless the snapshot is of this topic.

        Raises:
            Refused: FAILED_PRECONDITION.
        """
        if self.resource.topic != topic_name or topic_name == names.DELETED_TOPIC:
            raise _precondition(
                f"The subscription's topic {topic_name} is different from that of the snapshot "
                f"{self.resource.topic}; they must match in order for Seek to work."
            )


def _precondition(message: str) -> Refused:
    return Refused(grpc.StatusCode.FAILED_PRECONDITION, message)
