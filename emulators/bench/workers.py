"""Processes that do one kind of transaction after another, one connection for each kind.

Threads would share one interpreter lock, so that eight of them measure the lock. A worker is
started and warm before anything is timed; it gets its share, says that it is ready, and begins
when all others are.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from emulators.bench.jobs import Job, Step, begin

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
    def per_s(self) -> float:
        """Items done in a second, from the first beginning to the last end."""
        begun_s = min(share.begun_s for share in self.shares)
        return len(self.latencies_s) / (max(share.ended_s for share in self.shares) - begun_s)

    @property
    def client_cpu_ms(self) -> float:
        """CPU time of the workers, per item."""
        return 1e3 * sum(share.cpu_s for share in self.shares) / len(self.latencies_s)

    @property
    def latencies_s(self) -> list[float]:
        """How long each item took, shortest first."""
        return sorted(latency_s for share in self.shares for latency_s in share.latencies_s)

    def latency_ms(self, percentile: int) -> float:
        """The time that `percentile` of a hundred items did not exceed."""
        latencies_s = self.latencies_s
        return 1e3 * latencies_s[(len(latencies_s) - 1) * percentile // 100]


class Workers:
    """Some processes that wait for their shares. Made by `workers`."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._pipes)

    def do(self, job: Job, shares: Sequence[Sequence[str]]) -> Round:
        """Have one worker per share do the job for each of its items, all at the same time.

        Raises:
            WorkerFailed: one of them could not.
        """
        pipes = self._pipes[: len(shares)]
        for pipe, items in zip(pipes, shares, strict=True):
            pipe.send((job, tuple(items)))
        for pipe in pipes:
            _received(pipe)
        for pipe in pipes:
            pipe.send(GO)
        return Round(tuple(share for pipe in pipes if isinstance(share := _received(pipe), Share)))


@contextmanager
def workers(url: str, count: int) -> Iterator[Workers]:
    """`count` workers on the database at `url`, for as long as the block lasts."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # which is imported once for all of them
    pipes: list[Connection] = []
    processes: list[ForkServerProcess] = []
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
        raise WorkerFailed(f"A worker could not go on: {said!r}") from said
    return said


def _work(url: str, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who closes the pipe
    steps: dict[Job, Step] = {}
    pipe.send(READY)
    while True:
        try:
            job, items = pipe.recv()
            if job not in steps:
                steps[job] = begin(job, url)
            pipe.send(READY)
            pipe.recv()
            pipe.send(_timed(steps[job], items))
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001  the parent raises it
            pipe.send(WorkerFailed(repr(error)))


def _timed(step: Step, items: Sequence[str]) -> Share:
    latencies_s = []
    cpu_s = time.process_time()
    begun_s = last_s = time.monotonic()
    for item in items:
        step(item)
        now_s = time.monotonic()
        latencies_s.append(now_s - last_s)
        last_s = now_s
    return Share(begun_s, last_s, time.process_time() - cpu_s, tuple(latencies_s))
