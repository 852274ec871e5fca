"""The real Postgres under the simulation: where its faults come from, and what it remembers.

Statements, commits and rollbacks are watched on the driver's connection itself: SQLAlchemy's events
around statements would cost each of them more than the fault does.
"""

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pg8000.dbapi
from sqlalchemy import Engine, ExceptionContext, event

from emulators.laptop.postgres import Server
from emulators.simulation.faults import Crashed, Faults, Moment
from shared.kit.clock import Clock
from shared.platform.config import Config
from shared.platform.db import Database, engine_for
from shared.platform.driver import COMMITS
from shared.platform.migrate import migrate

Query = Callable[..., list[tuple[Any, ...]]]  # SQL, and its parameters

LOCK_TIMEOUT = "1ms"  # nobody waits in one process, but for the rival that never lets go in time
GONE_TIMEOUT_S = 5.0

# What was announced: the outbox forgets what it has sent, and only commits may be believed.
_REMEMBER = """
    CREATE SCHEMA simulation;
    CREATE TABLE simulation.announced (
        outbox_id bigint, kind text, destination text, ordering_key text, event_id text, type text,
        cause text, body jsonb);
    CREATE FUNCTION simulation.remember() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO simulation.announced
        SELECT outbox_id, kind, destination, ordering_key, event_id, attributes->>'ce-type',
               attributes->>'ce-causationid', body::jsonb
          FROM fresh;
        RETURN NULL;
    END $$;
    CREATE TRIGGER remember AFTER INSERT ON outbox REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION simulation.remember();
"""
# Holds rows that a step will want: those of its order where one is known, else all balances.
_HOLD_ORDER = "SELECT 1 FROM orders WHERE order_id = %s FOR UPDATE"
_HOLD_STOCK = "SELECT 1 FROM stock_levels FOR UPDATE"
_TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
_STEADY = ("autovacuum", "jit")


def prepare(server: Server, name: str, config: Config) -> None:
    """Make the tables of a fresh database, and the memory of what is announced."""
    engine = engine_for(config)
    migrate(engine)
    engine.dispose()
    with contextlib.closing(server.connect(name)) as connection:
        connection.cursor().execute(_REMEMBER)


class Rival:
    """A second session: it holds rows, ends other sessions, and keeps the house in order."""

    def __init__(self, server: Server, name: str) -> None:
        self._connection = server.connect(name)
        self._cursor = self._connection.cursor()
        self._attempts = 0
        self._cursor.execute(_TABLES)
        self._tables = ", ".join(table for (table,) in self._cursor.fetchall())

    def hold(self, order_id: str | None, attempts: int) -> None:
        """Hold rows until a step has been rolled back `attempts` times, or `let_go`."""
        self._attempts = attempts
        self._cursor.execute("BEGIN")
        if order_id is None:
            self._cursor.execute(_HOLD_STOCK)
        else:
            self._cursor.execute(_HOLD_ORDER, (order_id,))

    def rolled_back(self) -> bool:
        """A step was rolled back. Whether that was because of us."""
        if not self._attempts:
            return False
        self._attempts -= 1
        if not self._attempts:
            self._cursor.execute("ROLLBACK")
        return True

    def let_go(self) -> None:
        """The step has ended."""
        if self._attempts:
            self._attempts = 0
            self._cursor.execute("ROLLBACK")

    def end_session(self, connection: Any) -> None:
        """Terminate the connection's backend, and wait until nothing of it is left.

        Its socket is closed when its process ends, after it has let go of all that it held; asking
        the server to wait for that would wait for a tenth of a second each time. The client's side
        is shut too: what it reads of a dead session depends on the moment.
        """
        self._cursor.execute(f"SELECT pg_terminate_backend({connection.simulation_pid})")
        ended: socket.socket = connection._usock  # noqa: SLF001
        patience_s = ended.gettimeout()
        ended.settimeout(GONE_TIMEOUT_S)
        try:
            while ended.recv(4_096):
                pass
        except ConnectionError:
            pass
        except TimeoutError as error:
            raise AssertionError("a terminated session does not end") from error
        finally:
            ended.settimeout(patience_s)
        with contextlib.suppress(OSError):
            ended.shutdown(socket.SHUT_RDWR)

    def vacuum(self, *, analyse: bool) -> None:
        """What autovacuum does, at a step of the run's choosing instead of at a moment's."""
        self._cursor.execute(f"VACUUM {'(ANALYZE) ' if analyse else ''}{self._tables}")

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query finds; `%s` stands for each of the parameters."""
        self._cursor.execute(sql, parameters)
        return [tuple(row) for row in self._cursor.fetchall()]

    def close(self) -> None:
        """End the session."""
        self._connection.close()


@contextlib.contextmanager
def watched(config: Config, clock: Clock, faults: Faults, rival: Rival) -> Iterator[Database]:
    """The product's own `Database`, on an engine in which faults strike."""
    engine = engine_for(config)
    faults.cut = rival.end_session
    _watch(engine, faults, rival)
    database = Database(engine, clock)
    pool_log = logging.getLogger("sqlalchemy.pool")
    level = pool_log.level
    pool_log.setLevel(logging.CRITICAL)  # it would tell of every connection that is cut
    try:
        yield database
    finally:
        pool_log.setLevel(level)
        database.close()


