"""`test`: types, lint, format, import rules and tests; with arguments, pytest with these alone."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

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
    """Run all of the checks, also when one fails; exit code 0 when all passed.

    The tests often wait, so the others run beside them in turn, and say afterwards what they
    found.
    """
    # Standard output is for the JSON object alone, where one is wanted.
    console = Console(stderr=arguments.json, highlight=False)
    words = arguments.forwarded
    # -m: imports start at the root.
    tests = ("python", "-m", "pytest", *_side_by_side(words), *words)
    with ThreadPoolExecutor(max_workers=1) as beside:
        others = {
            name: beside.submit(_run, name, command, subprocess.PIPE)
            for name, command in ({} if words else CHECKS).items()
        }
        _announce(console, "tests", tests)
        tested, _ = _run("tests", tests, sys.stderr if arguments.json else None)
        for name, other in others.items():
            _announce(console, name, CHECKS[name])
            console.file.write(other.result()[1])
    results = [*(other.result()[0] for other in others.values()), tested]
    if arguments.json:
        sys.stdout.write(json.dumps({"checks": [asdict(result) for result in results]}) + "\n")
    for result in results:
        verdict = "[green]passed[/green]" if result.passed else "[red]FAILED[/red]"
        console.print(f"{result.name:<14}{verdict}  {result.duration_s:6.1f} s")
    return 0 if all(result.passed for result in results) else 1


def _side_by_side(words: Sequence[str]) -> tuple[str, ...]:
    """Several test processes, a file in one of them; none where the user looks at a single one.

    As many as there are processors, and one more where stacks run, whose tests wait for a third of
    their time; but not on a build server (CI), which waits for certainty rather than minutes. Files
    are taken up as they were collected: the slow ones first, so that all end together.
    """
    if any(word.startswith(ALONE) for word in words):
        return ()
    is_crowded = "quick" not in words and not os.environ.get("CI")
    processes = (os.cpu_count() or 1) + is_crowded
    return ("-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder")


def _announce(console: Console, name: str, command: Sequence[str]) -> None:
    console.rule(f"{name}: {' '.join(command)}", align="left")


def _environment() -> dict[str, str]:
    """Tests start many processes of the same code: it is compiled once for all of them.

    Where Python is told to leave nothing beside the sources, that lies elsewhere.
    """
    found = dict(os.environ)
    if found.pop("PYTHONDONTWRITEBYTECODE", ""):
        found.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".local/compiled"))
    return found


def _run(name: str, command: Sequence[str], out: IO[str] | int | None) -> tuple[Result, str]:
    """How a check ended and, where `out` is a pipe, what it said."""
    started_s = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    ended = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=_environment(),
        check=False,
        stdout=out,
        stderr=subprocess.STDOUT if out == subprocess.PIPE else None,
        text=True,
    )
    duration_s = round(time.monotonic() - started_s, 1)
    return Result(name, ended.returncode == 0, duration_s), ended.stdout or ""
