"""`bench migration`: the newest migrations on big tables, while others work on them.

Old code goes on while a migration runs, so what is measured is the work: how long transactions on
the migrated tables take before and meanwhile, and whether one of them fails. The schema is made up
to the revision before, filled with copies of one order, and then migrated to the newest.
"""

import argparse
import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from emulators.bench.ground import Where, own_postgres
from emulators.bench.jobs import placer
from emulators.bench.report import Figure, Progress, Report
from emulators.bench.settings import LONGEST_STATEMENT_MS, settings
from emulators.bench.shop import CAUSE, Shop
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.postgres_binaries import PostgresFailed
from emulators.laptop.stack import ROOT
from shared.kit.clock import utc_now
from shared.kit.errors import DispatchError
from shared.platform.db import Database, Transaction, connect
from shared.platform.migrate import engine_for, migrate
from shared.platform.sql import text

ROWS, QUICK_ROWS = 1_000_000, 2_000
WORKERS = 4
BEFORE_S, QUICK_BEFORE_S = 10.0, 1.0  # of work without a migration
AT_ONCE = 50_000  # rows of a statement that fills
TEMPLATE = "template"
GOAL = 3_000.0  # ms: longer than lock_timeout nobody waits for a migration

_REFERRED_TO = ("warehouses", "skus", "rate_cards")
_PUT = """
    INSERT INTO {table}
    SELECT copied.* FROM jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb)) AS copied
"""
# Which tables are filled, and by which column their copies differ.
_FILLED = {
    "orders": "order_id",
    "order_lines": "order_id",
    "parcels": "parcel_id",
    "parcel_items": "parcel_id",
}
_COPY = """
    INSERT INTO {table}
    SELECT copied.*
      FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS number,
           jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb)
               || jsonb_build_object('order_id', 'past-' || number, 'tracking_token', NULL)
               || CASE WHEN CAST(:by AS text) = 'parcel_id'
                       THEN jsonb_build_object('parcel_id', 'par-' || number)
                       ELSE '{{}}' END) AS copied
"""
# What every release does with an order: lock it, look at its parcels, change it.
_LOCK = text("SELECT state FROM orders WHERE order_id = :order_id FOR NO KEY UPDATE")
_PARCELS = text("SELECT parcel_id, state FROM parcels WHERE order_id = :order_id")
_CHANGE = text("UPDATE orders SET state_reason = :reason WHERE order_id = :order_id RETURNING 1")


