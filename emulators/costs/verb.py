"""`costs`: what parcels of the running stack were quoted, were charged and really cost."""

import argparse
from collections.abc import Callable
from datetime import datetime
from functools import partial

from emulators.costs import views
from emulators.laptop.cli import UserMistake, moment, positive
from emulators.laptop.running import running
from emulators.laptop.screen import tell
from shared.contracts.base import Cause
from shared.ops.cost_reports import By, cost_report, software_cost

CAUSE = Cause("costs", "costs")
SHOWN = 20  # rows of a table; programs, which add up, get all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what costs are added up by, and the options."""
    parser.add_argument("by", choices=list(By), metavar="BY", help=", ".join(By))
    parser.add_argument(
        "--from", type=moment, dest="since", metavar="TIME", help="planned from then on, ISO 8601"
    )
    parser.add_argument(
        "--to", type=moment, dest="until", metavar="TIME", help="planned before then"
    )
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"rows, {SHOWN} in a table and else all; the totals are of all",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--csv", action="store_true", help="print the rows as CSV")


def run(arguments: argparse.Namespace) -> int:
    """Add up and show."""
    by = By(arguments.by)
    since: datetime | None = arguments.since
    until: datetime | None = arguments.until
    if since is not None and until is not None and since >= until:
        raise UserMistake("--from has to be before --to.")
    limit: int | None = arguments.limit
    if limit is None and not (arguments.csv or arguments.json):
        limit = SHOWN
    with running() as (database, _):
        report, software = database.run(
            lambda tx: (
                cost_report(tx, by, since=since, until=until, limit=limit),
                software_cost(tx, since, until),
            ),
            CAUSE,
        )
    show: Callable[[], None] = partial(views.print_report, by, report, software)
    if arguments.csv:
        show = partial(views.write_csv, by, report)
    tell(views.as_json(by, report, software), show, as_json=arguments.json)
    return 0
