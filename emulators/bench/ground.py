"""What transactions are measured on: a durable private Postgres, a shop in it, warm workers.

Several databases of one server may be measured on in turns.
"""

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulators.bench import past
from emulators.bench.floor import FloorRun, make_floor, run_pgbench
from emulators.bench.folder import own_folder
from emulators.bench.jobs import Job
from emulators.bench.report import Progress
from emulators.bench.settings import LONGEST_STATEMENT_MS, settings
from emulators.bench.shop import CAUSE, Shop
from emulators.bench.workers import Round, Workers, workers
from emulators.laptop import postgres
from emulators.laptop.postgres import Postgres, Server
from shared.flows.place_order import TOGETHER
from shared.kit.clock import utc_now
from shared.ops.auditor import audit
from shared.platform.db import Database, connect
from shared.platform.migrate import migrate
from shared.platform.sql import text

CROWD = 8
COUNTS = (1, CROWD)  # workers, and clients of the floor


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What happens before anything is measured."""

    past_orders: int  # stored
    each: int  # orders of each worker: plans prepared, rate cards read, caches filled


WARM = WarmUp(past_orders=10_000, each=40)
HARDLY_WARM = WarmUp(past_orders=100, each=4)  # for smoke tests

_SETTLE = "VACUUM ANALYZE"
_ELSEWHERE = text("""
    SELECT count(*) AS orders
      FROM orders
     WHERE order_id = ANY(CAST(:order_ids AS text[])) AND state <> :state
""")

Where = tuple[Postgres, Path]  # a running server, and a folder


@dataclass(frozen=True, slots=True)
class Bench:
    """One database that is measured on.

    `ends` has the state in which each order must be found when all is over.
    """

    postgres: Postgres
    server: Server
    folder: Path
    database: Database
    shop: Shop
    workers: Workers
    floor_skus: int
    ends: dict[str, str] = field(default_factory=dict)

    @property
    def pgbench(self) -> Path | None:
        """The driver of the floor, where the Postgres in use brings it."""
        found = self.postgres.binaries.folder / "pgbench"
        return found if found.exists() else None

    @property
    def facts(self) -> dict[str, str | int | float]:
        """What was measured on."""
        binaries = self.postgres.binaries
        return {
            "postgres": f"{binaries.major} ({binaries.source})",
            "floor_driver": "pgbench" if self.pgbench else "pg8000, slower than pgbench",
        }

    def warm_up(self, wanted: WarmUp) -> None:
        """Have every worker and every plan ready, and the tables as autovacuum would leave them.

        Plans that were made for empty tables would be kept while these grow, until statistics are
        taken: no shop begins every day as on its first.
        """
        if wanted.past_orders:
            past.store(self.database, self.shop, wanted.past_orders, lambda _: None)
        self._settle()
        orders = self.workers.count * wanted.each
        self.place(self.shop.orders(orders), self.workers.count)
        self.place_together(self.shop.orders(orders), self.workers.count)
        self._settle()

    def _settle(self) -> None:
        with contextlib.closing(self.server.connect()) as connection:
            connection.cursor().execute(_SETTLE)

    def floor(self, clients: int, *, duration_s: float, orders: int) -> FloorRun:
        """One round of the floor: for so long, or without pgbench so many orders."""
        if self.pgbench is not None:
            return run_pgbench(
                self.pgbench,
                self.server,
                self.folder,
                self.floor_skus,
                clients=clients,
                duration_s=duration_s,
            )
        ran = self.workers.do(Job.FLOOR, shares([""] * orders, clients))
        return FloorRun(ran.per_s, ran.client_cpu_ms)

    def place(self, order_ids: Sequence[str], count: int) -> Round:
        """Have `count` workers place these orders."""
        self.ends.update(dict.fromkeys(order_ids, "placed"))
        return self.workers.do(Job.PLACE, shares(order_ids, count))

    def place_together(self, order_ids: Sequence[str], count: int) -> Round:
        """Have `count` workers place these orders, as many in a transaction as the flow takes.

        An item of the round is a piece of work: twice as many as would do, since who looks for
        others while these are being placed takes fewer. Those at the end find nothing left to do.
        """
        self.ends.update(dict.fromkeys(order_ids, "placed"))
        return self.workers.do(Job.PLACE_TOGETHER, shares(order_ids[:: TOGETHER // 2], count))

    def faults(self) -> list[str]:
        """What the run broke, as sentences."""
        by_state = defaultdict(list)
        for order_id, state in self.ends.items():
            by_state[state].append(order_id)
        faults = []
        for state, order_ids in by_state.items():
            (left,) = self.database.statement(_ELSEWHERE, order_ids=order_ids, state=state)
            if left.orders:
                faults.append(f"{left.orders} orders are not {state}")
        return faults + [
            f"{broken.rule}: {broken.subject}: {broken.found}, should be {broken.expected}"
            for broken in self.database.run(audit, CAUSE)
        ]


def shares(items: Sequence[str], count: int) -> list[Sequence[str]]:
    """The items, dealt to `count` workers."""
    return [items[first::count] for first in range(count)]


def in_words(count: int) -> str:
    """So many workers."""
    return "1 worker" if count == 1 else f"{count} workers"


@contextmanager
def own_postgres() -> Iterator[Where]:
    """A durable Postgres, and a folder, for the length of the block."""
    with own_folder() as folder:
        with postgres.start(folder / "postgres", durable=True) as server:
            yield server, folder
        if folder not in server.home.folder.parents:  # its account could not come here
            shutil.rmtree(server.home.folder.parent)


@contextmanager
def bench(
    where: Where, stock_rows: int, progress: Progress, *, name: str, crowd: int
) -> Iterator[Bench]:
    """A database of its own with a shop of `stock_rows` balances, and `crowd` workers on it."""
    server, folder = where
    url = server.create_database(name)
    with contextlib.ExitStack() as open_parts:
        migrate(settings(url))
        database = connect(settings(url, LONGEST_STATEMENT_MS), utc_now)
        open_parts.callback(database.close)
        progress(f"Postgres {server.binaries.major} runs; loading {stock_rows:,} stock rows")
        shop = Shop(database, stock_rows)
        shop.fill()
        floor_skus = make_floor(Server(url), stock_rows)
        progress(f"Starting {in_words(crowd)}")
        staff = open_parts.enter_context(workers(url, crowd))
        yield Bench(server, Server(url), folder, database, shop, staff, floor_skus)
