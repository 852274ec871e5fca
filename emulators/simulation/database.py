"""The real Postgres under the simulation: where its faults come from, and what it remembers.

Below any driver's ways: statements are watched through SQLAlchemy's events, commits and rollbacks
on the connection itself.
"""

import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pg8000.dbapi
from sqlalchemy import Engine, event

from emulators.laptop.postgres import Server
from emulators.simulation.faults import Faults, Moment
from shared.kit.clock import Clock
from shared.platform.config import Config
from shared.platform.db import Database, engine_for
from shared.platform.migrate import migrate

LOCK_TIMEOUT = "10ms"  # nobody waits in one process, but for the rival that never lets go in time
GONE_TIMEOUT_MS = 5_000

# What was announced: the outbox forgets what it has sent, and only commits may be believed.
_REMEMBER = """
    CREATE SCHEMA simulation;
    CREATE TABLE simulation.announced (
        outbox_id bigint PRIMARY KEY, kind text, destination text, ordering_key text,
        event_id text, type text, attributes jsonb, body jsonb);
    CREATE FUNCTION simulation.remember() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO simulation.announced
        SELECT outbox_id, kind, destination, ordering_key, event_id, attributes->>'ce-type',
               attributes, body::jsonb
          FROM fresh;
        RETURN NULL;
    END $$;
    CREATE TRIGGER remember AFTER INSERT ON outbox REFERENCING NEW TABLE AS fresh
        FOR EACH STATEMENT EXECUTE FUNCTION simulation.remember();
"""
# Holds rows that a step will want: those of its order where one is known, else all balances.
_HOLD_ORDER = "SELECT 1 FROM orders WHERE order_id = %s FOR UPDATE"
_HOLD_STOCK = "SELECT 1 FROM stock_levels FOR UPDATE"
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

        The client's side is shut too: what it reads of a dead session depends on the moment.
        """
        self._cursor.execute(
            "SELECT pg_terminate_backend(%s, %s)", (connection.simulation_pid, GONE_TIMEOUT_MS)
        )
        with contextlib.suppress(OSError):
            connection._usock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001

    def vacuum(self) -> None:
        """What autovacuum does, at a step of the seed's choosing instead of at a moment's."""
        self._cursor.execute("VACUUM ANALYZE")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        self._cursor.execute(sql)
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
        cursor = connection.cursor()
        connection.autocommit = True
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SELECT pg_backend_pid()")
        connection.simulation_pid = cursor.fetchone()[0]
        connection.autocommit = False
        commit, rollback = connection.commit, connection.rollback

        def watched_commit() -> None:
            if not connection._in_transaction:  # noqa: SLF001
                return
            faults.reach(Moment.COMMIT, connection)
            commit()
            try:
                faults.reach(Moment.COMMITTED, connection)
            except ConnectionError:
                # As pg8000 says it, so that the pool drops the connection.
                raise pg8000.dbapi.InterfaceError("network error") from None

        def watched_rollback() -> None:
            if connection._in_transaction and rival.rolled_back():  # noqa: SLF001
                faults.reach(Moment.RETRY)
            rollback()

        connection.commit, connection.rollback = watched_commit, watched_rollback

    def statement(connection: Any, *_arguments: object) -> None:
        faults.reach(Moment.STATEMENT, connection.connection.dbapi_connection)

    event.listen(engine, "connect", connected)
    event.listen(engine, "before_cursor_execute", statement)
