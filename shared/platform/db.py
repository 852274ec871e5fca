"""Postgres: one pool a process, one transaction a use case, prepared statements.

A store gives its changes as values (`Write`), and a flow makes the changes of one step together:
`Transaction.write` joins them into a single statement of writable CTEs, which saves a round trip
for each of them and fails as one. Such a statement travels with what comes next, the last of a step
with its commit. Every guard that must hold is part of its own statement, and a guard that holds for
fewer rows than expected rolls the whole step back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pg8000.exceptions import DatabaseError
from pg8000.exceptions import Error as DriverError

from shared.contracts.base import Cause
from shared.kit.clock import Clock
from shared.kit.errors import Fault, NotYet
from shared.platform import driver, log, trace
from shared.platform.config import Config
from shared.platform.driver import Asked, Row, Session
from shared.platform.pool import Pool, PoolExhausted, pool_for
from shared.platform.sql import PARAMETER, Statement, text

Result = TypeVar("Result")

ATTEMPTS = 5  # of a transaction that lost a race for a lock; then the queue's back-off takes over

# What Postgres says when another transaction was faster; running anew is the documented answer.
_TIMED_OUT = "57014"
_LOST_RACE = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available: lock_timeout
    "23505",  # unique_violation: another inserted what we had looked for in vain
    *driver.STALE_PLAN,  # the connection has forgotten the plan, and the next run makes it anew
}


class LostRace(NotYet):
    """Something that this step had read was changed by another before it could write."""

    code = "lost_race"


class DatabaseUnavailable(NotYet):
    """Postgres cannot be reached, or is restarting."""

    code = "database_unavailable"


class StatementTimedOut(DatabaseUnavailable):
    """Postgres is there, and a statement took longer than one may: that does not heal by itself."""

    code = "statement_timed_out"


class BrokenStatement(Fault):
    """A statement that Postgres refuses whatever the data; `sqlstate` says why."""

    code = "broken_statement"


class Write(NamedTuple):
    """A change to one table, to be made together with others by `Transaction.write`.

    `sql` is an INSERT, UPDATE or DELETE with `RETURNING`; `rows` is how many rows it must touch,
    None for any number.
    """

    sql: str
    parameters: Mapping[str, Any]
    rows: int | None = None


class _Unsent(NamedTuple):
    """A statement that waits for the next trip.

    `hear` takes its rows; `otherwise` is raised instead of LostRace where its guard does not hold.
    """

    sql: str
    values: Sequence[object]
    hear: Callable[[Sequence[Row]], None] = lambda _rows: None
    otherwise: type[Exception] | None = None


@dataclass(slots=True)
class Transaction:
    """One use case's view of the database. `now` is its moment, for everything it writes."""

    _session: Session
    now: datetime
    cause: Cause
    announced: set[str] = field(default_factory=set)  # ordering keys with something in the outbox
    _unsent: list[_Unsent] = field(default_factory=list)  # in this order, before what comes next

    def follow(self, correlation_id: str) -> None:
        """What is announced from here on belongs to this trail, whoever started the step."""
        self.cause = self.cause._replace(correlation_id=correlation_id)
        trace.tell(correlation_id=correlation_id)

    def rows(self, statement: Statement, **parameters: object) -> Sequence[Row]:
        """Run one statement and fetch all that it returns, if it returns anything."""
        return self._run(_Unsent(*statement.bound(parameters)))

    def row(self, statement: Statement, **parameters: object) -> Row | None:
        """Run one statement and fetch its only row, or None."""
        rows = self.rows(statement, **parameters)
        if not rows:
            return None
        (row,) = rows
        return row

    def ask(
        self,
        statement: Statement,
        read: Callable[[Sequence[Row]], Result],
        **parameters: object,
    ) -> Callable[[], Result]:
        """Ask what is not needed at once: it is sent with what comes next, and runs before it.

        Calling what is returned gives the answer, which `read` makes of the rows when they come.
        """
        said: list[Result] = []

        def answer() -> Result:
            if not said:
                self._send()
            return said[0]

        def hear(rows: Sequence[Row]) -> None:
            said.append(read(rows))

        self._unsent.append(_Unsent(*statement.bound(parameters), hear))
        return answer

    def write(self, *writes: Write, otherwise: type[Exception] | None = None) -> None:
        """Make all the changes in one statement; no row may be touched by two of them.

        It is sent with what comes next, at the latest with the commit. Where one of the changes
        touches another number of rows than it has to, that raises LostRace, or `otherwise`: the
        server has then run nothing of what travelled behind it, and commits nothing.
        """
        if writes:
            self._unsent.append(_Unsent(*_together(writes), otherwise=otherwise))

    def written(self, *writes: Write) -> tuple[int, ...]:
        """Make all the changes in one statement, now. Returns how many rows each of them touched.

        Raises:
            LostRace: one of them touched another number of rows than it had to.
        """
        (touched,) = self._run(_Unsent(*_together(writes)))
        return tuple(touched[: len(writes)])

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is done in this block is taken back where an exception leaves it."""
        self._set_savepoint()
        stays = False
        try:
            yield
            self._send()
            self._session.tell("release savepoint attempt")
            stays = True
        finally:
            if not stays:
                self._take_back()

    @contextmanager
    def trial(self, cause: Cause) -> Iterator["Transaction"]:
        """A transaction within this one, of which nothing stays."""
        self._set_savepoint()
        try:
            yield Transaction(self._session, self.now, cause)
        finally:
            self._take_back()

    def commit(self) -> None:
        """End the step: what is written is there for everybody."""
        if self._unsent:
            last = self._unsent.pop()
            # A statement by itself is a transaction, which neither begins nor commits in words.
            alone = not self._unsent and not self._session.is_open
            last.hear(self._run(last, commits=True, alone=alone))
        else:
            self._session.commit()

    def _send(self) -> None:
        if self._unsent:
            last = self._unsent.pop()
            last.hear(self._run(last))

    def _run(self, last: _Unsent, *, commits: bool = False, alone: bool = False) -> Sequence[Row]:
        """Run what was not sent yet, and `last` after it, on one trip."""
        sent, self._unsent = [*self._unsent, last], []
        asked = [Asked(one.sql, one.values) for one in sent]
        try:
            *before, rows = self._session.run(asked, commits=commits, alone=alone)
        except DatabaseError as error:
            told = zip(sent, asked, strict=True)
            failed = next((one for one, answer in told if answer.failed), last)
            if failed.otherwise is not None and driver.failed_guard(error):
                raise failed.otherwise from None
            raise
        for one, answer in zip(sent, before, strict=False):  # whoever called hears the last
            one.hear(answer)
        return rows

    def _set_savepoint(self) -> None:
        self._send()
        begins = "" if self._session.is_open else "begin transaction; "
        self._session.tell(f"{begins}savepoint attempt")

    def _take_back(self) -> None:
        self._unsent.clear()
        if self._session.in_step:  # else it is taken back with all the rest
            self._session.tell("rollback to savepoint attempt; release savepoint attempt")


def _together(writes: Sequence[Write]) -> tuple[str, Sequence[object]]:
    sql, places = _joined(tuple([write.sql for write in writes]))
    values: list[object] = [writes[position].parameters[name] for position, name in places]
    values.append([write.rows for write in writes])
    return sql, values


@lru_cache(maxsize=256)
def _joined(statements: tuple[str, ...]) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The statements as one, and which parameter of which of them each place is; the last: guards.

    Who lost a race finds out in the statement itself, because the commit may be right behind it.
    """
    parts, counts = [], []
    for position, sql in enumerate(statements):
        own = PARAMETER.sub(rf":w{position}_\1", sql)
        parts.append(f"w{position} AS ({own})")
        counts.append(f"(SELECT count(*) FROM w{position})")  # noqa: S608
    names = [f"n{position}" for position in range(len(statements))]
    # Built from the constants of the stores; data travels as parameters.
    joined = text(
        f"WITH {', '.join(parts)}, touched ({', '.join(names)}) AS MATERIALIZED ("  # noqa: S608
        f"SELECT {', '.join(counts)}) SELECT {', '.join(names)},"
        f" as_guarded(ARRAY[{', '.join(names)}], CAST(:guarded AS bigint[])) FROM touched"
    )
    places = [parameter[1:].split("_", 1) for parameter in joined.names[:-1]]
    return joined.numbered, tuple([(int(position), name) for position, name in places])


