"""`carriers`: who answers, who is left alone, what waits, and how full the label queues are."""

import argparse
import time
from functools import partial

from emulators.carriers import views
from emulators.carriers.queues import QueueUsage, usage
from emulators.laptop.manifest import TasksTrigger, load_all
from emulators.laptop.running import running
from emulators.laptop.screen import tell
from emulators.laptop.stack import ROOT, read_state, state_directory
from emulators.laptop.status import google_figures
from shared.contracts.base import Cause
from shared.flows.show_carriers import show_carriers

CAUSE = Cause("carriers", "carriers")
MEASURED_S = 1.0  # how long the rate of a queue is looked at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Look and show; exit code 1 where a carrier is not called."""
    with running() as (database, _):
        standings = database.run(show_carriers, CAUSE)
    queues = _queues()
    tell(
        views.as_json(standings, queues),
        partial(views.print_carriers, standings, queues),
        as_json=arguments.json,
    )
    return 1 if any(standing.next_probe_at for standing in standings) else 0


def _queues() -> list[QueueUsage]:
    """The label queues now; none where the stand-in for Cloud Tasks gives no figures."""
    trigger = load_all(ROOT / "functions")["label_purchase"].trigger
    assert isinstance(trigger, TasksTrigger), "labels are bought as tasks"
    state = read_state(state_directory())
    if state is None:
        return []
    before, began_s = google_figures(state), time.monotonic()
    time.sleep(MEASURED_S)
    after, ended_s = google_figures(state), time.monotonic()
    return usage(trigger.queues, before, after, ended_s - began_s)
