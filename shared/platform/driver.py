"""pg8000 with fewer round trips and less Python.

pg8000 1.31 parses and plans every statement anew, flushes after every message of the protocol,
prepares a COMMIT before it runs it, and escapes arrays character by character. Each of these costs
a short transaction more than its work. pg8000 offers other ways below its DB-API only, so what is
used of its inside stands in this module alone, and tests/platform/test_driver.py holds it.
Source of the messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import re
from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from json import JSONEncoder
from typing import Any, NamedTuple, TypeAlias

from pg8000 import core
from pg8000.converters import make_param
from pg8000.exceptions import DatabaseError, Error
from pydantic_core import from_json

Row: TypeAlias = Any  # a named tuple; `_mapping` has the same by the columns' own names

# A prepared plan that a migration outlived: "cached plan must not change result type".
STALE_PLAN = {"0A000", "26000"}

PREPARED_LIMIT = 200  # statements a connection keeps; the product has fewer
LONGEST_LABEL = 63  # bytes of `application_name`, and of a portal's name
_NOT_PLAIN = re.compile(r"[^ !#-&(-\[\]-~]")  # no quotes, no backslashes, ASCII that is seen
_ROLLED_BACK = "in failed transaction block"
_TIMESTAMPTZ_OID = 1184
_JSON_OIDS = (114, 3802)  # json and jsonb
_NULL = b"\xff\xff\xff\xff"
_named: Any = namedtuple  # noqa: PYI024  which fields there are is said by SQL, at run time


@dataclass(slots=True)
class Asked:
    """A statement with `$1`, `$2`, … and their values; once it was sent, whether it failed."""

    statement: str
    values: Sequence[object]
    failed: bool = False


class _Prepared(NamedTuple):
    name: bytes
    columns: Any
    input_functions: Any
    row: Callable[[Sequence[Any]], Row]


class Session:
    """A connection with its prepared statements.

    Whoever is interrupted before all answers were heard leaves it out of step: the next one would
    take them for its own.
    """

    def __init__(
        self, connection: Any, patience_s: float, seen_as: Callable[[], str] = str
    ) -> None:
        """Take over a new connection of pg8000.

        A server that says nothing for `patience_s` is taken for gone: its own time-outs end a
        statement only while it is there to do so. `seen_as` says for whom it works at the moment;
        where that is nothing, nothing is told.
        """
        # Postgres's ISO form is what fromisoformat reads, a tenth of the cost of strptime.
        connection.register_in_adapter(_TIMESTAMPTZ_OID, datetime.fromisoformat)
        for oid in _JSON_OIDS:
            connection.register_in_adapter(oid, from_json)
        connection._usock.settimeout(patience_s)  # noqa: SLF001
        connection._sock = _Patient(connection._sock)  # noqa: SLF001
        self.connection = connection
        self._seen_as = seen_as
        self._shown = ""  # as `application_name`
        self._prepared: dict[str, _Prepared] = {}
        self.in_step = True

    def run(
        self, asked: Sequence[Asked], *, alone: bool = False, commits: bool = False
    ) -> list[list[Row]]:
        """Run statements on one trip, and fetch all that each of them returns.

        Each has a snapshot of its own. The first error of them is raised, and who failed is told.

        Args:
            asked: they are prepared, and kept.
            alone: each is a transaction by itself; otherwise they begin one where none is open.
            commits: the commit travels with them, or is their end where they are alone. Where one
                of them fails, that makes a rollback.
        """
        begins = not alone and not self.is_open
        if begins and any(one.statement not in self._prepared for one in asked):
            self.tell("begin transaction")
            begins = False
        ready = [self._ready(one, asked) for one in asked]
        answers = [
            core.Context(one.statement, None, prepared.columns, prepared.input_functions)
            for one, prepared in zip(asked, ready, strict=True)
        ]
        portal = _plain(self._seen_as())
        packets = [
            _bind_and_execute(prepared.name, one.values, portal)
            for one, prepared in zip(asked, ready, strict=True)
        ]
        heard = list(answers)
        if begins:
            packets.insert(0, _BEGIN)
            heard.insert(0, core.Context("begin transaction"))
        if commits and not alone:
            packets.append(_COMMIT)
            heard.append(core.Context("commit"))
        try:
            self._exchange(b"".join(packets), heard)
        except DatabaseError as error:
            for one, answer in zip(asked, answers, strict=True):
                one.failed = answer.error is not None
                if sqlstate(error) in STALE_PLAN:
                    self._prepared.pop(one.statement, None)
            raise
        return [
            list(map(prepared.row, answer.rows or ()))
            for prepared, answer in zip(ready, answers, strict=True)
        ]

    def tell(self, command: str) -> None:
        """Run what has no parameters, returns nothing and is not worth preparing."""
        self._exchange(_query(command), [core.Context(command)])

    def commit(self) -> None:
        """End the transaction, if one is open."""
        if self.is_open:
            self.tell("commit")

    def rollback(self) -> None:
        """Take back what the open transaction has done, if one is open."""
        if self.is_open:
            self.tell("rollback")

    def close(self) -> None:
        """End the session; whatever state it is in, that is no error."""
        with suppress(Error, OSError):
            self.connection.close()

    @property
    def is_open(self) -> bool:
        """Whether a transaction has begun and not ended."""
        status = self.connection._transaction_status  # noqa: SLF001  none before the first answer
        return status in (core.IN_TRANSACTION, core.IN_FAILED_TRANSACTION)

    def is_alive(self) -> bool:
        """Whether the server answers."""
        try:
            self.tell("")
        except (Error, OSError):
            return False
        return True

    def _ready(self, one: Asked, asked: Sequence[Asked]) -> _Prepared:
        """It is prepared, and what goes on the same trip stays so."""
        kept = self._prepared.get(one.statement)
        return kept or self._prepare(one, {other.statement for other in asked})

    def _prepare(self, one: Asked, needed: Collection[str]) -> _Prepared:
        self.in_step = False
        try:
            if len(self._prepared) >= PREPARED_LIMIT:
                oldest = next(kept for kept in self._prepared if kept not in needed)
                self.connection.close_prepared_statement(self._prepared.pop(oldest).name)
            name, columns, functions = self.connection.prepare_statement(one.statement, ())
        except DatabaseError:
            one.failed = True
            self.in_step = True
            raise
        self.in_step = True
        prepared = _Prepared(name, columns, functions, _row_of(columns or ()))
        return self._prepared.setdefault(one.statement, prepared)

    def _exchange(self, packet: bytes, answers: Sequence[core.Context]) -> None:
        """Send what is sent together, hear all answers, and raise the first error among them."""
        first: DatabaseError | None = None
        shown = self._shown if self.is_open else _plain(self._seen_as())
        if shown != self._shown:  # no transaction's own setting, which its rollback would take back
            packet = _query(f"set application_name to '{shown}'") + packet
            answers = [core.Context("set application_name"), *answers]
            self._shown = shown
        self.in_step = False
        core._write(self.connection._sock, packet)  # noqa: SLF001
        core._flush(self.connection._sock)  # noqa: SLF001
        for answer in answers:
            try:
                self.connection.handle_messages(answer)
            except DatabaseError as error:
                first = first or error
            except core.InterfaceError as error:  # so pg8000 says of a commit that rolled back
                if first is None or str(error) != _ROLLED_BACK:
                    raise
        self.in_step = True
        if first is not None:
            raise first


@contextmanager
def long_silence(connection: Any, patience_s: float) -> Iterator[None]:
    """In this block the server may say nothing for so long to a connection of pg8000."""
    before_s = connection._usock.gettimeout()  # noqa: SLF001
    connection._usock.settimeout(patience_s)  # noqa: SLF001
    try:
        yield
    finally:
        connection._usock.settimeout(before_s)  # noqa: SLF001


def sqlstate(error: BaseException | None) -> str:
    """The five characters by which Postgres names an error; empty when it is not Postgres's."""
    return _said(error, "C")


