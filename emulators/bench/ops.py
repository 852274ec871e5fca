"""`bench ops`: how quick the console is with a long past, and what those who look on cost.

The console and its stream answer over HTTP on a stack of their own, over a database with two months
of orders in every state. Beside each page stands the console's own style sheet, which costs HTTP
and nothing else; beside many viewers stands one. Filling the database takes a while, so `--keep`
names a folder in which it is left for another time.
"""

import argparse
import http.client
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import TypedDict
from urllib.parse import urlsplit

from emulators.bench import history
from emulators.bench.folder import own_folder
from emulators.bench.jobs import placer
from emulators.bench.report import Progress, Report
from emulators.bench.settings import LONGEST_STATEMENT_MS, settings
from emulators.bench.shop import CAUSE, Shop
from emulators.bench.streams import Stream, streams
from emulators.bench.turns import Kind, Turns
from emulators.bench.watching import NotWatched, Viewers, busy_s, memory_mb, viewers
from emulators.laptop import postgres
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.processes import ProcessFailed
from emulators.laptop.stack import ROOT, Options, Stack
from shared.contracts.order_facts import OrderExpected
from shared.edge.console.static_files import named
from shared.flows.keep_reports import keep_reports
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.people import proofs, sessions, users
from shared.people.types import Role, User
from shared.platform import db, outbox
from shared.platform.config import read
from shared.platform.db import Database
from shared.platform.migrate import migrate
from shared.platform.relay import Relay
from shared.platform.sql import text
from shared.platform.tasks import Queues
from shared.platform.topics import Topics

BY_SCHEDULE = ("housekeeping", "outbox_relay")  # without them the orders stay as they are
MOST_MS = 150.0  # that a page may take at p95
SOON_MS = 100.0  # within which a viewer is told at p95
PERCENTILES = (50, 95)
APART_S = 0.2  # two changes of an order; what comes closer is told together
FAR_APART_S = 1.5  # two changes of what changes all the time
LONGEST_S = 20.0  # for which a page is looked at in a round

PAGES = (
    "overview",
    "orders",
    "search by order",
    "search by SKU",
    "search by place",
    "late orders",
    "an order",
    "stock",
    "stock by warehouse",
    "warehouses",
    "a SKU",
    "movements of a SKU",
    "parcels",
    "a parcel",
    "parcels that stand still",
    "letters",
    "audit",
    "report of costs",
    "report of placements",
    "report of promises",
    "report of refusals",
)
TOOK = {
    (page, percentile): Kind(f"{page}, p{percentile}", "ms", at_most=True)
    for page in PAGES
    for percentile in PERCENTILES
}
ALLOWED = {page: Kind(f"{page}, p95 of what is allowed", "ms", 1.0, at_most=True) for page in PAGES}
# Whoever else is busy on the machine makes a page slower, and not dearer.
SPENT = {page: Kind(f"{page}, processor of a visit", "ms", at_most=True) for page in PAGES}
TOLD = Kind("commit to viewer, p95 of what is allowed", "ms", 1.0, at_most=True)
TOLD_MIDDLE = Kind("commit to viewer, p50, beside a read of the database", "ms", at_most=True)
TOLD_AMONG = Kind("commit to viewer among many, p95 of what is allowed", "ms", 1.0, at_most=True)
TOLD_ALL = Kind("commit to all viewers of one room, p95, beside one viewer", "ms", at_most=True)
READS = Kind("transactions of the database, many viewers beside one", "a second", at_most=True)
BUSY = Kind("processor of the database, many viewers beside one", "ms a second", at_most=True)
STREAM_BUSY = Kind("processor of the streams, many viewers beside one", "ms a second", at_most=True)
STREAM_MEMORY = Kind("memory of the streams, many viewers beside one", "MB", at_most=True)

_COMMITTED = text("""
    SELECT xact_commit + xact_rollback AS committed
      FROM pg_stat_database WHERE datname = current_database()
""")
_NOTHING = text("SELECT 1")
_CLEARED = text("SELECT pg_stat_clear_snapshot()")
_SENT = text("DELETE FROM outbox")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    stock_rows: int
    orders: int  # stored before
    live: int  # that are still to be sent
    visits: int  # of each page, in a round
    rounds: int
    viewers: int
    changes: int  # told to viewers
    rare_changes: int  # of what changes all the time
    watched_s: float  # over which the cost of looking on is counted


