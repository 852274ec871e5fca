"""Topics and queues that remember, for tests of the relay."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from shared.platform.db import Database
from shared.platform.outbox import LONGEST_CALL, NotSent, Outgoing
from shared.platform.relay import Relay


def nothing(_destination: str, _key: str) -> None:
    """All is well."""


class RecordingTopics:
    """Takes messages; `before` runs first in every call and may raise what topics raise."""

    def __init__(self, before: Callable[[str, str], None] = nothing) -> None:
        self.before = before
        self.sent: list[tuple[str, str, bytes]] = []  # topic, ordering key, body
        self.ids: list[str] = []
        self.attributes: list[Mapping[str, str]] = []
        self._lock = Lock()

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Take messages that share an ordering key."""
        assert within_s >= LONGEST_CALL.total_seconds()
        self.before(name, ordering_key)
        with self._lock:
            self.sent += [(name, ordering_key, message.body) for message in messages]
            self.ids += [message.attributes["ce-id"] for message in messages]
            self.attributes += [message.attributes for message in messages]


class RecordingQueues:
    """Takes tasks; a name that was used is taken and forgotten, as Cloud Tasks does."""

    def __init__(self, before: Callable[[str, str], None] = nothing) -> None:
        self.before = before
        self.added: dict[str, tuple[str, Mapping[str, str], bytes]] = {}
        self._lock = Lock()

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Take tasks one by one."""
        assert not ordering_key
        assert within_s >= LONGEST_CALL.total_seconds()
        for message in messages:
            self.before(name, message.event_id)
            with self._lock:
                task = (name, message.attributes, message.body)
                self.added.setdefault(message.event_id, task)


def down(destination: str, error: NotSent | None = None) -> Callable[[str, str], None]:
    """For `before`: this destination does not take anything, or fails as `error` says."""

    def fail(asked: str, _key: str) -> None:
        if asked == destination:
            raise error or NotSent("down")

    return fail


def relay(
    database: Database, topics: RecordingTopics, queues: RecordingQueues | None = None
) -> Relay:
    """A relay that sends to these."""
    tasks = queues or RecordingQueues()
    return Relay(database, {"topic": lambda: topics, "queue": lambda: tasks})
