"""How soon a webhook is acknowledged: the real function under gunicorn, and a bare one beside it.

Each has a process of its own, with a worker and as many threads as on a laptop. What the webhook
does before it answers is all there: the signature, the row, the outbox, the message on its topic.
"""

import hmac
import http.client
import time
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from emulators.bench.folder import own_folder
from emulators.bench.payloads import VENDOR, Document, event
from emulators.laptop.stack import ROOT, Options, Stack
from shared.kit.clock import utc_now
from shared.platform import db
from shared.platform.config import read
from shared.platform.sql import text

HOOK, BARE = "tracking_webhook", "bare"
TIMEOUT_S = 30.0

_KEPT = text("SELECT count(*) AS kept FROM carrier_updates")

Letter = tuple[bytes, dict[str, str]]  # a body and its headers


class NotAcknowledged(Exception):
    """A webhook answered something else than 204; the message says what."""


@dataclass(slots=True)
class Doors:
    """The two functions. Made by `doors`."""

    stack: Stack
    _trackers: Sequence[Document]
    _numbers: Iterator[int]
    sent: int = 0

    def letters(self, wanted: int) -> list[Letter]:
        """So many signed updates, no two alike."""
        secret = self.stack.environment[f"DISPATCH_{VENDOR.upper()}_WEBHOOK_SECRET"]
        key = unicodedata.normalize("NFKD", secret).encode()
        made = []
        for number, _ in zip(self._numbers, range(wanted), strict=False):
            tracker = self._trackers[number % len(self._trackers)]
            body = event({**tracker, "tracking_code": f"BENCH{number:09}"})
            signature = "hmac-sha256-hex=" + hmac.digest(key, body, "sha256").hex()
            made.append((body, {"Content-Type": "application/json", "X-Hmac-Signature": signature}))
        return made

    def knock(self, function: str, letters: Sequence[Letter], clients: int) -> list[float]:
        """Have so many clients send these, each one after the other; ms of each, shortest first.

        Raises:
            NotAcknowledged: one of them was refused.
        """
        self.sent += len(letters) if function == HOOK else 0
        url = urlsplit(self.stack.addresses[function])
        path = f"{url.path}{VENDOR}"
        with ThreadPoolExecutor(max_workers=clients) as pool:
            shares = [letters[first::clients] for first in range(clients)]
            found = pool.map(lambda share: _send(url.netloc, path, share), shares)
            return sorted(latency for share in found for latency in share)

    def faults(self) -> list[str]:
        """What was acknowledged and is not there."""
        database = db.connect(read(self.stack.environment), utc_now)
        (row,) = database.statement(_KEPT)
        database.close()
        lost = self.sent - row.kept
        return [f"{lost} acknowledged updates are not kept"] if lost else []


@contextmanager
def doors(trackers: Sequence[Document]) -> Iterator[Doors]:
    """Both functions on a stack of their own; nobody hears what they publish."""
    with own_folder() as folder:
        root = folder / "functions"
        root.mkdir()
        (root / HOOK).symlink_to(ROOT / "functions" / HOOK)
        (root / BARE).symlink_to(Path(__file__).parent / BARE)
        options = Options(functions_root=root, process_per_function=True)
        with Stack(folder / "stack", options) as stack:
            yield Doors(stack, trackers, count(1))


def _send(netloc: str, path: str, letters: Sequence[Letter]) -> list[float]:
    connection = http.client.HTTPConnection(netloc, timeout=TIMEOUT_S)
    latencies_ms = []
    try:
        for body, headers in letters:
            begun_s = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            latencies_ms.append(1e3 * (time.perf_counter() - begun_s))
            if answer.status != 204:
                raise NotAcknowledged(f"HTTP {answer.status}: {said[:200]!r}")
    finally:
        connection.close()
    return latencies_ms
