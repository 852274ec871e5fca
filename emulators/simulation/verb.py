"""`simulate`: a seeded run with faults at every step, and what it found."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from emulators.laptop import postgres
from emulators.laptop.cli import add_json, positive
from emulators.laptop.stack import state_directory
from emulators.simulation.database import steady
from emulators.simulation.run import Outcome, Plan, simulate

DATABASE = "simulation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `simulate`."""
    parser.add_argument("--seed", type=int, default=1, help="another seed is another run (1)")
    parser.add_argument(
        "--events", type=positive, default=5_000, metavar="M", help="steps with faults (5000)"
    )
    parser.add_argument(
        "--only-until",
        type=positive,
        metavar="K",
        help="stop after step K at the latest, audit after each of the steps before it, and show"
        " them",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the seed on a Postgres of its own; exit code 1 when something was violated."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True, highlight=False)
    plan = Plan(arguments.seed, arguments.events, arguments.only_until)
    started_s = time.monotonic()

    def progress(steps: int) -> None:
        console.print(f"[dim]{time.monotonic() - started_s:6.1f} s[/dim]  {steps} steps")

    home = state_directory()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix="simulate-", dir=home) as folder:
            Path(folder).chmod(0o755)  # Postgres is not root
            with (
                postgres.start(Path(folder) / "postgres", durable=False) as private,
                steady(private.server),
            ):
                private.create_database(DATABASE)
                outcome = simulate(plan, private.server, DATABASE, progress)
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
        return 130
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(outcome)) + "\n")
    else:
        _show(outcome)
    return 1 if outcome.violations else 0


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as one JSON object."""
    plan = outcome.plan
    return {
        "seed": plan.seed,
        "events": plan.events,
        "only_until": plan.only_until,
        "steps": outcome.steps,
        "happened": outcome.happened,
        "faults": outcome.faults,
        "orders": outcome.orders,
        "parked": outcome.parked,
        "audits": outcome.audits,
        "virtual_s": outcome.virtual_s,
        "duration_s": outcome.duration_s,
        "steps_per_s": round(outcome.steps / outcome.duration_s, 1),
        "digest": outcome.digest,
        "violations": [
            {
                "step": seen.step,
                "rule": seen.violation.rule,
                "subject": seen.violation.subject,
                "found": seen.violation.found,
                "expected": seen.violation.expected,
            }
            for seen in outcome.violations
        ],
        "replay": _replay(outcome),
        "trail": list(outcome.trail) if plan.only_until else [],
    }


def _replay(outcome: Outcome) -> str:
    """The command that shows the first violation again, or the same run where there was none."""
    steps = [seen.step for seen in outcome.violations]
    return outcome.plan.command(min(steps) if steps else outcome.plan.only_until)


def _show(outcome: Outcome) -> None:
    console = Console(highlight=False)
    if outcome.plan.only_until:
        for line in outcome.trail:
            console.print(line, markup=False)
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    for what, figures in (
        ("events", outcome.happened),
        ("faults", outcome.faults),
        ("orders", outcome.orders),
        ("parked", outcome.parked),
    ):
        table.add_row(what, str(sum(figures.values())))
        for name, count in figures.items():
            table.add_row(f"  {name}", str(count))
    table.add_row("steps with faults", str(min(outcome.plan.events, outcome.steps)))
    table.add_row("steps in all", str(outcome.steps))
    table.add_row("audits", str(outcome.audits))
    table.add_row("virtual hours", f"{outcome.virtual_s / 3600:.1f}")
    table.add_row("seconds", str(outcome.duration_s))
    table.add_row("digest", outcome.digest)
    table.add_row("violations", str(len(outcome.violations)))
    console.print(table)
    for seen in outcome.violations:
        found = seen.violation
        console.print(
            f"step {seen.step}: {found.rule}: {found.subject}:"
            f" {found.found}, should be {found.expected}",
            style="red",
            markup=False,
        )
    console.print(f"Again: {_replay(outcome)}", markup=False)
