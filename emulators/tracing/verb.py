"""`trace`: one order's whole way: what waited, what was tried again, what took long."""

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.running import running
from emulators.laptop.screen import tell
from emulators.laptop.stack import read_state, state_directory
from emulators.tracing import views
from emulators.tracing.milestones import Known, known
from emulators.tracing.story import Span, belonging

TIMEOUT_S = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `trace` takes."""
    parser.add_argument("order_id", metavar="ORDER")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the order's way."""
    with running() as (database, _):
        order = known(database, arguments.order_id)
    spans = belonging(_spans(order), order.correlation_id, order.order_id)
    tell(views.as_json(order, spans), partial(views.show, order, spans), as_json=arguments.json)
    return 0


def _spans(order: Known) -> Sequence[Span]:
    """What the stand-in has kept of the order's traces.

    Raises:
        UserMistake: it does not answer.
    """
    state = read_state(state_directory())
    if state is None:
        return []
    asked = urlencode({"correlation_id": order.correlation_id, "order_id": order.order_id})
    url = f"http://{state['addresses']['google']}/spans?{asked}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return [Span(**span) for span in json.load(answer)["spans"]]
    except (OSError, ValueError) as error:
        raise UserMistake(f"The stand-in that keeps the spans does not answer: {error}.") from None
