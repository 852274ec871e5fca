"""`bench`: measure one figure of ours beside what the machine allows."""

import argparse
import json
import signal
import sys
import time
from importlib import import_module
from typing import Protocol, cast

from rich.console import Console

from emulators.bench.report import Progress, Report, show

# name -> (module, what it measures). A new benchmark is one line here and a `BenchmarkModule`.
BENCHMARKS: dict[str, tuple[str, str]] = {
    "placement": ("emulators.bench.placement", "orders placed per second against the floor"),
    "placement-quality": ("emulators.bench.placement_quality", "how good and fast decisions are"),
    "flash-sale": ("emulators.bench.flash_sale", "a sale of one SKU that many want at once"),
    "priorities": ("emulators.bench.priorities", "how long orders wait beside a bulk flood"),
    "tracking": ("emulators.bench.tracking", "webhooks acknowledged and updates folded"),
    "tariffs": ("emulators.bench.tariffs", "published tariffs read by the importer"),
    "cold-start": ("emulators.bench.cold_start", "what functions import, against the framework"),
    "migration": ("emulators.bench.migration", "the newest migrations on big tables under load"),
    "ops": ("emulators.bench.ops", "the console with a long past, and what viewers cost"),
    "stock": ("emulators.bench.stock", "units promised, given back and sent against floors"),
}


class BenchmarkModule(Protocol):
    """What a benchmark's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def measure(self, arguments: argparse.Namespace, progress: Progress) -> Report: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the names of the benchmarks and the options of each."""
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, (module, purpose) in BENCHMARKS.items():
        options = names.add_parser(name, help=purpose, description=purpose)
        options.add_argument("--json", action="store_true", help="print one JSON object")
        _module(module).add_arguments(options)


def run(arguments: argparse.Namespace) -> int:
    """Measure and report; exit code 1 when the measured run broke something."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True, highlight=False)
    started_s = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started_s:6.1f} s[/dim]  {text}")

    module, _ = BENCHMARKS[arguments.name]
    try:
        report = _module(module).measure(arguments, progress)
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
        return 130
    if arguments.json:
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    else:
        show(report, Console(highlight=False))
    return 1 if report.faults else 0


def _module(name: str) -> BenchmarkModule:
    return cast("BenchmarkModule", import_module(name))