def failed_guard(error: BaseException | None) -> str:
    """Which guard of ours did not hold, and how; empty where the error is another."""
    return _said(error, "D") if _said(error, "M") == "a guard did not hold" else ""


def _said(error: BaseException | None, field: str) -> str:
    said = error.args[0] if error is not None and error.args else None
    return str(said.get(field, "")) if isinstance(said, dict) else ""


class _Patient:
    """A connection's stream, whose time-outs are errors of the driver's own kind."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.write, self.flush, self.close = stream.write, stream.flush, stream.close

    def read(self, size: int) -> bytes:
        try:
            found: bytes = self._stream.read(size)
        except OSError as error:
            raise core.InterfaceError("network error") from error
        return found


def _row_of(columns: Sequence[Any]) -> Callable[[Sequence[Any]], Row]:
    names = [column["name"] for column in columns]
    row = _named("Row", names, rename=True)
    row._mapping = property(lambda values: dict(zip(names, values, strict=True)))  # noqa: SLF001
    made: Callable[[Sequence[Any]], Row] = row._make
    return made


def _query(command: str) -> bytes:
    """A simple query as one packet."""
    said = command.encode() + b"\0"
    return b"Q" + (len(said) + 4).to_bytes(4, "big") + said


_BEGIN, _COMMIT = _query("begin transaction"), _query("commit")


def _plain(label: str) -> str:
    """What may stand between quotes, and is as long as Postgres keeps it."""
    return _NOT_PLAIN.sub("?", label)[:LONGEST_LABEL]


def _bind_and_execute(name: bytes, values: Sequence[object], portal: str) -> bytes:
    """Bind, Execute and Sync as one packet; everything is text, and so is every answer.

    The log of slow statements tells the name of a portal behind that of the statement, which is the
    same for everybody. One that has a name is closed, or the next statement could not have it.
    """
    arrays = _arrays([value for value in values if isinstance(value, list)])
    seen_as = portal.encode() + b"\0"
    parts = [seen_as + name + b"\0\0" + len(values).to_bytes(2, "big")]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            said = next(arrays) if isinstance(value, list) else _text(value).encode()
            parts += (len(said).to_bytes(4, "big"), said)
    parts.append(b"\0\0")
    body = b"".join(parts)
    length = (len(body) + 4).to_bytes(4, "big")
    if not portal:
        return b"".join((b"B", length, body, core.EXECUTE_MSG, core.SYNC_MSG))
    execute = b"E" + (len(seen_as) + 8).to_bytes(4, "big") + seen_as + b"\0\0\0\0"
    close = b"C" + (len(seen_as) + 5).to_bytes(4, "big") + b"P" + seen_as
    return b"".join((b"B", length, body, execute, close, core.SYNC_MSG))


def _text(value: Any) -> str:
    """A value as Postgres reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    written: str = make_param(core.PY_TYPES, value)
    return written


def _arrays(lists: Sequence[list[Any]]) -> Iterator[bytes]:
    """Arrays as Postgres reads them: but for the brackets, JSON is that already.

    All are written at once, and told apart by what JSON never has inside of a text. One with an
    escape that only JSON knows is written anew.
    """
    if not lists:
        return
    written = _JSON(lists).encode()[2:-2].split(b"]" + _APART + b"[")
    for values, array in zip(lists, written, strict=True):
        if b"\\" in array and _FOREIGN_ESCAPE.search(array):
            yield ("{" + ",".join(map(_element, values)) + "}").encode()
        else:
            yield b"{" + array.replace(_APART, b",") + b"}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else _text(value)


_APART = b"\x1f"
_FOREIGN_ESCAPE = re.compile(rb'\\[^"\\]')
_JSON = JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(_APART.decode(), ":"), default=_text
).encode
