"""`bench placement`: the transaction that places an order, against the floor of this machine.

Floor and flow take turns on one private Postgres that is as durable as production's. The flow is
the real one without its relay: lock, decide, reserve, parcels, decision, outbox, commit.
"""

import argparse
import contextlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from emulators.bench.breakdown import breakdown
from emulators.bench.floor import FloorFailed, FloorRun, make_floor, run_pgbench
from emulators.bench.folder import own_folder
from emulators.bench.report import Figure, Part, Progress, Report
from emulators.bench.settings import LONGEST_STATEMENT_MS, settings
from emulators.bench.shop import CAUSE, Shop
from emulators.bench.workers import Round, WorkerFailed, Workers, workers
from emulators.laptop import postgres
from emulators.laptop.cli import UserMistake
from emulators.laptop.postgres import Postgres
from emulators.laptop.postgres_binaries import PostgresFailed
from shared.kit.clock import utc_now
from shared.ops.auditor import audit
from shared.platform.db import Database, connect, engine_for
from shared.platform.migrate import migrate

CROWD = 8
COUNTS = (1, CROWD)  # workers, and clients of the floor
GOAL = 0.5  # of the floor, with one worker
WARM_UP_ORDERS = 40  # for each worker: plans prepared, rate cards read, caches filled

_SETTLE = "VACUUM ANALYZE"
_NOT_PLACED = text("""
    SELECT count(*) AS orders
      FROM orders
     WHERE order_id = ANY(CAST(:order_ids AS text[])) AND state <> 'placed'
""")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    stock_rows: int
    orders: int  # in a round, with one worker and with eight
    rounds: int
    floor_s: float  # of each round of the floor


FULL = Size(stock_rows=100_000, orders=1_000, rounds=5, floor_s=3)
QUICK = Size(stock_rows=2_000, orders=80, rounds=1, floor_s=1)


