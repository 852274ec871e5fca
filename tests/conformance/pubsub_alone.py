"""A Pub/Sub stand-in by itself: with a clock that a test moves, or in a process to be killed."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulators.google import rpc
from emulators.google.outbound import Outbound
from emulators.google.pubsub import server
from emulators.google.pubsub.topics import Topics
from emulators.google.tokens import TokenIssuer
from tests.conformance.cloud import Cloud, connect

HOST = "127.0.0.1"
READY_WITHIN_S = 60


class Clock:
    """Runs as the real one does, and may be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **span: float) -> None:
        self._ahead += timedelta(**span)


class Alone:
    """A stand-in in a thread of the test; `close` stops it as SIGTERM would."""

    def __init__(
        self, state: Path | None = None, *, slow_start: bool = False, clock: Clock | None = None
    ) -> None:
        self._options = (state, slow_start, clock or Clock())
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(READY_WITHIN_S)
        self.cloud = at(self.address)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(READY_WITHIN_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        state, slow_start, clock = self._options
        self._loop.run_until_complete(self._serve(state, clock, slow_start=slow_start))
        self._loop.close()

    async def _serve(self, state: Path | None, clock: Clock, *, slow_start: bool) -> None:
        outbound = Outbound()
        topics = Topics(outbound, TokenIssuer(), state=state, slow_start=slow_start, now=clock)
        grpc_server, port = await rpc.serve(server.services(topics), HOST, 0)
        self.address = f"{HOST}:{port}"
        self._ready.set()
        await self._stopped.wait()
        await grpc_server.stop(None)
        await topics.close()
        await outbound.close()


@contextmanager
def alone(
    state: Path | None = None, *, slow_start: bool = False, clock: Clock | None = None
) -> Iterator[Cloud]:
    """The clients of a stand-in that runs until the block ends."""
    running = Alone(state, slow_start=slow_start, clock=clock)
    try:
        yield running.cloud
    finally:
        running.close()


def at(address: str) -> Cloud:
    """Clients for Pub/Sub at `address`; there are neither tasks nor statistics."""
    return connect({"pubsub": address, "tasks": address, "http": address})


def start(state: Path) -> tuple[subprocess.Popen[str], Cloud]:
    """A process of its own that keeps its state in a folder, to be killed without warning."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.pubsub_alone", str(state)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, at(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(timeout=READY_WITHIN_S)
    assert process.stdout is not None
    process.stdout.close()


if __name__ == "__main__":
    stand_in = Alone(Path(sys.argv[1]))
    sys.stdout.write(f"{stand_in.address}\n")
    sys.stdout.flush()
    threading.Event().wait()
