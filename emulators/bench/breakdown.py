"""Where the time of one placed order goes, as the process that places it sees it.

Every wait for Postgres to answer is timed by the statement that it answers, sending and the main
pure steps each by themselves; what remains is the driver's and the flow's own Python. Timing costs
some microseconds a call, so these orders are not among those whose rate is quoted.
"""

import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pg8000 import core
from pg8000.exceptions import DatabaseError

from emulators.bench.jobs import Step, placer
from emulators.bench.report import Part
from emulators.bench.settings import settings
from emulators.laptop.postgres import Postgres, Server
from shared.flows import table as flow
from shared.kit.clock import utc_now
from shared.placement import store as decisions
from shared.platform import outbox
from shared.platform.db import Database
from shared.platform.driver import Session
from shared.platform.pool import Pool, opener
from shared.shipments import store as shipments

SENDING = "sending"

_LOAD = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"
_STATEMENTS = "SELECT query, total_exec_time FROM pg_stat_statements"
_TABLES = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE(?! OF)) (?:ONLY )?([a-z_]+)\b")
_NAMED_PARTS = re.compile(r"\b([a-z_0-9]+) AS \(")

# What of the flow is timed: where a name is looked up, and what it is called here.
_STEPS = (
    (flow, "decide", "decide"),
    (flow, "receipt", "receipt"),
    (decisions, "record", "decision as JSON"),
    (shipments, "plan", "parcels as columns"),
    (outbox, "put", "messages as JSON"),
)


class Meter:
    """Sums of times by what they were spent on."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = defaultdict(int)
        self.spent_s: dict[str, float] = defaultdict(float)

    def timed(self, what: Callable[..., str], step: Callable[..., Any]) -> Callable[..., Any]:
        """`step`, its time added under the name that `what` gives for its arguments."""

        def run(*arguments: Any, **named: Any) -> Any:
            begun_s = time.perf_counter()
            try:
                return step(*arguments, **named)
            finally:
                name = what(*arguments)
                self.calls[name] += 1
                self.spent_s[name] += time.perf_counter() - begun_s

        return run

    def clear(self) -> None:
        """Forget what was counted."""
        self.calls.clear()
        self.spent_s.clear()


def breakdown(
    postgres: Postgres, server: Server, *, warm_up: Sequence[str], timed: Sequence[str]
) -> tuple[Part, ...]:
    """Place the orders of `warm_up`, then those of `timed`, and say where the time of these went.

    `server` is the one of `postgres`, with the database that has the orders.

    Postgres is restarted with pg_stat_statements where it has that: nobody else may be connected.
    """
    knows_statements = _load_statistics(postgres, server)
    meter = Meter()
    with _instrumented(server.url, meter) as place:
        for order_id in warm_up:
            place(order_id)
        meter.clear()
        if knows_statements:
            _query(server, "SELECT pg_stat_statements_reset()")
        begun_s = time.perf_counter()
        for order_id in timed:
            place(order_id)
        whole_s = time.perf_counter() - begun_s
    server_ms = _server_ms(server) if knows_statements else {}
    return _parts(meter, whole_s, len(timed), server_ms)


def _parts(
    meter: Meter, whole_s: float, orders: int, server_ms: dict[str, float]
) -> tuple[Part, ...]:
    named = {SENDING, *(name for _, _, name in _STEPS)}
    parts = [
        Part(
            what=what,
            count=meter.calls[what] / orders,
            client_us=1e6 * spent_s / orders,
            server_us=(1e3 * server_ms[what] / orders if what in server_ms else None),
        )
        for what, spent_s in meter.spent_s.items()
    ]
    rest_s = whole_s - sum(meter.spent_s.values())
    statements = [part for part in parts if part.what not in named]
    steps = [part for part in parts if part.what in named]
    return (*statements, *steps, Part("the rest", 1, 1e6 * rest_s / orders))


@contextmanager
def _instrumented(url: str, meter: Meter) -> Iterator[Step]:
    opened = opener(settings(url))

    def instrumented() -> Session:
        session = opened()
        session.connection.handle_messages = meter.timed(
            lambda context: _named(context.statement), session.connection.handle_messages
        )
        return session

    database = Database(Pool(instrumented, size=1), utc_now)
    with contextlib.ExitStack() as patches:
        patches.callback(database.close)
        flush = meter.timed(lambda *_: SENDING, core._flush)  # noqa: SLF001
        patches.enter_context(patch.object(core, "_flush", flush))
        for module, attribute, name in _STEPS:
            step = meter.timed(lambda *_, n=name: n, getattr(module, attribute))
            patches.enter_context(patch.object(module, attribute, step))
        yield placer(database)


def _named(statement: str, *_: object) -> str:
    """A short name of a statement: its verb and its tables, the same for both sides' text."""
    words = statement.split()
    parts = set(_NAMED_PARTS.findall(statement))
    tables = [name for name in _TABLES.findall(statement) if name not in {"unnest", *parts}]
    verb = "write" if re.search(r"\b(INSERT|UPDATE [a-z])", statement) else words[0].lower()
    locks = " and lock" if re.search(r"FOR (NO KEY )?UPDATE", statement) else ""
    return " ".join([verb + locks, ", ".join(dict.fromkeys(tables))]).strip()


def _load_statistics(postgres: Postgres, server: Server) -> bool:
    _query(server, _LOAD)
    postgres.restart()
    try:
        _query(server, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    except DatabaseError:
        return False
    return True


def _server_ms(server: Server) -> dict[str, float]:
    spent_ms: dict[str, float] = defaultdict(float)
    for query, total_ms in _query(server, _STATEMENTS):
        spent_ms[_named(query)] += total_ms
    return dict(spent_ms)


def _query(server: Server, statement: str) -> Sequence[Any]:
    with contextlib.closing(server.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
