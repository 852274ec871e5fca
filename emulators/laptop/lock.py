"""`lock`: choose the versions of all packages anew and write them down with their hashes."""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.stack import ROOT

# A release that was tampered with is usually found out within days.
YOUNGEST = timedelta(days=7)

LOCKS: dict[str, tuple[str, ...]] = {
    "infra/requirements.txt": (),
    "emulators/requirements.txt": ("--group", "laptop", "--group", "test"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `lock`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write both files, or neither when a set of versions cannot be found."""
    before = datetime.now(UTC) - YOUNGEST
    fresh = {name: _compile(name, groups, before) for name, groups in LOCKS.items()}
    for name, path in fresh.items():
        path.replace(ROOT / name)
    counts = {name: (ROOT / name).read_text().count("==") for name in LOCKS}
    if arguments.json:
        sys.stdout.write(json.dumps({"packages": counts}) + "\n")
    else:
        for name, count in counts.items():
            sys.stdout.write(f"{name}: {count} packages\n")
    return 0


def _compile(name: str, groups: tuple[str, ...], before: datetime) -> Path:
    fresh = (ROOT / name).with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    ended = subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "pip", "compile", "pyproject.toml", "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header",
            "--no-annotate", "--exclude-newer", before.strftime("%Y-%m-%dT%H:%M:%SZ"), "--quiet",
            *groups, "-o", str(fresh),
        ],
        cwd=ROOT,
        check=False,
    )  # fmt: skip
    if ended.returncode != 0:
        raise UserMistake(f"No set of versions was found for {name}; nothing was changed.")
    return fresh
