"""Everything that can be made to go wrong on a running stack, behind one interface."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal

from emulators.laptop.cli import UserMistake
from emulators.laptop.processes import POLL_S

PATH = "/control/faults"
TIMEOUT_S = 10.0
RESTART_TIMEOUT_S = 60.0
POSTGRES = "postgres"
GOOGLE = "google"
MODES: Mapping[str, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

Mode = Literal["fast", "immediate"]
Figures = dict[str, Any]


class Switchboard:
    """Deliveries are spoilt by the stand-ins themselves, processes by signals.

    Args:
        google: host:port of the stand-ins' HTTP side.
        processes: the pid of every process of the stack by its name, as they are now.
    """

    def __init__(self, google: str, processes: Callable[[], Mapping[str, int]]) -> None:
        self._url = f"http://{google}{PATH}"
        self._processes = processes

    def state(self) -> Figures:
        """What is to go wrong (`waiting`, `paused`), what did (`happened`), and the `targets`.

        While the stand-ins for Google stand still themselves they can say nothing of it.
        """
        processes = self._processes()
        stopped = [name for name, pid in processes.items() if pid and _stands_still(pid)]
        found: Figures = {"waiting": [], "paused": [], "happened": {}, "targets": {}}
        if GOOGLE not in stopped:
            found = self._call("GET", "", None)
        found["targets"]["process"] = sorted(processes)
        found["paused"] = [*found["paused"], *sorted(stopped)]
        return found

    def order(self, kind: str, target: str, **how: object) -> Figures:
        """Let the next deliveries to a target go wrong; see emulators/google/faults.py.

        Raises:
            UserMistake: there is no such target, or `how` (next, status, delay_s) cannot be.
        """
        return self._call("POST", "", {"kind": kind, "target": target, **how})

    def pause(self, target: str) -> None:
        """Hold back deliveries to a target, or let a whole process stand still."""
        if target in self._processes():
            pid = self._pid(target)
            _signal_family(pid, signal.SIGSTOP)
            # On a busy machine it goes on for a moment, and takes what it does not answer.
            deadline_s = time.monotonic() + TIMEOUT_S
            while not _stands_still(pid) and time.monotonic() < deadline_s:
                time.sleep(POLL_S)
        else:
            self._call("POST", "/pause", {"target": target})

    def resume(self, target: str) -> None:
        """Undo `pause`."""
        if target in self._processes():
            _signal_family(self._pid(target), signal.SIGCONT)
        else:
            self._call("POST", "/resume", {"target": target})

    def clear(self) -> None:
        """Take back every fault and every pause."""
        for pid in self._processes().values():
            if pid and _stands_still(pid):
                _signal_family(pid, signal.SIGCONT)
        self._call("DELETE", "", None)

    def kill(self, name: str) -> int:
        """Kill a process with all its children, as an accident would; returns its old pid.

        Whoever runs the stack starts it anew.
        """
        pid = self._pid(name)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # each process of a stack leads a group
        return pid

    def restart_database(self, mode: Mode) -> int:
        """Shut Postgres down so that it is started anew; returns the old pid.

        "fast" ends its sessions first, "immediate" is a crash.
        """
        if POSTGRES not in self._processes():
            raise UserMistake("The database is a server of your own (DATABASE_URL).")
        pid = self._pid(POSTGRES)
        os.kill(pid, MODES[mode])
        return pid

    def wait_for_restart(self, name: str, old_pid: int) -> int:
        """Wait until a process runs again; returns its new pid.

        Raises:
            UserMistake: it does not, because nobody starts it anew.
        """
        deadline_s = time.monotonic() + RESTART_TIMEOUT_S
        while (pid := self._processes().get(name, old_pid)) in {old_pid, 0}:
            if time.monotonic() > deadline_s:
                raise UserMistake(f"{name} was not started anew; does `up` still run?")
            time.sleep(POLL_S)
        return pid

    def _pid(self, name: str) -> int:
        processes = self._processes()
        if name not in processes:
            raise UserMistake(
                f"There is no process {name!r}. There is {', '.join(sorted(processes))}."
            )
        pid = processes[name]
        if pid == 0:  # to the system that number is this very process's group
            raise UserMistake(f"{name} does not run; it is being started anew.")
        return pid

    def _call(self, method: str, path: str, body: object) -> Figures:
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                found: Figures = json.load(answer)
                return found
        except urllib.error.HTTPError as refused:
            with refused:
                problem: str = json.load(refused)["problem"]
            raise UserMistake(problem) from None
        except OSError as unreachable:
            raise UserMistake(f"The stand-ins do not answer: {unreachable}.") from None


def _signal_family(pid: int, sent: signal.Signals) -> None:
    for member in _family(pid):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(member, sent)


def _family(pid: int) -> Iterator[int]:
    """The process and all that descend from it; those of Postgres lead groups of their own."""
    children: dict[int, list[int]] = {}
    for line in _ps("-A", "-o", "pid=,ppid="):
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    family = [pid]
    for member in family:
        family += children.get(member, [])
    yield from family


def _stands_still(pid: int) -> bool:
    return any(line.lstrip().startswith("T") for line in _ps("-o", "stat=", "-p", str(pid)))


def _ps(*words: str) -> list[str]:
    shown = subprocess.run(["ps", *words], capture_output=True, text=True, check=False)
    return shown.stdout.splitlines()
