"""What must outlive the process: told as it happens, and what an earlier process left."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.pubsub_v1 import types

from emulators.disk import Disk
from emulators.google import rpc
from emulators.google.pubsub.messages import Message, from_wire, to_wire

FILE = "pubsub.sqlite3"

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS resources (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        body BLOB NOT NULL,
        cut  INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY,
        body   BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS held (
        holder       TEXT NOT NULL,
        number       INTEGER NOT NULL,
        attempts     INTEGER NOT NULL DEFAULT 0,
        acknowledged INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (holder, number)
    ) WITHOUT ROWID;
"""
_RESOURCES = "SELECT kind, body, cut FROM resources"
_MESSAGES = "SELECT number, body FROM messages"
_HELD = "SELECT holder, number, attempts, acknowledged FROM held ORDER BY holder, number"
_KEEP = "INSERT OR REPLACE INTO resources (name, kind, body, cut) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM resources WHERE name = ?"
_PUBLISH = "INSERT OR IGNORE INTO messages (number, body) VALUES (?, ?)"
_HOLD = "INSERT OR REPLACE INTO held (holder, number, acknowledged) VALUES (?, ?, ?)"
_ATTEMPT = "UPDATE held SET attempts = ? WHERE holder = ? AND number = ?"
_ACKNOWLEDGE = "UPDATE held SET acknowledged = 1 WHERE holder = ? AND number = ?"
_RELEASE = "DELETE FROM held WHERE holder = ? AND number = ?"
_RELEASE_ALL = "DELETE FROM held WHERE holder = ?"
_COLLECT = "DELETE FROM messages WHERE number NOT IN (SELECT number FROM held)"


@dataclass(frozen=True, slots=True)
class Resource:
    """`body` is the protobuf of a Topic, Subscription or Snapshot; see Journal.keep for `cut`."""

    body: Any
    cut: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a holder knows about a message."""

    message: Message
    attempts: int
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What an earlier process left: resources by kind, and by holder what it holds, in order."""

    resources: Mapping[str, Sequence[Resource]]
    held: Mapping[str, Sequence[Held]]
    last_number: int


class Journal:
    """Notes on `disk` what exists and who holds which message; `saved` waits until it is kept.

    A holder is the full name of a subscription (what it owes or retains), of a snapshot (its
    backlog) or of a topic (what it keeps for replays). Messages lie there once, whoever holds
    them.
    """

    def __init__(self, disk: Disk) -> None:
        disk.lay_out(_SCHEMA)
        self._disk = disk

    def load(self) -> Stored:
        """What an earlier process left. To be called before anything is noted."""
        resources: dict[str, list[Resource]] = defaultdict(list)
        for kind, body, cut in self._disk.read(_RESOURCES):
            parsed = getattr(types, kind).pb().FromString(body)
            resources[kind].append(Resource(parsed, cut))
        messages = {
            number: from_wire(types.PubsubMessage.pb().FromString(body))
            for number, body in self._disk.read(_MESSAGES)
        }
        held: dict[str, list[Held]] = defaultdict(list)
        for holder, number, attempts, acknowledged in self._disk.read(_HELD):
            held[holder].append(Held(messages[number], attempts, bool(acknowledged)))
        return Stored(resources, held, max(messages, default=0))

    def keep(self, resource: Any, cut: int = 0) -> None:
        """A protobuf Topic, Subscription or Snapshot exists as it now is.

        `cut` is the number of the last message published before a snapshot was made.
        """
        kind = resource.DESCRIPTOR.name
        self._disk.note(_KEEP, resource.name, kind, resource.SerializeToString(), cut)

    def forget(self, name: str) -> None:
        """The resource is gone, and holds nothing any more."""
        self._disk.note(_FORGET, name)
        self.release_all(name)

    def publish(self, message: Message) -> None:
        """A message exists as long as somebody holds it."""
        if self._disk.keeps:
            self._disk.note(_PUBLISH, message.number, to_wire(message).SerializeToString())

    def hold(self, holder: str, number: int, *, acknowledged: bool = False) -> None:
        """The holder holds the message, which it has never tried to deliver."""
        self._disk.note(_HOLD, holder, number, acknowledged)

    def attempt(self, holder: str, number: int, attempts: int) -> None:
        """The subscription begins to deliver the message, for the time that `attempts` says."""
        self._disk.note(_ATTEMPT, attempts, holder, number)

    def acknowledge(self, holder: str, number: int) -> None:
        """The subscription retains the message, but owes it no longer."""
        self._disk.note(_ACKNOWLEDGE, holder, number)

    def release(self, holder: str, number: int) -> None:
        """The holder no longer holds the message."""
        self._disk.note(_RELEASE, holder, number)

    def release_all(self, holder: str) -> None:
        """The holder holds nothing any more."""
        self._disk.note(_RELEASE_ALL, holder)

    def collect(self) -> None:
        """Messages that nobody holds may go."""
        self._disk.note(_COLLECT)

    async def saved(self) -> None:
        """Return when everything noted so far will survive.

        Raises:
            Refused: UNAVAILABLE, it could not be written; nothing will be any more.
        """
        await rpc.saved(self._disk)

    async def close(self) -> None:
        await self._disk.close()
