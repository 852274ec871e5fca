"""The connections of one process: how they are opened, and who has which.

The pool of our own stands for SQLAlchemy's, of which nothing else was left in use, and whose import
took a third of every cold start. Who was here last is taken first: it has its statements prepared,
and what is not needed stays idle.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Semaphore
from urllib.parse import unquote, urlsplit

from pg8000 import dbapi
from pg8000.exceptions import Error

from shared.platform import trace
from shared.platform.config import Config
from shared.platform.driver import Session

SILENCE_S = 3.0  # beyond a statement's time-out, after which a server is taken for gone
WAIT_FOR_CONNECTION_S = 10.0
# An instance sleeps between requests, and the server or a network between may have hung up on it.
TRUSTED_FOR_S = 30.0


class PoolExhausted(Exception):
    """Every connection stayed in use for as long as one waits for one."""


class Pool:
    """At most `size` connections, opened when they are first needed."""

    def __init__(
        self,
        opened: Callable[[], Session],
        size: int,
        *,
        patience_s: float = WAIT_FOR_CONNECTION_S,
        trusted_for_s: float = TRUSTED_FOR_S,
    ) -> None:
        """Make an empty pool.

        Args:
            opened: opens a connection.
            size: how many there are at once.
            patience_s: how long one waits for a connection while all are in use.
            trusted_for_s: how long an idle one is taken for alive without being asked.
        """
        self._opened = opened
        self._free = Semaphore(size)
        self._patience_s = patience_s
        self._trusted_for_s = trusted_for_s
        self._idle: deque[tuple[Session, float]] = deque()  # and since when

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection; what is not committed at the end of the block is rolled back.

        Raises:
            PoolExhausted: all are in use.
            Error, OSError: of pg8000, where the server cannot be reached.
        """
        if not self._free.acquire(timeout=self._patience_s):
            raise PoolExhausted("every connection is in use")
        try:
            session = self._taken()
            try:
                yield session
            finally:
                self._take_back(session)
        finally:
            self._free.release()

    def close(self) -> None:
        """End every idle connection; others are opened when they are needed."""
        while self._idle:
            try:
                session, _ = self._idle.pop()
            except IndexError:  # another took the last one meanwhile
                return
            session.close()

    def _taken(self) -> Session:
        try:
            session, since_s = self._idle.pop()
        except IndexError:
            return self._opened()
        if time.monotonic() - since_s > self._trusted_for_s and not session.is_alive():
            session.close()
            self.close()  # the others have been idle for longer
            return self._opened()
        return session

    def _take_back(self, session: Session) -> None:
        try:
            if session.in_step:
                session.rollback()
        except (Error, OSError):
            session.in_step = False
        if session.in_step:
            self._idle.append((session, time.monotonic()))
        else:  # the server may have failed over, and then what is idle is as dead
            session.close()
            self.close()


def pool_for(config: Config) -> Pool:
    """The connections that `config` describes."""
    return Pool(opener(config), config.pool_size)


def opener(config: Config) -> Callable[[], Session]:
    """What opens a connection, with the time-outs of `config`."""
    options = (
        f"-c lock_timeout={config.lock_timeout_ms} "
        f"-c statement_timeout={config.statement_timeout_ms} -c timezone=UTC "
        # Our statements have one good plan each; planning them anew costs more than running them.
        "-c plan_cache_mode=force_generic_plan "
        # A plan for any parameters looks dear: to compile it, or to start helpers for it, takes
        # longer than to run it, and takes processors from those who reserve stock.
        "-c jit=off -c max_parallel_workers_per_gather=0"
    )
    patience_s = config.statement_timeout_ms / 1_000 + SILENCE_S
    if config.database_url is not None:
        url = config.database_url.get_secret_value()
        connect = _at_url(url, options, patience_s)
    else:
        connect = _cloud_sql(config, config.instance_connection_name or "", options)
    return lambda: Session(connect(), patience_s, trace.label)


def _at_url(url: str, options: str, patience_s: float) -> Callable[[], dbapi.Connection]:
    named = urlsplit(url)
    return lambda: dbapi.connect(
        user=unquote(named.username or ""),
        password=unquote(named.password or ""),
        host=named.hostname,
        port=named.port or 5432,
        database=unquote(named.path.removeprefix("/")),
        # Building a TLS context takes 25 ms a connection, and a URL is for loopback only.
        ssl_context=False,
        startup_params={"options": options},
        timeout=patience_s,
    )


def _cloud_sql(config: Config, instance: str, options: str) -> Callable[[], dbapi.Connection]:
    from google.cloud.sql.connector import Connector, IPTypes  # noqa: PLC0415  0.6 s, cloud only

    # Serverless instances sleep between requests, so certificates are refreshed when needed.
    connector = Connector(refresh_strategy="lazy", ip_type=IPTypes.PRIVATE)

    def connect() -> dbapi.Connection:
        found: dbapi.Connection = connector.connect(
            instance,
            "pg8000",
            user=config.database_user,
            db=config.database_name,
            enable_iam_auth=True,
            startup_params={"options": options},
        )
        return found

    return connect
