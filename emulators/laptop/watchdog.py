"""Ends the processes of a stack that died without ending them itself.

Started as a program of its own with a pipe on standard input. The stack writes one line per
process, `PID SIGNAL`, and `PID 0` for one that has ended; when the pipe closes, whatever is left
gets its signal and, five seconds later, SIGKILL for its whole group. Every process leads a group of
its own, so nothing else is hit. A pipe closes however the stack dies, on every Unix, and unlike
PR_SET_PDEATHSIG it does not mistake the end of a thread for the end of the process.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

GRACE_S = 5.0


class Watchdog:
    """The stack's end of the pipe."""

    def __init__(self) -> None:
        # -S and -E: no site packages and no settings, so that it is up in a few milliseconds.
        self._program = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__], stdin=subprocess.PIPE, start_new_session=True
        )

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        """End the process group led by `pid` with `stop_signal` should this process die."""
        self._tell(f"{pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """`pid` has ended and may soon be somebody else's."""
        self._tell(f"{pid} 0")

    def close(self) -> None:
        """Let the watchdog end what it still watches, and wait until it has."""
        assert self._program.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._program.stdin.close()
        self._program.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        assert self._program.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._program.stdin.write(f"{line}\n".encode())
            self._program.stdin.flush()


def _is_alive(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS answers so for a group of zombies
        return False
    return True


def _end_all(watched: dict[int, int]) -> None:
    for pid, stop_signal in watched.items():
        # The leader alone: a group-wide SIGINT would cancel Postgres's queries before it can stop.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, stop_signal)
    deadline_s = time.monotonic() + GRACE_S
    while any(map(_is_alive, watched)) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    for pid in filter(_is_alive, watched):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _watch() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin:
        pid, stop_signal = map(int, line.split())
        if stop_signal:
            watched[pid] = stop_signal
        else:
            watched.pop(pid, None)
    _end_all(watched)


if __name__ == "__main__":
    _watch()
