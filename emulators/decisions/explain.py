"""`explain`: why an order was decided as it was: candidates, cost lines, losers, runner-up."""

import argparse
from functools import partial

from emulators.decisions import views
from emulators.laptop.cli import add_json
from emulators.laptop.running import command, running, told_plainly
from emulators.laptop.screen import tell
from shared.flows.explain_order import explain_order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `explain` takes."""
    parser.add_argument("order_id", metavar="ORDER")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the order's decisions."""
    with told_plainly(), running() as (database, _):
        explained = database.run(lambda tx: explain_order(tx, arguments.order_id), command())
    tell(
        views.explained_as_json(explained),
        partial(views.print_explained, explained),
        as_json=arguments.json,
    )
    return 0
