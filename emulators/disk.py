"""What a stand-in remembers over a restart: one SQLite file, changed in groups."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

LOCK_WAIT_S = 1.0  # a process that is just ending may still hold the file

Statement = tuple[str, tuple[object, ...]]


class Unusable(Exception):
    """State cannot be kept in the file; the message says which file and why."""


class Broken(Exception):
    """The file could not be written, and nothing will be any more; the message says why."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Statements that are committed together; `done` is set whether or not that went well."""

    statements: list[Statement]
    done: asyncio.Event


class Disk:
    """The file at `path`, for this process alone. Without a path nothing is kept.

    What is remembered lives in memory; the file is read once, at the start, and then told every
    change. `note` returns at once, `saved` waits until all that was noted is kept. While one
    group is being committed, in a thread, the next one gathers: a hundred callers share one write
    to the disk. Everything noted between two turns of the event loop is kept together or not at
    all. After a group that failed no other is written, because it may build on what is missing.

    Everything is called from one event loop.

    Raises:
        Unusable: the file cannot be opened, or another process has it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection = _opened(path) if path else None
        self._gathering: _Group | None = None
        self._committing: _Group | None = None
        self._writer: asyncio.Task[None] | None = None
        self._broken: str | None = None

    @property
    def keeps(self) -> bool:
        """Whether anything is kept, for those to whom it is work to say what."""
        return self._connection is not None

    def lay_out(self, schema: str) -> None:
        """Make the tables that are not there yet.

        Raises:
            Unusable: they cannot be made.
        """
        if self._connection is None:
            return
        try:
            self._connection.executescript(schema)
        except sqlite3.Error as error:
            self._connection.close()
            raise _unusable(self._path, error) from None

    def read(self, query: str, *values: object) -> Iterator[Any]:
        """The rows as an earlier process left them. To be called before anything is noted."""
        if self._connection is None:
            return iter(())
        return self._connection.execute(query, values)

    def note(self, sql: str, *values: object) -> None:
        """Have a statement executed, after all that were noted before it."""
        if self._connection is None or self._broken is not None:
            return
        if self._gathering is None:
            self._gathering = _Group([], asyncio.Event())
        self._gathering.statements.append((sql, values))
        if self._writer is None:
            # The task begins in the next turn of the loop, with all that this one has noted.
            self._writer = asyncio.create_task(self._write(self._connection))

    async def saved(self) -> None:
        """Wait until all that was noted so far survives the end of this process, and a power cut.

        Raises:
            Broken: the disk is full or failed, now or earlier.
        """
        group = self._gathering or self._committing
        if group is not None:
            await group.done.wait()
        if self._broken is not None:
            raise Broken(self._broken)

    async def close(self) -> None:
        """Write what is still to be written and let go of the file."""
        if self._writer is not None:
            await self._writer
        if self._connection is not None:
            self._connection.close()

    async def _write(self, connection: sqlite3.Connection) -> None:
        while self._gathering is not None:
            self._committing, self._gathering = self._gathering, None
            if self._broken is None:
                try:
                    await asyncio.to_thread(_commit, connection, self._committing.statements)
                except sqlite3.Error as error:
                    self._broken = f"The state cannot be written: {error}."
            self._committing.done.set()
        self._committing = self._writer = None


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One thread at a time uses it: the loop's while it loads, then one writer after another.
        connection = sqlite3.connect(
            path, timeout=LOCK_WAIT_S, check_same_thread=False, isolation_level=None
        )
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from None
    try:
        # Nobody else may write to it; and without shared memory a killed process leaves no trace.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")  # takes the lock, too
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from None
    return connection


def _unusable(path: Path | None, error: Exception) -> Unusable:
    return Unusable(f"Cannot keep state in {path}: {error}.")


def _commit(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    with connection:  # rolls back what fails, where SQLite has not done so itself
        connection.execute("BEGIN")
        for sql, alike in groupby(statements, key=itemgetter(0)):
            connection.executemany(sql, [values for _, values in alike])
