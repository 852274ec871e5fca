"""Topics and queues that remember, for tests of the relay."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import cast

from google.api_core.exceptions import ServiceUnavailable

from shared.platform.db import Database
from shared.platform.relay import Relay
from shared.platform.tasks import Queues
from shared.platform.topics import Topics

Message = tuple[Mapping[str, str], bytes]


def nothing(_destination: str, _key: str) -> None:
    """All is well."""


class RecordingTopics:
    """Takes messages; `before` runs first in every call and may raise what Pub/Sub raises."""

    def __init__(self, before: Callable[[str, str], None] = nothing) -> None:
        self.before = before
        self.sent: list[tuple[str, str, bytes]] = []  # topic, ordering key, body
        self.ids: list[str] = []
        self._lock = Lock()

    def publish(self, topic: str, ordering_key: str, messages: Sequence[Message]) -> None:
        """Take messages that share an ordering key."""
        self.before(topic, ordering_key)
        with self._lock:
            self.sent += [(topic, ordering_key, body) for _, body in messages]
            self.ids += [attributes["ce-id"] for attributes, _ in messages]


class RecordingQueues:
    """Takes tasks; a name that was used is taken and forgotten, as Cloud Tasks does."""

    def __init__(self, before: Callable[[str, str], None] = nothing) -> None:
        self.before = before
        self.added: dict[str, tuple[str, Mapping[str, str], bytes]] = {}
        self._lock = Lock()

    def add(self, queue: str, name: str, attributes: Mapping[str, str], body: bytes) -> None:
        """Take a task."""
        self.before(queue, name)
        with self._lock:
            self.added.setdefault(name, (queue, attributes, body))


def down(destination: str) -> Callable[[str, str], None]:
    """For `before`: this destination does not answer."""

    def fail(asked: str, _key: str) -> None:
        if asked == destination:
            raise ServiceUnavailable("down")  # type: ignore[no-untyped-call]

    return fail


def relay(
    database: Database, topics: RecordingTopics, queues: RecordingQueues | None = None
) -> Relay:
    """A relay that sends to these."""
    tasks = queues or RecordingQueues()
    return Relay(database, lambda: cast("Topics", topics), lambda: cast("Queues", tasks))