FULL = Size(
    20_000, orders=1_000_000, live=200, visits=60, rounds=3, viewers=500, changes=50,
    rare_changes=10, watched_s=10.0,
)  # fmt: skip
QUICK = Size(
    240, orders=500, live=10, visits=2, rounds=1, viewers=10, changes=3, rare_changes=2,
    watched_s=1.0,
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench ops`."""
    parser.add_argument("--orders", type=positive, metavar="N", help=f"stored ({FULL.orders})")
    parser.add_argument("--viewers", type=positive, metavar="N", help=f"at once ({FULL.viewers})")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave the filled database there, and use it again"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: the stack did not start here, or what is kept is of another size.
    """
    usual = QUICK if arguments.quick else FULL
    size = replace(
        usual,
        orders=arguments.orders or usual.orders,
        viewers=arguments.viewers or usual.viewers,
    )
    found = Turns()
    try:
        with _ground(size, arguments.keep, progress) as ground:
            for number in range(1, size.rounds + 1):
                progress(f"Round {number} of {size.rounds}")
                ground.show_pages(found, progress)
                ground.tell(found)
                progress(found.last([TOLD]))
                ground.watch(found)
                progress(found.last([TOLD_AMONG, TOLD_ALL, READS, BUSY, STREAM_BUSY]))
    except (ProcessFailed, NotWatched) as failure:
        raise UserMistake(str(failure)) from failure
    return Report(
        benchmark="ops",
        figures=found.figures(),
        facts={"stored_orders": size.orders, "viewers": size.viewers},
    )


@dataclass(frozen=True, slots=True)
class _Ground:
    size: Size
    stack: Stack
    streams: Sequence[Stream]
    database: Database
    relay: Relay
    live: Sequence[str]
    skus: Sequence[str]
    user: User

    def show_pages(self, found: Turns, progress: Progress) -> None:
        """One round of every page, in turns with what costs nothing."""
        token = self._session()
        for page, paths in self._pages().items():
            floor, floor_spent = self._visits(token, [named("console.css")])
            took, spent = self._visits(token, paths)
            for percentile in PERCENTILES:
                least = max(_percentile(floor, percentile), 0.1)
                found.add(TOOK[page, percentile], _percentile(took, percentile), least)
            found.add(ALLOWED[page], _percentile(took, 95), MOST_MS)
            found.add(SPENT[page], spent, max(floor_spent, 0.1))
            progress(found.last([ALLOWED[page], SPENT[page]]))

    def tell(self, found: Turns) -> None:
        """How long after a commit a viewer of the order is told."""
        order_id = self.live[0]
        with self._watched([f"order:{order_id}"], 1) as one:
            took, beside = self._told(one, order_id, 1, APART_S)
        found.add(TOLD, _percentile(took, 95), SOON_MS)
        found.add(TOLD_MIDDLE, _percentile(took, 50), _percentile(beside, 50))

    def watch(self, found: Turns) -> None:
        """What many viewers cost beside one while nothing happens, and how soon they are told."""
        rooms = [f"order:{order_id}" for order_id in self.live]
        costs = []
        for count in (1, self.size.viewers):
            with self._watched(rooms, count) as watching:
                costs.append(self._cost())
                # Of each order there are as many viewers as of any other; the last of them counts.
                of_first = len(range(0, count, len(rooms)))
                told, _ = self._told(watching, self.live[0], of_first, APART_S)
        for kind, one, many in zip((READS, BUSY, STREAM_BUSY, STREAM_MEMORY), *costs, strict=True):
            found.add(kind, many, max(one, 1.0))
        found.add(TOLD_AMONG, _percentile(told, 95), SOON_MS)
        all_told = []
        for count in (1, self.size.viewers):
            with self._watched(["overview"], count) as watching:
                told, _ = self._told(watching, self.live[0], count, FAR_APART_S)
                all_told.append(_percentile(told, 95))
        found.add(TOLD_ALL, all_told[1], all_told[0])

    def _told(
        self, watching: Viewers, order_id: str, wanted: int, apart_s: float
    ) -> tuple[list[float], list[float]]:
        """Ms after which each of so many was told of each change; of a bare read beside each."""
        took, beside = [], []
        changes = self.size.changes if apart_s == APART_S else self.size.rare_changes
        for _ in range(changes):
            time.sleep(apart_s)
            beside.append(_ms(lambda: self.database.statement(_NOTHING)))
            committed_s = self._committed(order_id)
            told = watching.told_after(committed_s, wanted)
            took += [(moment_s - committed_s) * 1_000 for moment_s in told]
        return took, beside

    def _watched(self, rooms: Sequence[str], count: int) -> AbstractContextManager[Viewers]:
        addresses = [stream.address for stream in self.streams]
        return viewers(addresses, rooms, [self._session() for _ in range(count)])

    def _cost(self) -> tuple[float, float, float, float]:
        """Transactions and ms of processor a second of the database; ms and MB of the streams."""
        server, told_by = [self.stack.pids()["postgres"]], [stream.pid for stream in self.streams]
        reads, busy, telling = self._count(), busy_s(server), busy_s(told_by)
        time.sleep(self.size.watched_s)
        return (
            (self._count() - reads) / self.size.watched_s,
            (busy_s(server) - busy) * 1_000 / self.size.watched_s,
            (busy_s(told_by) - telling) * 1_000 / self.size.watched_s,
            memory_mb(told_by),
        )

    def _count(self) -> int:
        self.database.statement(_CLEARED)
        (row,) = self.database.statement(_COMMITTED)
        return int(row.committed)

    def _committed(self, order_id: str) -> float:
        """When something about the order was committed; what that announces is sent."""
        committed: list[float] = []

        def send(lanes: set[str]) -> None:
            committed.append(time.monotonic())
            self.relay.send(lanes)

        fact = OrderExpected(order_id=order_id, expected_at=None)
        self.database.run(lambda tx: tx.write(outbox.put(tx, fact)), CAUSE, then=send)
        return committed[0]

    def _pages(self) -> dict[str, list[str]]:
        numbers = range(1, self.size.orders, max(1, self.size.orders // 199))
        orders = [f"past-{number:09}" for number in numbers]
        sent = [number for number in numbers if number <= self.size.orders * history.SENT]
        parcels = [f"past-parcel-{number:09}" for number in sent]
        hot, rare = self.skus[0], self.skus[1 :: max(1, len(self.skus) // 50)]
        paths: dict[str, list[str]] = {
            "overview": ["/"],
            "orders": ["/orders", "/orders?state=cancelled", "/orders?priority=standard"],
            "search by order": [f"/orders?q={order_id}" for order_id in orders],
            "search by SKU": [f"/orders?q={sku}" for sku in (hot, *rare)],
            "search by place": ["/orders?q=town+3", "/orders?q=10350", "/orders?q=Nowhere"],
            "late orders": ["/orders?late=true"],
            "an order": [f"/orders/{order_id}" for order_id in (*self.live, *orders)],
            "stock": ["/stock", f"/stock?q={rare[-1][-3:]}", "/stock?at_most=5"],
            "stock by warehouse": ["/stock?warehouse=BER", "/stock?warehouse=MUC&backordered=true"],
            "warehouses": ["/stock/warehouses", "/stock/warehouses/BER"],
            "a SKU": [f"/stock/skus/{sku}" for sku in (hot, *rare)],
            "movements of a SKU": [
                f"/stock/skus/{hot}/movements",
                f"/stock/skus/{hot}/movements?kind=count",
                f"/stock/skus/{rare[-1]}/movements",
            ],
            "parcels": [
                "/parcels",
                "/parcels?state=shipped&warehouse=BER",
                "/parcels?status=on_hold",
            ],
            "a parcel": [f"/parcels/{parcel_id}" for parcel_id in parcels],
            "parcels that stand still": [
                "/parcels/standing-still",
                "/parcels/standing-still?kind=silent",
            ],
            "letters": ["/letters", "/letters?state=retried", "/letters?code=unknown_sku"],
            "audit": ["/audit", "/audit?action=override_placement", "/audit?subject_kind=order"],
            "report of costs": ["/reports", "/reports?by=warehouse"],
            "report of placements": ["/reports/placements"],
            "report of promises": ["/reports/promises"],
            "report of refusals": ["/reports/refusals"],
        }
        return {page: paths[page] for page in PAGES}

    def _visits(self, token: str, paths: Sequence[str]) -> tuple[list[float], float]:
        """Look at these, one after the other: ms that each took, and of processor in the mean."""
        url = urlsplit(self.stack.addresses["ops"])
        headers = {"Cookie": f"dispatch_session={token}", "Accept": "text/html"}
        working = [self.stack.pids()["postgres"], self.stack.pids()["functions"]]
        took: list[float] = []
        with closing(http.client.HTTPConnection(url.netloc, timeout=60)) as connection:

            def look(number: int) -> None:
                path = url.path.rstrip("/") + paths[number % len(paths)]
                _get(connection, path, headers)

            look(0)  # the first one connects
            busy, end_s = busy_s(working), time.monotonic() + LONGEST_S
            while len(took) < self.size.visits and (len(took) < 2 or time.monotonic() < end_s):
                took.append(_ms(partial(look, len(took))))
        return took, (busy_s(working) - busy) * 1_000 / len(took)

    def _session(self) -> str:
        token = proofs.new_token()
        self.database.run(
            lambda tx: tx.write(sessions.begin(tx, token, self.user.user_id, is_complete=True)),
            CAUSE,
        )
        return token


@contextmanager
def _ground(size: Size, keep: Path | None, progress: Progress) -> Iterator[_Ground]:
    """The console on a stack of its own, with a past and some live orders."""
    with nullcontext(keep) if keep else own_folder() as folder:
        facts = _filled(folder, size, progress)
        options = Options(functions_root=_functions(folder))
        with (
            Stack(folder / "stack", options, progress) as stack,
            streams(stack, size.viewers) as looked_at,
            closing(db.connect(read(stack.environment), utc_now)) as database,
        ):
            someone = User(
                user_id=new_id("usr"),
                email=f"{new_id('bench')}@dispatch.local",
                name="Bench",
                role=Role.OPERATOR,
                warehouses=None,
                language="en",
                has_second_factor=False,
                disabled_at=None,
                created_at=utc_now(),
            )
            database.run(lambda tx: tx.write(users.add(tx, someone, "")), CAUSE)
            reached = read(stack.environment)
            relay = Relay(
                database, {"topic": lambda: Topics(reached), "queue": lambda: Queues(reached)}
            )
            yield _Ground(
                size, stack, looked_at, database, relay, facts["live"], facts["skus"], someone
            )
        if not keep and stack.postgres and folder not in stack.postgres.home.folder.parents:
            shutil.rmtree(stack.postgres.home.folder.parent)  # its account could not come here


def _functions(folder: Path) -> Path:
    """All functions that work when somebody asks them to."""
    chosen = folder / "functions"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir()
    for function in (ROOT / "functions").iterdir():
        if function.name not in BY_SCHEDULE:
            (chosen / function.name).symlink_to(function)
    return chosen


class _Filled(TypedDict):
    """What a filled database holds."""

    orders: int
    live: list[str]  # orders that are still to be sent
    skus: list[str]


def _filled(folder: Path, size: Size, progress: Progress) -> _Filled:
    """Fill the database of the folder's stack, unless that has been done."""
    note = folder / "filled.json"
    if note.exists():
        kept: _Filled = json.loads(note.read_text())
        if kept["orders"] != size.orders:
            raise UserMistake(
                f"{folder} holds {kept['orders']:,} orders; name another folder,"
                f" or --orders {kept['orders']}."
            )
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    # What a power cut loses meanwhile is made anew; what is measured runs on a durable server.
    with postgres.start(folder / "stack" / "postgres", durable=False) as server:
        server.drop_database("dispatch")
        url = server.create_database("dispatch")
        migrate(settings(url))
        with closing(db.connect(settings(url, LONGEST_STATEMENT_MS), utc_now)) as database:
            shop = Shop(database, size.stock_rows)
            shop.fill()
            history.store(database, shop, size.orders, progress)
            while days := keep_reports(lambda step: database.run(step, CAUSE)):
                progress(f"{days} more days of reports are added up")
            live = shop.orders(size.live)
            place = placer(database)
            for order_id in live:
                place(order_id)
            database.statement(_SENT)
    made = _Filled(orders=size.orders, live=live, skus=list(shop.skus))
    note.write_text(json.dumps(made))
    return made


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise NotWatched(f"{path} answered {answer.status}")


def _ms(act: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    act()
    return (time.perf_counter() - begun_s) * 1_000


def _percentile(values: Sequence[float], percentile: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percentile - 1]
