"""Viewers of the console's live updates: many open answers, read by one thread of this process."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

READY_S = 120.0
AT_ONCE = 20  # viewers who come together
TICKS_A_SECOND = 100  # Linux: of the times in /proc, on every machine that we know
_CHANGED = b"event: changed"


class NotWatched(Exception):
    """The stream let somebody wait, or turned them away; the message says which."""


@dataclass(slots=True)
class Viewers:
    """Those who look on, and when each was told of a change. Made by `viewers`."""

    sockets: Sequence[socket.socket]
    told_s: dict[int, float] = field(default_factory=dict)  # by viewer: of the latest word
    turn: threading.Condition = field(default_factory=threading.Condition)

    def told_after(self, after_s: float, wanted: int, timeout_s: float = 10.0) -> list[float]:
        """When each of so many viewers was told, of what happened after that moment.

        Raises:
            NotWatched: fewer were, in so long.
        """
        with self.turn:
            if not self.turn.wait_for(lambda: len(self._after(after_s)) >= wanted, timeout_s):
                told = len(self._after(after_s))
                raise NotWatched(f"{told} viewers of {wanted} were told of a change")
            return self._after(after_s)

    def _after(self, after_s: float) -> list[float]:
        return [told_s for told_s in self.told_s.values() if told_s > after_s]

    def read(self, stop: threading.Event) -> None:
        """Hear all of them until told to stop."""
        with selectors.DefaultSelector() as waiting:
            for number, connection in enumerate(self.sockets):
                waiting.register(connection, selectors.EVENT_READ, number)
            while not stop.is_set():
                for key, _ in waiting.select(0.1):
                    self._hear(key.data)

    def _hear(self, number: int) -> None:
        with suppress(OSError):
            if _CHANGED in self.sockets[number].recv(65_536):
                now_s = time.monotonic()
                with self.turn:
                    self.told_s[number] = now_s
                    self.turn.notify_all()


@contextmanager
def viewers(
    addresses: Sequence[str], rooms: Sequence[str], tokens: Sequence[str]
) -> Iterator[Viewers]:
    """One viewer with each session; viewer n is in room n modulo their number, at address alike.

    Raises:
        NotWatched: the stream did not take somebody.
    """
    urls = [urlsplit(address) for address in addresses]
    opened: list[socket.socket] = []
    stop = threading.Event()
    try:
        for first in range(0, len(tokens), AT_ONCE):
            fresh = []
            for number in range(first, min(first + AT_ONCE, len(tokens))):
                url = urls[number % len(urls)]
                host = (url.hostname or "", url.port or 80)
                connection = socket.create_connection(host, timeout=READY_S)
                opened.append(connection)
                fresh.append(connection)
                room = urlencode({"room": rooms[number % len(rooms)]})
                connection.sendall(
                    f"GET {url.path}?{room} HTTP/1.1\r\nHost: {url.netloc}\r\n"
                    f"Cookie: dispatch_session={tokens[number]}\r\n\r\n".encode()
                )
            for connection in fresh:
                _await_ready(connection)
        watching = Viewers(opened)
        thread = threading.Thread(target=watching.read, args=(stop,))
        thread.start()
        try:
            yield watching
        finally:
            stop.set()
            thread.join()
    finally:
        for connection in opened:
            connection.close()


def _await_ready(connection: socket.socket) -> None:
    heard = b""
    while b"event: ready" not in heard:
        more = connection.recv(65_536)
        heard += more
        if not more or not heard.startswith(b"HTTP/1.1 200"[: len(heard)]):
            raise NotWatched(f"the stream answered {heard[:60]!r}")


def busy_s(roots: Sequence[int]) -> float:
    """Seconds of processor time of these processes and of all below; 0 where /proc is not kept."""
    ticks: dict[int, int] = {}
    for pid in _family(roots):
        with suppress(OSError, ValueError, IndexError):
            said = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks[pid] = int(said[11]) + int(said[12])
    return sum(ticks.values()) / TICKS_A_SECOND


def memory_mb(roots: Sequence[int]) -> float:
    """Memory of these processes and of all below; what several share counts once."""
    kilobytes = 0
    for pid in _family(roots):
        with suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kilobytes += int(line.split()[1])
    return kilobytes / 1_024


def _family(roots: Sequence[int]) -> set[int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            said = stat.read_text().rpartition(") ")[2].split()
            parents[int(stat.parent.name)] = int(said[1])
    family, grown = set(roots), True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        grown = bool(more)
        family |= more
    return family