@contextlib.contextmanager
def steady(server: Server) -> Iterator[None]:
    """Inside, the server does nothing by the machine's clock, so that a run repeats.

    And it compiles no queries: the auditor's would take longer to compile than to run.
    """
    _administer(server, *(f"ALTER SYSTEM SET {setting} = off" for setting in _STEADY))
    try:
        yield
    finally:
        _administer(server, *(f"ALTER SYSTEM RESET {setting}" for setting in _STEADY))


def _administer(server: Server, *statements: str) -> None:
    with contextlib.closing(server.connect("postgres")) as connection:
        cursor = connection.cursor()
        for statement in (*statements, "SELECT pg_reload_conf()"):
            cursor.execute(statement)


def _watch(engine: Engine, faults: Faults, rival: Rival) -> None:
    def connected(connection: Any, _record: object) -> None:
        _watch_connection(connection, faults, rival)

    def commits(cursor: Any, _statement: str, _parameters: object, context: Any) -> None:
        if context.execution_options.get(COMMITS, False):
            connection = cursor._c  # noqa: SLF001
            faults.reach(Moment.COMMIT, connection)
            connection.simulation_commits = True

    def failed(context: ExceptionContext) -> None:
        # Else SQLAlchemy would take a crash for a disconnect, and every one would cost a session.
        if isinstance(context.original_exception, Crashed):
            context.is_disconnect = False

    event.listen(engine, "connect", connected)
    event.listen(engine, "do_execute", commits, insert=True)
    event.listen(engine, "handle_error", failed)


def _watch_connection(connection: Any, faults: Faults, rival: Rival) -> None:
    open_cursor = connection.cursor
    cursor = open_cursor()
    connection.autocommit = True
    cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    cursor.execute("SELECT pg_backend_pid()")
    connection.simulation_pid = cursor.fetchone()[0]
    connection.simulation_commits = False  # whether its last statement took its commit along
    connection.autocommit = False
    commit, rollback = connection.commit, connection.rollback

    def watched_cursor() -> object:
        # SQLAlchemy opens one for each statement, just before it runs.
        faults.reach(Moment.STATEMENT, connection)
        return open_cursor()

    def watched_commit() -> None:
        if connection._in_transaction:  # noqa: SLF001
            faults.reach(Moment.COMMIT, connection)
            commit()
        elif not connection.simulation_commits:
            return
        connection.simulation_commits = False
        try:
            faults.reach(Moment.COMMITTED, connection)
        except ConnectionError:
            # As pg8000 says it, so that the pool drops the connection.
            raise pg8000.dbapi.InterfaceError("network error") from None

    def watched_rollback() -> None:
        ends = connection._in_transaction or connection.simulation_commits  # noqa: SLF001
        connection.simulation_commits = False
        if ends and rival.rolled_back():
            faults.reach(Moment.RETRY)
        rollback()

    connection.cursor = watched_cursor
    connection.commit, connection.rollback = watched_commit, watched_rollback
