"""Work that is killed: done in a process that ends itself with SIGKILL at a chosen moment.

A moment is the instant before the process speaks to the outside: to Postgres, Pub/Sub, Cloud Tasks
or the carrier. `Crashing` keeps one program with everything imported, which forks for each piece of
work, so that a crash costs milliseconds. The program is a process of its own because one that has
threads, as a test process has, must not fork.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from pg8000 import core
from requests.adapters import HTTPAdapter

from shared.carriers.easypost import EasyPost
from shared.carriers.types import Carrier
from shared.contracts.base import Cause
from shared.contracts.parcels import CarrierUpdateReceived
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.flows.buy_label import buy_label
from shared.flows.place_order import Crowd, place_waiting
from shared.flows.rules import Rules
from shared.flows.steps import Result
from shared.flows.track_parcel import track_parcel
from shared.kit.clock import Clock
from shared.kit.errors import DoneBefore
from shared.platform import inbox
from shared.platform.config import Config, read
from shared.platform.db import Database, Transaction, connect
from shared.platform.relay import Relay
from shared.platform.tasks import Queues
from shared.platform.topics import Topics


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work as a queue or a topic brings it; `event_id` stays the same when repeated."""

    kind: Literal["place", "buy", "track"]
    subject: str  # the order, the parcel, or the update that was kept
    event_id: str
    tracking_code: str = ""


class Worker:
    """What a function has, pointed at the stand-ins."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.database: Database = connect(config, clock)
        self.relay = Relay(
            self.database, {"topic": lambda: Topics(config), "queue": lambda: Queues(config)}
        )
        assert config.easypost_api_key is not None
        self._carriers: Mapping[str, Carrier] = {
            "easypost": EasyPost(
                api_key=config.easypost_api_key.get_secret_value(),
                api_base=config.easypost_api_base,
            )
        }

    def do(self, job: Job) -> None:
        """Do the work as its function would."""
        cause = Cause(job.event_id, job.event_id)

        def run(step: Callable[[Transaction], Result]) -> Result:
            return self.relay.run(step, cause)

        match job.kind:
            case "place":
                work = PlaceOrder(order_id=job.subject, priority="standard")
                place_waiting(run, work, Rules(), Crowd())
            case "buy":
                to_buy = BuyLabel(parcel_id=job.subject, carrier="correios")
                buy_label(run, to_buy, self._carriers, Rules())
            case "track":
                event = CarrierUpdateReceived(
                    update_id=job.subject, vendor="easypost", tracking_code=job.tracking_code
                )
                with contextlib.suppress(DoneBefore):
                    run(lambda tx: _track_once(tx, event))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def _track_once(tx: Transaction, event: CarrierUpdateReceived) -> None:
    inbox.take(tx, "order_tracking")
    track_parcel(tx, event)


class Crashing:
    """A program that does jobs in processes of their own, and kills them on request."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.crashing"],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def moments(self, job: Job, now: datetime) -> list[str]:
        """Do `job` to the end; returns what the process said to the outside, in its order."""
        killed, moments = self._do(job, now, None)
        assert not killed, f"killed after {moments}"
        return moments

    def kill(self, job: Job, now: datetime, moment: int) -> str:
        """Do `job` and kill the process just before its `moment`-th word to the outside, from 0.

        Returns:
            The word that was not spoken.
        """
        killed, moments = self._do(job, now, moment)
        assert killed, f"it ended before moment {moment}: {moments}"
        return moments[-1]

    def close(self) -> None:
        """End the program."""
        self._program.communicate(timeout=60)  # on a busy machine too

    def _do(self, job: Job, now: datetime, moment: int | None) -> tuple[bool, list[str]]:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        order = {"job": asdict(job), "now": now.isoformat(), "moment": moment}
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, "the crashing program has ended; its errors are above"
        answer = json.loads(line)
        assert answer["signal"] in {0, signal.SIGKILL}, answer
        return answer["signal"] == signal.SIGKILL, answer["moments"]


class _Fuse:
    """Notes each moment on a pipe, and kills this process at the chosen one."""

    def __init__(self, pipe: int, moment: int | None) -> None:
        self._pipe = pipe
        self._left = moment

    def reach(self, what: str) -> None:
        os.write(self._pipe, f"{' '.join(what.split())[:60]}\n".encode())
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left is not None:
            self._left -= 1

    def guard(self, owner: type, method: str, name: Callable[..., str]) -> None:
        """Reach a moment before every call of the method."""
        original = getattr(owner, method)

        def guarded(*args: Any, **others: Any) -> Any:
            self.reach(name(*args))
            return original(*args, **others)

        setattr(owner, method, guarded)


def _guard_postgres(fuse: _Fuse) -> None:
    """Reach a moment before every packet that makes Postgres run something.

    Below any driver's ways: where pg8000 writes messages, and where it sends what it has written.
    """
    write, flush = core._write, core._flush
    prepared: dict[bytes, str] = {}
    unsent: list[str] = []

    def watched_write(sock: Any, data: bytes) -> None:
        unsent.extend(_run_by(bytes(data), prepared))
        write(sock, data)

    def watched_flush(sock: Any) -> None:
        if unsent:
            # What is written last travels with its commit.
            words = "commit" if unsent[-1] == "commit" else "; ".join(unsent)
            unsent.clear()
            fuse.reach(words)
        flush(sock)

    core._write, core._flush = watched_write, watched_flush


def _run_by(packet: bytes, prepared: dict[bytes, str]) -> Iterator[str]:
    """The statements that messages of the frontend run, of those that run something.

    Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    while packet:
        kind, end = packet[:1], 1 + int.from_bytes(packet[1:5], "big")
        content, packet = packet[5:end], packet[end:]
        if kind == b"Q":
            yield content.rstrip(b"\0").decode()
        elif kind == b"P":
            name, sql, _ = content.split(b"\0", 2)
            prepared[name] = sql.decode()
        elif kind == b"B":
            _portal, name, _ = content.split(b"\0", 2)
            yield prepared[name]


def _child(order: dict[str, Any], pipe: int) -> None:
    fuse = _Fuse(pipe, order["moment"])
    _guard_postgres(fuse)
    fuse.guard(HTTPAdapter, "send", lambda _self, request, *_: f"{request.method} carrier")
    fuse.guard(Topics, "send", lambda _self, topic, *_: f"publish {topic}")
    fuse.guard(Queues, "_add", lambda _self, queue, *_: f"add to {queue.rpartition('/')[2]}")
    now = datetime.fromisoformat(order["now"])
    Worker(read(os.environ), lambda: now).do(Job(**order["job"]))
    fuse.reach("end")


def _serve() -> None:
    for line in sys.stdin:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _child(json.loads(line), write_end)
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            moments = pipe.read().splitlines()
        _, status = os.waitpid(pid, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        sys.stdout.write(json.dumps({"signal": ended, "moments": moments}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
