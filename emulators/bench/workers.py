"""Processes that place orders, one connection each.

Threads would share one interpreter lock, so that eight of them measure the lock. A worker is
started and warm before anything is timed; it gets its share, says that it is ready, and begins
when all others are.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from random import Random
from typing import Literal
from urllib.parse import unquote, urlsplit

import pg8000.native

from emulators.bench.settings import settings
from emulators.bench.shop import CAUSE, FIRST_SKU, PLACES
from shared.contracts.work import PlaceOrder
from shared.costing.book import Bookshelf
from shared.flows.place_order import place_order
from shared.kit.clock import utc_now
from shared.platform.db import connect

Driver = Literal["flow", "floor"]
READY = "ready"
GO = "go"


class WorkerFailed(Exception):
    """A worker could not do its share; the message says why."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker did: its times on the clock that all processes share, and its own cost."""

    begun_s: float
    ended_s: float
    cpu_s: float
    latencies_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What the workers did together."""

    shares: tuple[Share, ...]

    @property
    def orders_per_s(self) -> float:
        """From the first beginning to the last end."""
        begun_s = min(share.begun_s for share in self.shares)
        return len(self.latencies_s) / (max(share.ended_s for share in self.shares) - begun_s)

    @property
    def client_cpu_ms(self) -> float:
        """CPU time of the workers, per order."""
        return 1e3 * sum(share.cpu_s for share in self.shares) / len(self.latencies_s)

    @property
    def latencies_s(self) -> list[float]:
        """How long each order took, shortest first."""
        return sorted(latency_s for share in self.shares for latency_s in share.latencies_s)

    def latency_ms(self, percentile: int) -> float:
        """The time that `percentile` of a hundred orders did not exceed."""
        latencies_s = self.latencies_s
        return 1e3 * latencies_s[(len(latencies_s) - 1) * percentile // 100]


class Workers:
    """Some processes that wait for their shares. Made by `workers`."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def place(self, driver: Driver, shares: Sequence[Sequence[str]]) -> Round:
        """Have one worker per share place its orders, all at the same time.

        Raises:
            WorkerFailed: one of them could not.
        """
        pipes = self._pipes[: len(shares)]
        for pipe, order_ids in zip(pipes, shares, strict=True):
            pipe.send((driver, tuple(order_ids)))
        for pipe in pipes:
            _received(pipe)
        for pipe in pipes:
            pipe.send(GO)
        return Round(tuple(share for pipe in pipes if isinstance(share := _received(pipe), Share)))


@contextmanager
def workers(url: str, count: int) -> Iterator[Workers]:
    """`count` workers on the database at `url`, for as long as the block lasts."""
    context = get_context("spawn")
    pipes: list[Connection] = []
    processes: list[SpawnProcess] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(url, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        for pipe in pipes:
            _received(pipe)
        yield Workers(pipes)
    finally:
        for pipe in pipes:
            pipe.close()  # the end of its pipe is the end of a worker
        for process in processes:
            process.join(timeout=10)
            process.kill()


def _received(pipe: Connection) -> Share | str:
    try:
        said: Share | str | Exception = pipe.recv()
    except EOFError:
        raise WorkerFailed("A worker ended before its time.") from None
    if isinstance(said, Exception):
        raise WorkerFailed(f"A worker could not place an order: {said!r}") from said
    return said


def _work(url: str, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who closes the pipe
    place: dict[Driver, Callable[[str], None]] = {"flow": _flow(url), "floor": _floor(url)}
    pipe.send(READY)
    while True:
        try:
            driver, order_ids = pipe.recv()
            pipe.send(READY)
            pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_timed(place[driver], order_ids))
        except Exception as error:  # noqa: BLE001  the parent raises it
            pipe.send(WorkerFailed(repr(error)))


def _timed(place: Callable[[str], None], order_ids: Sequence[str]) -> Share:
    latencies_s = []
    cpu_s = time.process_time()
    begun_s = last_s = time.monotonic()
    for order_id in order_ids:
        place(order_id)
        now_s = time.monotonic()
        latencies_s.append(now_s - last_s)
        last_s = now_s
    return Share(begun_s, last_s, time.process_time() - cpu_s, tuple(latencies_s))


def _flow(url: str) -> Callable[[str], None]:
    """The transaction of placement_worker; what it announces stays in the outbox."""
    database = connect(settings(url), utc_now)
    shelf = Bookshelf()

    def place(order_id: str) -> None:
        work = PlaceOrder(order_id=order_id, priority="standard")
        database.run(lambda tx: place_order(tx, work, shelf), CAUSE)

    return place


def _floor(url: str) -> Callable[[str], None]:
    """The floor where there is no pgbench: the driver itself, a prepared statement, no more."""
    parts = urlsplit(url)
    connection = pg8000.native.Connection(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=parts.port,
        database=parts.path.lstrip("/"),
        ssl_context=False,
    )
    prepared = connection.prepare(
        "SELECT CAST(floor.place_order(:first, :first_place, :second, :second_place) AS text)"
    )
    (skus,) = connection.run("SELECT count(DISTINCT sku) FROM floor.stock_levels")[0]

    random = Random(os.getpid())  # noqa: S311  no secret, only other rows than the others'

    def place(_order_id: str) -> None:
        first, second = random.sample(range(skus), 2)
        first_place = random.randint(1, len(PLACES))
        apart = random.randint(1, 6) == 1
        prepared.run(
            first=FIRST_SKU + first,
            first_place=first_place,
            second=FIRST_SKU + second,
            second_place=first_place % len(PLACES) + 1 if apart else first_place,
        )

    return place