class Database:
    """The pool of one process."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
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
                with trace.span("transaction", run=attempt), self._pool.session() as session:
                    tx = Transaction(session, self._clock(), cause)
                    result = step(tx)
                    tx.commit()
            except (DriverError, PoolExhausted, LostRace, OSError) as error:
                lost = _translated(error)
                if not isinstance(lost, LostRace) or attempt == ATTEMPTS:
                    raise lost from error
                log.line("transaction.lost_race", "INFO", attempt=attempt, **lost.facts)
            else:
                if tx.announced:
                    then(tx.announced)
                return result
        raise AssertionError("unreachable")

    def statement(self, statement: Statement, **parameters: object) -> Sequence[Row]:
        """Run one statement that is a transaction by itself.

        Raises:
            LostRace, DatabaseUnavailable: as for `run`, but without running anew.
        """
        return self.statements((statement, parameters))

    def statements(self, *statements: tuple[Statement, Mapping[str, object]]) -> Sequence[Row]:
        """Run several on one trip, each a transaction by itself. Returns the rows of the last.

        Raises:
            LostRace, DatabaseUnavailable: as for `statement`; those after it are run all the same.
        """
        asked = [Asked(*statement.bound(values)) for statement, values in statements]
        try:
            with self._pool.session() as session:
                return session.run(asked, alone=True)[-1]
        except (DriverError, PoolExhausted, OSError) as error:
            raise _translated(error) from error

    def now(self) -> datetime:
        """The current moment of the clock that transactions use."""
        return self._clock()

    def close(self) -> None:
        """Close every idle connection."""
        self._pool.close()


def connect(config: Config, clock: Clock) -> Database:
    """A database for this process; connections are opened when first needed."""
    return Database(pool_for(config), clock)


def _translated(
    error: DriverError | PoolExhausted | LostRace | OSError,
) -> LostRace | DatabaseUnavailable | BrokenStatement:
    if isinstance(error, LostRace):
        return error
    if isinstance(error, PoolExhausted):
        return DatabaseUnavailable("every connection is in use")
    sqlstate = driver.sqlstate(error)
    if not sqlstate:  # not from the server: the socket
        return DatabaseUnavailable("no connection to the database")
    if sqlstate in _LOST_RACE:
        guard = driver.failed_guard(error)
        facts = {"guard": guard} if guard else {"sqlstate": sqlstate}
        return LostRace("another was faster", **facts)
    if sqlstate[:2] in {"08", "53", "57"}:  # connection, resources, operator intervention
        unavailable = StatementTimedOut if sqlstate == _TIMED_OUT else DatabaseUnavailable
        return unavailable("the database did not do it", sqlstate=sqlstate)
    return BrokenStatement("the database refused a statement", sqlstate=sqlstate)
