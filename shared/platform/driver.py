"""pg8000 with fewer round trips and less Python, under SQLAlchemy as it is.

pg8000 1.31 parses and plans every statement anew, flushes after every message of the protocol,
prepares a COMMIT before it runs it, and escapes arrays character by character. Each of these costs
a short transaction more than its work. It offers other ways below its DB-API only, so what is used
of its inside stands in this module alone, and tests/platform/test_driver.py holds it.
Source of the messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pg8000 import core
from pg8000.converters import make_params
from pg8000.exceptions import DatabaseError
from sqlalchemy import Engine, event

# A prepared plan that a migration outlived: "cached plan must not change result type".
STALE_PLAN = {"0A000", "26000"}

PREPARED_LIMIT = 200  # statements a connection keeps; the product has fewer
COMMITS = "dispatch_commits"  # execution option: the statement is the last of its transaction
_ROLLED_BACK = "in failed transaction block"
_TIMESTAMPTZ_OID = 1184
_NULL = b"\xff\xff\xff\xff"


def tune(engine: Engine, patience_s: float) -> None:
    """Make every connection of a pg8000 engine keep its prepared statements and save trips.

    A server that says nothing for `patience_s` is taken for gone: its own time-outs end a statement
    only while it is there to do so.
    """

    def tune_connection(connection: Any, _record: object) -> None:
        _tune_connection(connection)
        connection._usock.settimeout(patience_s)  # noqa: SLF001
        connection._sock = _Patient(connection._sock)  # noqa: SLF001

    event.listen(engine, "connect", tune_connection)
    event.listen(engine, "do_execute", _execute)
    # The dialect would leave AUTOCOMMIT by setting the session's isolation anew and committing
    # that: three trips after every single statement, to say what the server was never told.
    engine.dialect.reset_isolation_level = _leave_autocommit  # type: ignore[assignment]


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
    """A connection's stream, whose time-outs are errors of the driver's own kind.

    pg8000 lets the first of them through as it is; SQLAlchemy would then use the connection again,
    out of step with a server that answers late.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.write, self.flush, self.close = stream.write, stream.flush, stream.close

    def read(self, size: int) -> bytes:
        try:
            found: bytes = self._stream.read(size)
        except OSError as error:
            raise core.InterfaceError("network error") from error
        return found


def _leave_autocommit(connection: Any) -> None:
    connection.autocommit = False


def _tune_connection(connection: Any) -> None:
    def commit() -> None:
        if connection._in_transaction:  # noqa: SLF001
            connection.execute_simple("commit")

    connection.commit = commit
    # Postgres's ISO form is what fromisoformat reads, a tenth of the cost of strptime.
    connection.register_in_adapter(_TIMESTAMPTZ_OID, datetime.fromisoformat)


def _execute(
    cursor: Any, statement: str, parameters: Sequence[object], context: Any
) -> bool | None:
    """Run a statement with parameters through a prepared one that its connection keeps."""
    if not parameters:
        return None
    connection = cursor._c  # noqa: SLF001
    begins = not connection.autocommit and not connection._in_transaction  # noqa: SLF001
    kept = connection.__dict__.setdefault("dispatch_prepared", {})
    prepared = kept.get(statement)
    if prepared is None:
        if begins:
            connection.execute_simple("begin transaction")
            begins = False
        if len(kept) >= PREPARED_LIMIT:
            connection.close_prepared_statement(kept.pop(next(iter(kept)))[0])
        numbered = _numbered(statement)
        prepared = kept[statement] = (*connection.prepare_statement(numbered, ()), numbered)
    name, columns, input_functions, numbered = prepared
    values = make_params(
        connection.py_types,
        [_array(value) if type(value) is list else value for value in parameters],
    )
    if begins:
        connection.send_QUERY("begin transaction")  # travels with what follows
    core._write(connection._sock, _bind_and_execute(name, values))  # noqa: SLF001
    ran = core.Context(numbered, columns=columns, input_funcs=input_functions)
    answers = [core.Context("begin transaction"), ran] if begins else [ran]
    if context.execution_options.get(COMMITS, False):
        connection.send_QUERY("commit")  # of a failed statement it makes a rollback
        answers.append(core.Context("commit"))
    core._flush(connection._sock)  # noqa: SLF001
    try:
        _hear(connection, answers)
    except DatabaseError as error:
        if sqlstate(error) in STALE_PLAN:
            kept.pop(statement)
        raise
    cursor._context = ran  # noqa: SLF001
    cursor._row_iter = None if ran.rows is None else iter(ran.rows)  # noqa: SLF001
    return True


def _hear(connection: Any, answers: Sequence[core.Context]) -> None:
    """Hear all of what was asked together, and raise the first error among it."""
    first: DatabaseError | None = None
    for answer in answers:
        try:
            connection.handle_messages(answer)
        except DatabaseError as error:
            first = first or error
        except core.InterfaceError as error:  # so pg8000 says of a commit that became a rollback
            if first is None or str(error) != _ROLLED_BACK:
                raise
    if first is not None:
        raise first


def _bind_and_execute(name: bytes, values: Sequence[str | None]) -> bytes:
    """Bind, Execute and Sync as one packet; everything is text, and so is every answer."""
    body = bytearray(b"\0" + name + b"\0\0" + len(values).to_bytes(2, "big"))
    for value in values:
        if value is None:
            body += _NULL
        else:
            encoded = value.encode()
            body += len(encoded).to_bytes(4, "big") + encoded
    body += b"\0\0"
    length = (len(body) + 4).to_bytes(4, "big")
    return b"".join((b"B", length, body, core.EXECUTE_MSG, core.SYNC_MSG))


def _array(values: list[Any]) -> str:
    """An array as Postgres reads it; those of texts alone, or of numbers alone, in one go."""
    kinds = set(map(type, values))
    if kinds == {str}:
        joined = "\0".join(values)
        if joined.count("\0") == len(values) - 1:  # Postgres cannot store it, and says so itself
            escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
            return '{"' + escaped.replace("\0", '","') + '"}'
    if kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, date):  # a datetime is one, too
        return f'"{value.isoformat()}"'
    return "NULL" if value is None else str(value)


@lru_cache(maxsize=1_000)
def _numbered(statement: str) -> str:
    """`%s` to `$1`, `$2`, … and `%%` to `%`: the text that Postgres itself prepares."""
    parts = re.split(r"(%s|%%)", statement)
    number = 0
    for position, part in enumerate(parts):
        if part == "%s":
            number += 1
            parts[position] = f"${number}"
        elif part == "%%":
            parts[position] = "%"
    return "".join(parts)
