"""The journal on disk: one SQLite file, written by one thread in groups."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import grpc
from google.pubsub_v1 import types

from emulators.google.pubsub.messages import Message, from_wire, to_wire
from emulators.google.rpc import Refused

FILE = "pubsub.sqlite3"

# A whole second of exclusive locking is more than a process that is just stopping needs.
LOCK_WAIT_S = 1.0

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
_KEEP = "INSERT OR REPLACE INTO resources (name, kind, body, cut) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM resources WHERE name = ?"
_PUBLISH = "INSERT OR IGNORE INTO messages (number, body) VALUES (?, ?)"
_HOLD = "INSERT OR REPLACE INTO held (holder, number, acknowledged) VALUES (?, ?, ?)"
_ATTEMPT = "UPDATE held SET attempts = ? WHERE holder = ? AND number = ?"
_ACKNOWLEDGE = "UPDATE held SET acknowledged = 1 WHERE holder = ? AND number = ?"
_RELEASE = "DELETE FROM held WHERE holder = ? AND number = ?"
_RELEASE_ALL = "DELETE FROM held WHERE holder = ?"
_COLLECT = "DELETE FROM messages WHERE number NOT IN (SELECT number FROM held)"

Statement = tuple[str, tuple[object, ...]]


class StateTaken(Exception):
    """Another process keeps its state in the same folder."""


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


class Disk:
    """The journal in `folder`, which is made where it does not exist.

    Statements gather while a group is being written, so the cost of reaching the disk is shared:
    the more is under way, the more of it goes with one commit.

    Raises:
        StateTaken: another process has the folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            folder / FILE, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False
        )
        self._thread = ThreadPoolExecutor(1, "pubsub-journal")
        self._statements: list[Statement] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._broken: Refused | None = None
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._database.close()
            raise StateTaken(f"Cannot keep state in {folder}: {error}.") from None

    def load(self) -> Stored:
        """What an earlier process left. To be called before anything is noted."""
        resources: dict[str, list[Resource]] = defaultdict(list)
        for kind, body, cut in self._database.execute("SELECT kind, body, cut FROM resources"):
            parsed = getattr(types, kind).pb().FromString(body)
            resources[kind].append(Resource(parsed, cut))
        messages = {
            number: from_wire(types.PubsubMessage.pb().FromString(body))
            for number, body in self._database.execute("SELECT number, body FROM messages")
        }
        held: dict[str, list[Held]] = defaultdict(list)
        rows = self._database.execute(
            "SELECT holder, number, attempts, acknowledged FROM held ORDER BY holder, number"
        )
        for holder, number, attempts, acknowledged in rows:
            held[holder].append(Held(messages[number], attempts, bool(acknowledged)))
        return Stored(resources, held, max(messages, default=0))

    def keep(self, resource: Any, cut: int = 0) -> None:
        kind = resource.DESCRIPTOR.name
        self._note(_KEEP, resource.name, kind, resource.SerializeToString(), cut)

    def forget(self, name: str) -> None:
        self._note(_FORGET, name)
        self._note(_RELEASE_ALL, name)

    def publish(self, message: Message) -> None:
        self._note(_PUBLISH, message.number, to_wire(message).SerializeToString())

    def hold(self, holder: str, number: int, *, acknowledged: bool = False) -> None:
        self._note(_HOLD, holder, number, acknowledged)

    def attempt(self, holder: str, number: int, attempts: int) -> None:
        self._note(_ATTEMPT, attempts, holder, number)

    def acknowledge(self, holder: str, number: int) -> None:
        self._note(_ACKNOWLEDGE, holder, number)

    def release(self, holder: str, number: int) -> None:
        self._note(_RELEASE, holder, number)

    def release_all(self, holder: str) -> None:
        self._note(_RELEASE_ALL, holder)

    def collect(self) -> None:
        self._note(_COLLECT)

    async def durable(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._writer is not None:
            written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(written)
            await written

    def close(self) -> None:
        self._thread.shutdown()  # first: cancelling would also drop a group not yet begun
        if self._writer is not None:
            self._writer.cancel()
        if self._broken is None:
            self._write(self._statements)
        self._database.close()

    def _note(self, sql: str, *values: object) -> None:
        self._statements.append((sql, values))
        if self._writer is None and self._broken is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        # A task begins in a later turn of the loop, and takes what has gathered between two
        # turns: what was noted together is written together.
        loop = asyncio.get_running_loop()
        while self._statements or self._waiting:
            statements, self._statements = self._statements, []
            waiting, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._write, statements)
            except sqlite3.Error as error:
                self._break(error, waiting)
                break
            for written in waiting:
                if not written.done():
                    written.set_result(None)
        self._writer = None

    def _break(self, error: sqlite3.Error, waiting: list[asyncio.Future[None]]) -> None:
        message = f"The state cannot be written: {error}."
        self._broken = Refused(grpc.StatusCode.UNAVAILABLE, message)
        for written in (*waiting, *self._waiting):
            if not written.done():
                written.set_exception(self._broken)
        self._waiting = []

    def _write(self, statements: Sequence[Statement]) -> None:
        if not statements:
            return
        with self._database:
            self._database.execute("BEGIN")
            for sql, group in groupby(statements, key=itemgetter(0)):
                self._database.executemany(sql, [values for _, values in group])
