"""A label vendor's simulator as a process of its own, with a place that takes its webhooks."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import requests

SECRET = "whsec_tést"
DEADLINE_S = 60.0

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the simulators differ for who uses them.

    Attributes:
        name: of the simulator's package in emulators/.
        api_path: what its API's addresses begin with.
        signature_header: where its webhooks are signed.
        code_of: the tracking code that an event is about.
    """

    name: str
    api_path: str
    signature_header: str
    code_of: Callable[[Event], str]


EASYPOST = Kind(
    "easypost", "/v2", "X-Hmac-Signature", lambda event: str(event["result"]["tracking_code"])
)
SHIPPO = Kind(
    "shippo", "", "Shippo-Auth-Signature", lambda event: str(event["data"]["tracking_number"])
)


@dataclass(slots=True)
class Mailbox:
    """Webhooks as they arrived: raw bodies with their signatures. Refuses the next n if told to."""

    kind: Kind
    url: str = ""
    refuse_next: int = 0
    arrived: list[tuple[bytes, str]] = field(default_factory=list, repr=False)

    def of(self, tracking_code: str) -> list[Event]:
        """The events about one parcel, in the order in which they arrived."""
        events = [json.loads(body) for body, _ in list(self.arrived)]
        return [event for event in events if self.kind.code_of(event) == tracking_code]


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator."""

    http: str
    mailbox: Mailbox

    @property
    def api_base(self) -> str:
        return f"http://{self.http}{self.mailbox.kind.api_path}"

    def stats(self) -> dict[str, int]:
        answer = requests.get(f"http://{self.http}/control/stats", timeout=5)
        return cast("dict[str, int]", answer.json())

    def control(self, verb: str, **body: object) -> dict[str, Any]:
        answer = requests.post(f"http://{self.http}/control/{verb}", json=body, timeout=5)
        assert answer.ok, answer.text
        return cast("dict[str, Any]", answer.json())

    def reset(self) -> None:
        """Take back what an earlier test ordered, and wait for its parcels to arrive."""
        self.control("faults", kind=None)
        self.control("release")
        self.control("silence", carrier=None)
        self.mailbox.refuse_next = 0
        wait_until(self._is_quiet, "every parcel arrives and every event is taken")

    def _is_quiet(self) -> bool:
        stats = self.stats()
        return stats["trackers"] == stats["trackers_delivered"] and not stats["webhooks_pending"]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, or fail with what did not happen."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.01)


@contextmanager
def mailbox(kind: Kind) -> Iterator[Mailbox]:
    """A place for webhooks on a free port."""
    box = Mailbox(kind)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                refused = box.refuse_next > 0
                box.refuse_next -= refused
                if not refused:
                    box.arrived.append((body, self.headers[kind.signature_header]))
            self.send_response(503 if refused else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        box.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield box
        finally:
            server.shutdown()


def start(kind: Kind, *options: str) -> subprocess.Popen[str]:
    """Start a simulator process; its first line on stdout says where it listens."""
    return subprocess.Popen(
        [sys.executable, "-m", f"emulators.{kind.name}", *options],
        env={**os.environ, f"{kind.name.upper()}_WEBHOOK_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(kind: Kind, *options: str) -> Iterator[Simulator]:
    """A simulator on a free port that sends its webhooks to a mailbox of its own."""
    with (
        mailbox(kind) as box,
        start(kind, "--port", "0", "--webhook-url", box.url, *options) as process,
    ):
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            assert ready, process.stderr and process.stderr.read()
            yield Simulator(json.loads(ready)["http"], box)
        finally:
            process.terminate()
            process.wait(60)