@dataclass(slots=True)
class Measured:
    """The rounds so far, by the number of workers or clients."""

    floor: dict[int, list[FloorRun]] = field(default_factory=lambda: {n: [] for n in COUNTS})
    flow: dict[int, list[Round]] = field(default_factory=lambda: {n: [] for n in COUNTS})


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run measures on."""

    server: Postgres
    folder: Path
    database: Database
    shop: Shop
    workers: Workers
    floor_skus: int
    placed: list[str] = field(default_factory=list)

    @property
    def pgbench(self) -> Path | None:
        """The driver of the floor, where the Postgres in use brings it."""
        found = self.server.binaries.folder / "pgbench"
        return found if found.exists() else None

    def floor(self, clients: int, size: Size) -> FloorRun:
        """One round of the floor."""
        if self.pgbench is not None:
            return run_pgbench(
                self.pgbench,
                self.server.server,
                self.folder,
                self.floor_skus,
                clients=clients,
                duration_s=size.floor_s,
            )
        ran = self.workers.place("floor", _shares([""] * size.orders, clients))
        return FloorRun(ran.orders_per_s, ran.client_cpu_ms)

    def flow(self, count: int, orders: int) -> Round:
        """One round of the real flow."""
        order_ids = self.shop.orders(orders)
        self.placed.extend(order_ids)
        return self.workers.place("flow", _shares(order_ids, count))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench placement`."""
    parser.add_argument("--orders", type=_positive, metavar="N", help=f"a round ({FULL.orders})")
    parser.add_argument("--rounds", type=_positive, metavar="N", help=f"of each ({FULL.rounds})")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )
    parser.add_argument(
        "--breakdown", action="store_true", help="show where the time of one order goes"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: Postgres or its pgbench did not work here.
    """
    usual = QUICK if arguments.quick else FULL
    size = Size(
        stock_rows=usual.stock_rows,
        orders=arguments.orders or usual.orders,
        rounds=arguments.rounds or usual.rounds,
        floor_s=usual.floor_s,
    )
    try:
        with _bench(size, progress) as bench:
            return _measured(bench, size, progress, with_breakdown=arguments.breakdown)
    except (PostgresFailed, FloorFailed, WorkerFailed) as failure:
        raise UserMistake(str(failure)) from failure


def _measured(bench: Bench, size: Size, progress: Progress, *, with_breakdown: bool) -> Report:
    measured = Measured()
    for number in range(1, size.rounds + 1):
        for count in COUNTS:
            floor = bench.floor(count, size)
            flow = bench.flow(count, size.orders)
            measured.floor[count].append(floor)
            measured.flow[count].append(flow)
            progress(
                f"Round {number} of {size.rounds}, {_workers(count)}: "
                f"{flow.orders_per_s:,.0f} orders/s, floor {floor.orders_per_s:,.0f}"
            )
    parts = _breakdown(bench, size, progress) if with_breakdown else ()
    progress("Auditing the database")
    return Report(
        benchmark="placement",
        figures=_figures(measured),
        facts={
            "postgres": f"{bench.server.binaries.major} ({bench.server.binaries.source})",
            "floor_driver": "pgbench" if bench.pgbench else "pg8000, slower than pgbench",
            "stock_rows": size.stock_rows,
            "orders_a_round": size.orders,
        },
        faults=_faults(bench),
        breakdown=parts,
    )


def _breakdown(bench: Bench, size: Size, progress: Progress) -> tuple[Part, ...]:
    progress("Looking where the time goes")
    order_ids = bench.shop.orders(WARM_UP_ORDERS + size.orders)
    bench.placed.extend(order_ids)
    bench.database.close()  # the breakdown restarts Postgres
    return breakdown(
        bench.server, warm_up=order_ids[:WARM_UP_ORDERS], timed=order_ids[WARM_UP_ORDERS:]
    )


def _figures(measured: Measured) -> list[Figure]:
    figures = [
        Figure(
            what=f"orders placed, {_workers(count)}",
            unit="orders/s",
            rounds=[ran.orders_per_s for ran in measured.flow[count]],
            floor_rounds=[ran.orders_per_s for ran in measured.floor[count]],
            goal=GOAL if count == 1 else None,
        )
        for count in COUNTS
    ]
    for count in COUNTS:
        figures.append(
            Figure(
                what=f"client CPU, {_workers(count)}",
                unit="ms/order",
                rounds=[ran.client_cpu_ms for ran in measured.flow[count]],
                floor_rounds=[ran.client_cpu_ms for ran in measured.floor[count]],
            )
        )
        figures += [
            Figure(
                what=f"transaction p{percentile}, {_workers(count)}",
                unit="ms",
                rounds=[ran.latency_ms(percentile) for ran in measured.flow[count]],
            )
            for percentile in (50, 95)
        ]
    return figures


def _faults(bench: Bench) -> list[str]:
    (left,) = bench.database.statement(_NOT_PLACED, order_ids=bench.placed)
    faults = [f"{left.orders} orders were not placed"] if left.orders else []
    return faults + [
        f"{broken.rule}: {broken.subject}: {broken.found}, should be {broken.expected}"
        for broken in bench.database.run(audit, CAUSE)
    ]


@contextmanager
def _bench(size: Size, progress: Progress) -> Iterator[Bench]:
    with contextlib.ExitStack() as open_parts:
        folder = open_parts.enter_context(own_folder())
        server = open_parts.enter_context(_postgres(folder))
        engine = engine_for(settings(server.url))
        migrate(engine)
        engine.dispose()
        database = connect(settings(server.url, LONGEST_STATEMENT_MS), utc_now)
        open_parts.callback(database.close)
        progress(f"Postgres {server.binaries.major} runs; loading {size.stock_rows:,} stock rows")
        shop = Shop(database, size.stock_rows)
        shop.fill()
        floor_skus = make_floor(server.server, size.stock_rows)
        progress(f"Starting {CROWD} workers")
        crowd = open_parts.enter_context(workers(server.url, CROWD))
        bench = Bench(server, folder, database, shop, crowd, floor_skus)
        bench.flow(CROWD, CROWD * WARM_UP_ORDERS)
        with contextlib.closing(server.server.connect()) as connection:
            connection.cursor().execute(_SETTLE)
        yield bench


@contextmanager
def _postgres(folder: Path) -> Iterator[Postgres]:
    with postgres.start(folder / "postgres", durable=True) as server:
        yield server
    if folder not in server.home.folder.parents:  # its account could not come here
        shutil.rmtree(server.home.folder.parent)


def _shares(order_ids: Sequence[str], count: int) -> list[Sequence[str]]:
    return [order_ids[first::count] for first in range(count)]


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
