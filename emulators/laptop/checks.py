"""`test`: types, lint, format, import rules and tests; with arguments, pytest with these alone."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from emulators.laptop.stack import ROOT

FORWARDS = True  # what the parser does not know is for pytest

ALONE = ("-n", "-s", "--pdb", "--trace", "--collect-only", "--co")

CHECKS: dict[str, tuple[str, ...]] = {
    "types": ("mypy",),
    "lint": ("ruff", "check"),
    "format": ("ruff", "format", "--check"),
    "import rules": ("lint-imports",),
}


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended."""

    name: str
    passed: bool
    duration_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `test`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(arguments: argparse.Namespace) -> int:
    """Run the checks in turn, all of them even when one fails; exit code 0 when all passed."""
    # Standard output is for the JSON object alone, where one is wanted.
    console = Console(stderr=arguments.json, highlight=False)
    words = arguments.forwarded
    checks = {} if words else dict(CHECKS)
    # -m: imports start at the root.
    checks["tests"] = ("python", "-m", "pytest", *_side_by_side(words), *words)
    results = [_run(name, command, console) for name, command in checks.items()]
    if arguments.json:
        sys.stdout.write(json.dumps({"checks": [asdict(result) for result in results]}) + "\n")
    for result in results:
        verdict = "[green]passed[/green]" if result.passed else "[red]FAILED[/red]"
        console.print(f"{result.name:<14}{verdict}  {result.duration_s:6.1f} s")
    return 0 if all(result.passed for result in results) else 1


def _side_by_side(words: Sequence[str]) -> tuple[str, ...]:
    """Two test processes, a file in one of them; none where the user looks at a single one."""
    alone = any(word.startswith(ALONE) for word in words)
    return () if alone else ("-n", "2", "--dist", "loadfile")


def _run(name: str, command: tuple[str, ...], console: Console) -> Result:
    console.rule(f"{name}: {' '.join(command)}", align="left")
    started_s = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    ended = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        check=False,
        stdout=sys.stderr if console.stderr else None,
    )
    return Result(name, ended.returncode == 0, round(time.monotonic() - started_s, 1))
