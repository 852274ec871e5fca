"""The real Postgres under the simulation: where its faults come from, and what it remembers.

Statements, commits and rollbacks are watched on the sessions of the product's driver.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pg8000.dbapi

from emulators.laptop.postgres import Server
from emulators.simulation.faults import Faults, Moment
from shared.kit.clock import Clock
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.driver import Asked, Session
from shared.platform.migrate import migrate
from shared.platform.pool import Pool, opener

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
    migrate(config)
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
    """The product's own `Database`, on connections in which faults strike."""
    opened = opener(config)
    faults.cut = rival.end_session
    pool = Pool(lambda: _watched(opened(), faults, rival), config.pool_size)
    with contextlib.closing(Database(pool, clock)) as database:
        yield database


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


def _watched(session: Session, faults: Faults, rival: Rival) -> Session:
    connection = session.connection
    session.tell(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    ((row,),) = session.run([Asked("SELECT pg_backend_pid() AS pid", ())], alone=True)
    connection.simulation_pid = row.pid
    run, commit, rollback = session.run, session.commit, session.rollback
    takes_commit_along = False  # and so, where it fails, its rollback

    def watched_run(*arguments: Any, commits: bool = False, **named: Any) -> object:
        nonlocal takes_commit_along
        faults.reach(Moment.STATEMENT, connection)
        if not commits:
            return run(*arguments, **named)
        faults.reach(Moment.COMMIT, connection)
        takes_commit_along = True
        found = run(*arguments, commits=True, **named)
        takes_commit_along = False
        after_commit()
        return found

    def watched_commit() -> None:
        if session.is_open:
            faults.reach(Moment.COMMIT, connection)
            commit()
            after_commit()

    def after_commit() -> None:
        try:
            faults.reach(Moment.COMMITTED, connection)
        except ConnectionError:
            # As pg8000 says it; what was heard of the answer is not all of it.
            session.in_step = False
            raise pg8000.dbapi.InterfaceError("network error") from None

    def watched_rollback() -> None:
        nonlocal takes_commit_along
        ends = session.is_open or takes_commit_along
        takes_commit_along = False
        if ends and rival.rolled_back():
            faults.reach(Moment.RETRY)
        rollback()

    instruments = {"run": watched_run, "commit": watched_commit, "rollback": watched_rollback}
    for name, instrument in instruments.items():
        setattr(session, name, instrument)
    return session
