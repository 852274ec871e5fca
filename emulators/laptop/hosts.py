"""Which process hosts which functions, and how many requests it takes at once."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulators.laptop.manifest import MOST_CONNECTIONS, Manifest
from emulators.laptop.processes import module_command

TOGETHER = "functions"  # the process that hosts most of them
MOST_SHARED = 64  # requests at once; what takes more has a process and threads of its own


@dataclass(frozen=True, slots=True)
class Host:
    """A process, named TOGETHER or after its only function."""

    name: str
    functions: list[str]
    workers: int
    threads: int  # of each worker
    connections: int  # to the database, of each worker

    def command(self, functions_root: Path, port: str) -> tuple[str, ...]:
        """How it is started."""
        return module_command(
            sys.executable, "emulators.laptop.functions_host", *self.functions,
            "--root", str(functions_root), "--port", port,
            "--workers", str(self.workers), "--threads", str(self.threads),
        )  # fmt: skip


def is_apart(manifest: Manifest) -> bool:
    """Whether a function's requests would leave no thread to the others."""
    return manifest.limits.concurrency > MOST_SHARED


def hosts(
    manifests: Mapping[str, Manifest],
    *,
    all_apart: bool,
    workers: int,
    threads: int,
) -> list[Host]:
    """The processes of all functions; `workers` and `threads` of one that is like most."""
    apart = [name for name, manifest in manifests.items() if all_apart or is_apart(manifest)]
    together = [name for name in manifests if name not in apart]
    usual = min(threads, MOST_CONNECTIONS)
    found = [Host(TOGETHER, together, workers, threads, usual)] if together else []
    for name in apart:
        limits = manifests[name].limits
        if is_apart(manifests[name]):
            found.append(Host(name, [name], 1, limits.concurrency, limits.pool))
        else:
            found.append(Host(name, [name], workers, threads, usual))
    return found
