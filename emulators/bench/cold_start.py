"""`bench cold-start`: what each function imports before its first request, next to the framework.

Every figure is processor time of a process of its own, because that is what an instance with a
boosted processor spends, and a busy machine does not stretch it. Functions and the bare framework
take turns. As in the image, everything has been compiled before.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from emulators.bench.report import Part, Progress, Report
from emulators.bench.turns import Kind, Turns
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.manifest import load_all
from emulators.laptop.stack import ROOT

GOAL = 2.4  # of the framework alone: 0.6 s where that takes 0.25 s
ROUNDS, QUICK_ROUNDS = 7, 1
SHOWN = 12  # packages of the breakdown
TIMEOUT_S = 120

# What a function reads at its start; nothing is connected to before the first request.
SETTINGS = {
    # As the image has it: else every start looks for plugins in what is installed.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "DISPATCH_ENV": "test",
    "DISPATCH_PROJECT": "dispatch-bench",
    "DISPATCH_LOCATION": "europe-west1",
    "DISPATCH_DATABASE_URL": "postgresql+pg8000://nobody@127.0.0.1:1/none",
    "DISPATCH_OIDC_AUDIENCE": "https://bench.invalid",
    "DISPATCH_OIDC_CALLER": "bench@dispatch-bench.iam.gserviceaccount.com",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench cold-start`."""
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"of each ({ROUNDS})")
    parser.add_argument("--function", metavar="NAME", help="this one only")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )
    parser.add_argument(
        "--breakdown", action="store_true", help="show what the heaviest function imports"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: there is no such function, or one cannot be loaded.
    """
    names = list(load_all(ROOT / "functions"))
    if arguments.function is not None and arguments.function not in names:
        raise UserMistake(f"There is no function {arguments.function}; {', '.join(names)} are.")
    measured = [arguments.function] if arguments.function else names
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    turns = Turns()
    with TemporaryDirectory(prefix="dispatch-compiled-") as name:
        compiled = Path(name)
        for function in measured:
            _loaded(function, compiled)  # reads files that nobody has read yet, and compiles them
        for number in range(1, rounds + 1):
            for function in measured:
                floor_ms = sum(_loaded(None, compiled).values())
                turns.add(_kind(function), sum(_loaded(function, compiled).values()), floor_ms)
            progress(f"Round {number} of {rounds}")
        figures = turns.figures()
        heaviest = max(figures, key=lambda figure: figure.value)
        parts = _breakdown(heaviest.what, compiled) if arguments.breakdown else ()
    return Report(
        benchmark="cold-start",
        figures=sorted(figures, key=lambda figure: -figure.value),
        facts={"heaviest": heaviest.what, "floor": "functions-framework alone"},
        breakdown=parts,
    )


def _kind(name: str) -> Kind:
    return Kind(name, "ms of a processor", GOAL, at_most=True)


def _loaded(name: str | None, compiled: Path) -> Mapping[str, float]:
    said = _run([], name, compiled).stdout.splitlines()
    found: Mapping[str, float] = json.loads(said[-1])
    return found


def _breakdown(name: str, compiled: Path) -> tuple[Part, ...]:
    """Where the imports of a function spend their time, by package; watching slows them down."""
    spent_us: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for line in _run(["-X", "importtime"], name, compiled).stderr.splitlines():
        words = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and words[0].strip().isdecimal():
            package = _package(words[2].strip())
            spent_us[package] += float(words[0])
            count[package] += 1
    heaviest = sorted(spent_us, key=lambda package: -spent_us[package])
    rest = heaviest[SHOWN:]
    parts = [Part(package, count[package], spent_us[package]) for package in heaviest[:SHOWN]]
    parts.append(
        Part("all others", sum(count[p] for p in rest), sum(spent_us[package] for package in rest))
    )
    return tuple(parts)


def _package(module: str) -> str:
    """The part of a module's name that says whose it is."""
    first, _, rest = module.partition(".")
    if first in sys.stdlib_module_names:
        return "the standard library"
    return f"{first}.{rest.partition('.')[0]}" if first in {"google", "shared"} and rest else first


def _run(
    options: Sequence[str], name: str | None, compiled: Path
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SETTINGS, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ran = subprocess.run(
        [sys.executable, *options, "-m", "emulators.bench.import_probe", *([name] if name else [])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if ran.returncode != 0:
        raise UserMistake(f"{name or 'The framework'} cannot be loaded: {ran.stderr[-500:]}")
    return ran
