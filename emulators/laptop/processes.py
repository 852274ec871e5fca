"""Programs that run beside one another: started, watched, ended, and nothing left behind."""

import atexit
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulators.laptop.cli import UserMistake
from emulators.laptop.watchdog import Watchdog

FIRST_USER_PORT = 1_024  # Postgres does not run as root, and below this only root may listen
LAST_PORT = 65_535
POLL_S = 0.01

# To run a program as another account, Python forks. A child in which gRPC then looks after what it
# was in the midst of often dies before it becomes the program; it is forked for nothing else.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


class ProcessFailed(Exception):
    """A program ended, or was not ready in time; the message has its last log lines."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that a program runs as."""

    uid: int
    gid: int


@dataclass(slots=True)
class Process:
    """A running program. Its output goes to `log`; it leads a session and group of its own."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]
    watchdog: Watchdog
    directory: Path
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log_start: int = field(default=0, init=False)

    @property
    def pid(self) -> int:
        """The process id; 0 while it does not run."""
        return self._running.pid if self._running else 0

    def start(self) -> None:
        """Start the program; what an earlier run wrote to the log stays."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._running = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=dict(self.environment), cwd=self.directory, start_new_session=True,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )  # fmt: skip
        self.watchdog.watch(self._running.pid, self.stop_signal)

    def is_alive(self) -> bool:
        """Whether the program still runs."""
        if self._running is None or self._running.poll() is None:
            return self._running is not None
        self._bury(self._running)
        return False

    def ready_line(self, key: str, timeout_s: float) -> dict[str, object]:
        """Wait for the JSON object with `key` that the program prints once it is ready.

        Raises:
            ProcessFailed: it ended before, or did not print one within `timeout_s`.
        """
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            ended = not self.is_alive()
            for line in self.output().splitlines():
                with contextlib.suppress(ValueError):
                    if isinstance(found := json.loads(line), dict) and key in found:
                        return found
            if ended:
                raise ProcessFailed(self._failure("ended before it was ready"))
            time.sleep(POLL_S)
        raise ProcessFailed(self._failure(f"was not ready within {timeout_s:g} s"))

    def wait_for_success(self, timeout_s: float) -> None:
        """Wait until the program has ended by itself.

        Raises:
            ProcessFailed: its exit code is not 0, or it still ran after `timeout_s`.
        """
        if self._running is None:
            raise ProcessFailed(f"{self.name} was never started")
        try:
            code = self._running.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self._failure(f"still ran after {timeout_s:g} s")) from None
        self._bury(self._running)
        if code != 0:
            raise ProcessFailed(self._failure(f"ended with exit code {code}"))

    def send(self, sent: signal.Signals) -> None:
        """Send a signal to the program; one that has ended is past caring."""
        if self._running is not None:
            self._running.send_signal(sent)

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the program: politely, and after `timeout_s` its whole group by force."""
        running = self._running
        if running is None:
            return
        self.send(self.stop_signal)
        self.send(signal.SIGCONT)  # one that stands still would not hear the first
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout_s)
        self._bury(running)

    def _bury(self, running: subprocess.Popen[bytes]) -> None:
        # At once, because its number may be given to others later: its own children may outlive
        # a leader that was killed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        self.watchdog.forget(running.pid)
        self._running = None

    def output(self) -> str:
        """What this run of the program has printed, whole lines and what follows the last."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _failure(self, what: str) -> str:
        last = self.output().splitlines()[-15:]
        return "\n  ".join([f"{self.name} {what}; the end of {self.log}:", *last])


def module_command(python: Path | str, module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs `module`, unbuffered so that logs and ready lines come at once."""
    return (str(python), "-u", "-m", module, *arguments)


_kept: set[int] = set()


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment.

    Chosen below the range from which systems take the local ports of outgoing connections, so that
    none of those can take it before the program that it is meant for; and kept from other stacks
    of this user until this process ends.
    """
    for _ in range(100):
        port = 10_000 + secrets.randbelow(20_000)
        if is_free(port) and _keep(port):
            return port
    raise UserMistake("No port between 10000 and 30000 is free; stop what listens there.")


def _keep(port: int) -> bool:
    """Whether it is this process's until that ends; one that keeps it already does not get it."""
    folder = Path(tempfile.gettempdir()) / f"dispatch-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    kept = (folder / str(port)).open("a")
    try:
        fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        kept.close()
        return False
    atexit.register(kept.close)  # and so it is held until then
    _kept.add(port)
    return True


def is_free(port: int) -> bool:
    """Whether `port` could be listened on at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None, preferred: int | None, purpose: str) -> int:
    """The port that the user wants; otherwise the preferred one where free; otherwise any.

    Raises:
        UserMistake: the wanted port is taken, or is none that everybody may use.
    """
    if wanted is not None:
        if not FIRST_USER_PORT <= wanted <= LAST_PORT:
            raise UserMistake(
                f"Port {wanted}, wanted for {purpose}, must lie between {FIRST_USER_PORT}"
                f" and {LAST_PORT}."
            )
        if not is_free(wanted):
            raise UserMistake(f"Port {wanted}, wanted for {purpose}, is taken; name another.")
        return wanted
    if preferred is not None and is_free(preferred) and (preferred in _kept or _keep(preferred)):
        return preferred  # kept: two stacks that start at the same moment both find it free
    return free_port()
