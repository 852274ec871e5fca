"""`explain`: why an order was decided as it was: candidates, cost lines, losers, runner-up."""

import argparse
from functools import partial

from emulators.decisions import views
from emulators.laptop.cli import UserMistake
from emulators.laptop.running import running
from emulators.laptop.screen import tell
from shared.contracts.base import Cause
from shared.flows.explain_order import explain_order
from shared.kit.errors import DispatchError
from shared.kit.ids import new_id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `explain` takes."""
    parser.add_argument("order_id", metavar="ORDER")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show the order's decisions."""
    event_id = new_id("cmd")
    try:
        with running() as (database, _):
            explained = database.run(
                lambda tx: explain_order(tx, arguments.order_id), Cause(event_id, event_id)
            )
    except DispatchError as error:
        raise UserMistake(f"{error} ({error.code})") from None
    tell(
        views.explained_as_json(explained),
        partial(views.print_explained, explained),
        as_json=arguments.json,
    )
    return 0
