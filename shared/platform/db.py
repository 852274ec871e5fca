"""Postgres: one engine a process, one transaction a use case, prepared statements.

A store gives its changes as values (`Write`), and a flow makes the changes of one step together:
`Transaction.write` joins them into a single statement of writable CTEs, which saves a round trip
for each of them and fails as one. The last such statement of a step travels with its commit. Every
guard that must hold is part of its own statement, and a guard that holds for fewer rows than
expected rolls the whole step back.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Row,
    TextClause,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from shared.contracts.base import Cause
from shared.kit.clock import Clock
from shared.kit.errors import Fault, NotYet
from shared.platform import driver, log
from shared.platform.config import Config

Result = TypeVar("Result")

SILENCE_S = 3.0  # beyond a statement's time-out, after which a server is taken for gone
WAIT_FOR_CONNECTION_S = 10.0
ATTEMPTS = 5  # of a transaction that lost a race for a lock; then the queue's back-off takes over

# Of every connection that a restart cuts it would tell with a trace, beside lines that are JSON;
# what matters of it reaches us as DatabaseUnavailable.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)

# What Postgres says when another transaction was faster; running anew is the documented answer.
_LOST_RACE = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available: lock_timeout
    "23505",  # unique_violation: another inserted what we had looked for in vain
    *driver.STALE_PLAN,  # the connection has forgotten the plan, and the next run makes it anew
}
_DIALECT = PGDialect_pg8000()  # type: ignore[no-untyped-call]  # it has no types
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)")


class LostRace(NotYet):
    """Something that this step had read was changed by another before it could write."""

    code = "lost_race"


class DatabaseUnavailable(NotYet):
    """Postgres cannot be reached, or is restarting."""

    code = "database_unavailable"


class BrokenStatement(Fault):
    """A statement that Postgres refuses whatever the data; `sqlstate` says why."""

    code = "broken_statement"


@dataclass(frozen=True, slots=True)
class Write:
    """A change to one table, to be made together with others by `Transaction.write`.

    `sql` is an INSERT, UPDATE or DELETE with `RETURNING`; `rows` is how many rows it must touch,
    None for any number.
    """

    sql: str
    parameters: Mapping[str, Any]
    rows: int | None = None


@dataclass(slots=True)
class Transaction:
    """One use case's view of the database. `now` is its moment, for everything it writes."""

    _connection: Connection
    now: datetime
    cause: Cause
    announced: set[str] = field(default_factory=set)  # ordering keys with something in the outbox
    _pending: tuple[Write, ...] = ()  # not sent yet: whatever comes next sends it first

    @property
    def connection(self) -> Connection:
        """The connection, for what has no other word here; all that was written is there."""
        self._send()
        return self._connection

    def follow(self, correlation_id: str) -> None:
        """What is announced from here on belongs to this trail, whoever started the step."""
        self.cause = replace(self.cause, correlation_id=correlation_id)

    def rows(self, statement: TextClause, **parameters: object) -> Sequence[Row[Any]]:
        """Run one statement and fetch all that it returns."""
        return _run(self.connection, statement, parameters).all()

    def row(self, statement: TextClause, **parameters: object) -> Row[Any] | None:
        """Run one statement and fetch its only row, or None."""
        return _run(self.connection, statement, parameters).one_or_none()

    def write(self, *writes: Write) -> None:
        """Make all the changes in one statement; no row may be touched by two of them.

        It is sent with what comes next, at the latest with the commit. Where one of the changes
        touches another number of rows than it has to, that raises LostRace.
        """
        self._send()
        self._pending = writes

    def written(self, *writes: Write) -> tuple[int, ...]:
        """Make all the changes in one statement, now. Returns how many rows each of them touched.

        Raises:
            LostRace: one of them touched another number of rows than it had to.
        """
        self._send()
        statement, parameters = _together(writes)
        counted = tuple(_run(self._connection, statement, parameters).one())
        return counted[: len(writes)]

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is done in this block is taken back where an exception leaves it."""
        with self.connection.begin_nested():
            try:
                yield
                self._send()
            finally:
                self._pending = ()

    def commit(self) -> None:
        """End the step: what is written is there for everybody."""
        writes, self._pending = self._pending, ()
        if writes:
            statement, parameters = _together(writes)
            _run(self._connection, statement, parameters, {driver.COMMITS: True})

    def _send(self) -> None:
        writes, self._pending = self._pending, ()
        if writes:
            statement, parameters = _together(writes)
            _run(self._connection, statement, parameters)


def _run(
    connection: Connection,
    statement: TextClause,
    parameters: Mapping[str, object],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> CursorResult[Any]:
    """Run a statement of ours: it is compiled once, which `execute` looks up anew each time."""
    sql, names = _compiled(statement)
    values = tuple([parameters[name] for name in names])
    return connection.exec_driver_sql(sql, values, execution_options=options)


@lru_cache(maxsize=1_000)
def _compiled(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())


def _together(writes: Sequence[Write]) -> tuple[TextClause, dict[str, Any]]:
    parameters = {
        f"w{position}_{name}": value
        for position, write in enumerate(writes)
        for name, value in write.parameters.items()
    }
    parameters["guarded"] = [write.rows for write in writes]
    return _joined(tuple(write.sql for write in writes)), parameters


@lru_cache(maxsize=256)
def _joined(statements: tuple[str, ...]) -> TextClause:
    parts, counts = [], []
    for position, sql in enumerate(statements):
        own = _PARAMETER.sub(rf":w{position}_\1", sql)
        parts.append(f"w{position} AS ({own})")
        counts.append(f"(SELECT count(*) FROM w{position})")  # noqa: S608
    names = [f"n{position}" for position in range(len(statements))]
    # Built from the constants of the stores; data travels as parameters. Who lost a race finds out
    # in the statement itself, because the commit may be right behind it.
    return text(
        f"WITH {', '.join(parts)}, touched ({', '.join(names)}) AS (SELECT {', '.join(counts)})"  # noqa: S608
        f" SELECT {', '.join(names)},"
        f" as_guarded(ARRAY[{', '.join(names)}], CAST(:guarded AS bigint[])) FROM touched"
    )


class Database:
    """The pool of one process."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._clock = clock

    def run(
        self,
        step: Callable[[Transaction], Result],
        cause: Cause,
        then: Callable[[set[str]], None] = lambda _keys: None,
    ) -> Result:
        """Run `step` in a transaction, commit, and pass `then` the keys of what it announced.

        A step that lost a race for a lock is run anew, a bounded number of times.

        Raises:
            LostRace: it lost every time.
            DatabaseUnavailable: there is no connection to be had, or it broke.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    tx = Transaction(connection, self._clock(), cause)
                    result = step(tx)
                    tx.commit()
            except (DBAPIError, PoolExhausted, LostRace, OSError) as error:
                lost = _translated(error)
                if not isinstance(lost, LostRace) or attempt == ATTEMPTS:
                    raise lost from error
                log.line("transaction.lost_race", "INFO", attempt=attempt, **lost.facts)
            else:
                if tx.announced:
                    then(tx.announced)
                return result
        raise AssertionError("unreachable")

    def statement(self, statement: TextClause, **parameters: object) -> Sequence[Row[Any]]:
        """Run one statement that is a transaction by itself.

        Raises:
            LostRace, DatabaseUnavailable: as for `run`, but without running anew.
        """
        try:
            with self._autocommit.connect() as connection:
                result = _run(connection, statement, parameters)
                return result.all() if result.returns_rows else []
        except (DBAPIError, PoolExhausted, OSError) as error:
            raise _translated(error) from error

    def now(self) -> datetime:
        """The current moment of the clock that transactions use."""
        return self._clock()

    def close(self) -> None:
        """Close every idle connection."""
        self._engine.dispose()


def connect(config: Config, clock: Clock) -> Database:
    """A database for this process; connections are opened when first needed."""
    return Database(engine_for(config), clock)


def engine_for(config: Config) -> Engine:
    """An engine with prepared statements and the time-outs of `config` on every connection."""
    options = (
        f"-c lock_timeout={config.lock_timeout_ms} "
        f"-c statement_timeout={config.statement_timeout_ms} -c timezone=UTC "
        # Our statements have one good plan each; planning them anew costs more than running them.
        "-c plan_cache_mode=force_generic_plan"
    )
    patience_s = config.statement_timeout_ms / 1_000 + SILENCE_S
    if config.database_url is not None:
        engine = create_engine(
            config.database_url.get_secret_value(),
            pool_size=config.pool_size,
            max_overflow=0,
            pool_timeout=WAIT_FOR_CONNECTION_S,
            hide_parameters=True,  # errors and the pool's log must not tell a customer's address
            # Building a TLS context takes 25 ms a connection, and a URL is for loopback only.
            connect_args={
                "ssl_context": False,
                "startup_params": {"options": options},
                "timeout": patience_s,
            },
        )
    else:
        engine = create_engine(
            "postgresql+pg8000://",
            creator=_cloud_sql(config, config.instance_connection_name or "", options),
            pool_size=config.pool_size,
            max_overflow=0,
            pool_timeout=WAIT_FOR_CONNECTION_S,
            hide_parameters=True,
            pool_pre_ping=True,
        )
    driver.tune(engine, patience_s)
    return engine


def _cloud_sql(config: Config, instance: str, options: str) -> Callable[[], object]:
    from google.cloud.sql.connector import Connector, IPTypes  # noqa: PLC0415  0.6 s, cloud only

    # Serverless instances sleep between requests, so certificates are refreshed when needed.
    connector = Connector(refresh_strategy="lazy", ip_type=IPTypes.PRIVATE)
    return lambda: connector.connect(
        instance,
        "pg8000",
        user=config.database_user,
        db=config.database_name,
        enable_iam_auth=True,
        startup_params={"options": options},
    )


def _translated(
    error: DBAPIError | PoolExhausted | LostRace | OSError,
) -> LostRace | DatabaseUnavailable | BrokenStatement:
    if isinstance(error, LostRace):
        return error
    if isinstance(error, PoolExhausted):
        return DatabaseUnavailable("every connection is in use")
    said = None if isinstance(error, OSError) else error.orig
    sqlstate = driver.sqlstate(said)
    if not sqlstate:  # not from the server: the socket
        return DatabaseUnavailable("no connection to the database")
    if sqlstate in _LOST_RACE:
        guard = driver.failed_guard(said)
        facts = {"guard": guard} if guard else {"sqlstate": sqlstate}
        return LostRace("another was faster", **facts)
    if sqlstate[:2] in {"08", "53", "57"}:  # connection, resources, operator intervention
        return DatabaseUnavailable("the database is not available", sqlstate=sqlstate)
    return BrokenStatement("the database refused a statement", sqlstate=sqlstate)