@dataclass(slots=True)
class Work:
    """What the workers came to; times in seconds."""

    took_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench migration`."""
    parser.add_argument("--rows", type=positive, metavar="N", help=f"of each big table ({ROWS:,})")
    parser.add_argument(
        "--from",
        dest="since",
        metavar="REV",
        help="the revision that is there before (the one before the newest)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: Postgres did not work here, or there is no such revision.
    """
    rows = arguments.rows or (QUICK_ROWS if arguments.quick else ROWS)
    before_s = QUICK_BEFORE_S if arguments.quick else BEFORE_S
    known = revisions()
    since = arguments.since or known[-2]
    if since not in known[:-1]:
        raise UserMistake(f"There is no revision {since} before the newest; {known[0]} is one.")
    try:
        with own_postgres() as where:
            return _measured(where, since, known, progress, rows=rows, before_s=before_s)
    except PostgresFailed as failure:
        raise UserMistake(str(failure)) from failure


def revisions() -> list[str]:
    """All of them, the oldest first."""
    scripts = ScriptDirectory.from_config(_alembic())
    return [script.revision for script in scripts.walk_revisions()][::-1]


def _measured(
    where: Where,
    since: str,
    known: Sequence[str],
    progress: Progress,
    *,
    rows: int,
    before_s: float,
) -> Report:
    server, _ = where
    template = _template_rows(server.create_database("template"))
    url = server.create_database("migrated")
    reached = settings(url, LONGEST_STATEMENT_MS)
    _upgrade(engine_for(reached), since)
    progress(f"Filling {', '.join(_FILLED)} with {rows:,} rows each, at revision {since}")
    with contextlib.closing(connect(reached, utc_now)) as database:
        _fill(database, template, rows)
    with contextlib.closing(server.server.connect("migrated")) as connection:
        connection.cursor().execute("VACUUM ANALYZE")
    before, meanwhile = Work(), Work()
    with _working(url, rows, before):
        time.sleep(before_s)
    progress(f"Migrating from {since} to {known[-1]}")
    with _working(url, rows, meanwhile):
        began_s = time.monotonic()
        migrate(settings(url))  # with the time-outs of production
        migrated_s = time.monotonic() - began_s
        time.sleep(min(before_s, 1.0))  # what was held up comes through
    return Report(
        benchmark="migration",
        figures=[
            Figure("the migrations", "s", [migrated_s]),
            *(
                Figure(f"a transaction meanwhile, {name}", "ms", [of(meanwhile)], [of(before)])
                for name, of in (("p50", _p50), ("p95", _p95))
            ),
            Figure(
                "the longest, against lock_timeout",
                "ms",
                [_longest(meanwhile)],
                [GOAL],
                goal=1.0,
                at_most=True,
            ),
            Figure("transactions meanwhile", "", [len(meanwhile.took_s)]),
        ],
        facts={"rows": rows, "from": since, "to": known[-1], "workers": WORKERS},
        faults=sorted({*before.errors, *meanwhile.errors}),
    )


def _template_rows(url: str) -> dict[str, list[str]]:
    """By table: rows as JSON, of an order that the product itself accepted and placed."""
    migrate(settings(url))
    database = connect(settings(url), utc_now)
    try:
        shop = Shop(database, 40)
        shop.fill()
        placer(database)(*shop.orders(1))
        return {
            table: [
                row.row
                for row in database.statement(
                    text(f"SELECT to_jsonb(t)::text AS row FROM {table} AS t {limit}")  # noqa: S608
                )
            ]
            for table, limit in (
                *((table, "") for table in _REFERRED_TO),
                *((table, "LIMIT 1") for table in _FILLED),
            )
        }
    finally:
        database.close()


def _fill(database: Database, template: Mapping[str, Sequence[str]], rows: int) -> None:
    for table in _REFERRED_TO:
        for row in template[table]:
            database.statement(text(_PUT.format(table=table)), row=row)
    for table, by in _FILLED.items():
        copy = text(_COPY.format(table=table))
        (row,) = template[table]
        for first in range(1, rows + 1, AT_ONCE):
            last = min(rows, first + AT_ONCE - 1)
            database.statement(copy, first=first, last=last, row=row, by=by)


@contextmanager
def _working(url: str, rows: int, work: Work) -> Iterator[None]:
    """Work on random orders for the length of the block, by code that knows no migration."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(url, rows, work, over, seed))
        for seed in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _work(url: str, rows: int, work: Work, over: threading.Event, seed: int) -> None:
    random = Random(seed)  # noqa: S311  no secret, only other orders than the others'
    database = connect(settings(url), utc_now)
    try:
        while not over.is_set():
            order_id = f"past-{random.randint(1, rows)}"
            began_s = time.monotonic()
            try:
                database.run(partial(_touch, order_id=order_id), CAUSE)
            except DispatchError as error:
                work.errors.append(f"a transaction failed: {error} {error.facts}")
            work.took_s.append(time.monotonic() - began_s)
    finally:
        database.close()


def _touch(tx: Transaction, order_id: str) -> None:
    tx.row(_LOCK, order_id=order_id)
    tx.rows(_PARCELS, order_id=order_id)
    tx.row(_CHANGE, order_id=order_id, reason="touched")


def _p50(work: Work) -> float:
    return _percentile(work, 50)


def _p95(work: Work) -> float:
    return _percentile(work, 95)


def _percentile(work: Work, percent: int) -> float:
    ordered = sorted(work.took_s)
    return 1e3 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _longest(work: Work) -> float:
    return 1e3 * max(work.took_s)


def _alembic() -> AlembicConfig:
    found = AlembicConfig()
    found.set_main_option("script_location", str(ROOT / "shared/platform/migrations"))
    return found


def _upgrade(engine: Engine, revision: str) -> None:
    found = _alembic()
    with engine.connect() as connection:
        found.attributes["connection"] = connection
        command.upgrade(found, revision)
