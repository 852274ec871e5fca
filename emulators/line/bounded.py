"""A run with an end: on a stack of its own, which leaves nothing behind."""

import argparse
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from emulators.laptop.cli import positive
from emulators.laptop.screen import screen
from emulators.laptop.stack import Options, Stack, state_directory
from emulators.line.run import Line, Summary, run_shop
from emulators.line.script import Mischief
from emulators.line.shop import Shop

CARRIER_STEP_S = 0.3


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what every bounded run takes."""
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument(
        "--speed",
        type=float,
        metavar="X",
        help="X times the recorded pace; as fast as the line takes them when left out",
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that host functions")
    parser.add_argument(
        "--process-per-function", action="store_true", help="as on Cloud Run; slower to start"
    )


def run_bounded(arguments: argparse.Namespace, shop: Shop, mischief: Mischief) -> int:
    """Start a stack with an empty database, run the shop, print the summary, stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True, highlight=False)
    started_s = time.monotonic()

    def report(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started_s:6.1f} s[/dim]  {text}")

    options = Options(
        process_per_function=arguments.process_per_function,
        workers=arguments.workers,
        carrier_step_s=CARRIER_STEP_S,
    )
    home = state_directory()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix="run-", dir=home) as folder:
            Path(folder).chmod(0o755)  # Postgres is not root
            with Stack(Path(folder), options, report) as stack:
                line = Line(stack.environment, stack.addresses["google"])
                summary = run_shop(line, shop, mischief, arguments.speed, report)
                line.close()
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
        return 130
    if arguments.json:
        sys.stdout.write(summary.as_json() + "\n")
    else:
        _show(summary)
    return 0 if summary.is_good else 1


def _show(summary: Summary) -> None:
    console = screen()
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    latency = summary.event_to_placed_ms
    for what, figure in (
        ("orders sent", summary.orders_sent),
        ("  accepted", summary.orders_accepted),
        ("  rejected", summary.orders_rejected),
        ("  unaccounted for", summary.orders_unaccounted),
        ("orders delivered", summary.orders_delivered),
        ("  cancelled", summary.orders_cancelled),
        ("  returned", summary.orders_returned),
        ("  waiting for stock", summary.orders_backordered),
        ("  waiting for a person", summary.orders_in_review),
        ("  still moving", summary.orders_unsettled),
        ("parcels", summary.parcels),
        ("  delivered", summary.parcels_delivered),
        ("cost", f"{summary.cost_minor / 100:,.2f} {summary.currency}"),
        ("sent twice, sent late", f"{summary.duplicates_sent}, {summary.reordered_sent}"),
        ("parked", ", ".join(f"{n} {code}" for code, n in sorted(summary.parked.items())) or "0"),
        ("oversold units", summary.oversold_units),
        ("broken invariants", summary.invariant_violations),
        ("event to placed, ms", f"p50 {latency.p50}, p95 {latency.p95}, max {latency.max}"),
        ("orders per second", summary.orders_per_second),
        ("seconds", summary.wall_s),
    ):
        table.add_row(what, str(figure))
    console.print(table)
    for violation in summary.violations:
        console.print(
            f"[red]{violation['rule']}[/red]: {violation['subject']}: "
            f"{violation['found']}, should be {violation['expected']}"
        )
