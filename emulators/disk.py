"""What a stand-in remembers over a restart: rows in one SQLite file, written in groups."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOCK_WAIT_S = 1.0  # a process that is just ending may still hold the file

Change = tuple[str, str]  # kind, key

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS rows (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (kind, key)
    )
"""
# An update keeps the row's number, so that rows come back in the order in which they were made.
_PUT = """
    INSERT INTO rows (kind, key, value) VALUES (?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
"""
_DROP = "DELETE FROM rows WHERE kind = ? AND key = ?"
_ALL = "SELECT key, value FROM rows WHERE kind = ? ORDER BY number"


class Unusable(Exception):
    """The file cannot be opened; the message says which and why."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Changes that are committed together; None as a value removes the row."""

    changes: dict[Change, bytes | None]
    done: asyncio.Future[None]


class Disk:
    """Rows by kind and key. `put` and `drop` return at once; `saved` waits until they are kept.

    While one group is being committed the next one gathers, so that a hundred callers share one
    write to the disk. Everything is called from one event loop. Without a path nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._connection = _opened(path) if path else None
        self._gathering: _Group | None = None
        self._committing: _Group | None = None
        self._writer: asyncio.Task[None] | None = None

    def rows(self, kind: str) -> list[tuple[str, bytes]]:
        """(key, value) of every row of the kind, in the order in which they were first put."""
        if self._connection is None:
            return []
        return self._connection.execute(_ALL, (kind,)).fetchall()

    def put(self, kind: str, key: str, value: bytes) -> None:
        self._change((kind, key), value)

    def drop(self, kind: str, key: str) -> None:
        self._change((kind, key), None)

    async def saved(self) -> None:
        """Wait until all that was said so far survives the end of this process, and a power cut.

        Raises:
            sqlite3.Error: the disk is full or broken.
        """
        group = self._gathering or self._committing
        if group is not None:
            await asyncio.shield(group.done)

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer
        if self._connection is not None:
            self._connection.close()

    def _change(self, change: Change, value: bytes | None) -> None:
        if self._connection is None:
            return
        loop = asyncio.get_running_loop()
        if self._gathering is None:
            self._gathering = _Group({}, loop.create_future())
        self._gathering.changes[change] = value
        if self._writer is None:
            self._writer = loop.create_task(self._write(self._connection))

    async def _write(self, connection: sqlite3.Connection) -> None:
        while self._gathering is not None:
            self._committing, self._gathering = self._gathering, None
            try:
                await asyncio.to_thread(_commit, connection, self._committing.changes)
            except sqlite3.Error as error:
                self._committing.done.set_exception(error)
            else:
                self._committing.done.set_result(None)
        self._committing = self._writer = None


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One thread at a time uses it: the loop's while it loads, then one writer after another.
    connection = sqlite3.connect(
        path, timeout=LOCK_WAIT_S, check_same_thread=False, isolation_level=None
    )
    try:
        # Nobody else may write to it; and without shared memory a killed process leaves no trace.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_SCHEMA)
    except sqlite3.Error as error:
        connection.close()
        raise Unusable(f"Cannot keep state in {path}: {error}.") from None
    return connection


def _commit(connection: sqlite3.Connection, changes: Mapping[Change, bytes | None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for (kind, key), value in changes.items():
            if value is None:
                connection.execute(_DROP, (kind, key))
            else:
                connection.execute(_PUT, (kind, key, value))
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
