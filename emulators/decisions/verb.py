"""`decisions`: make kept decisions again, and compare."""

import argparse
from datetime import UTC, datetime, timedelta
from functools import partial

from emulators.decisions import views
from emulators.laptop.cli import add_json, moment
from emulators.laptop.running import command, running
from emulators.laptop.screen import tell
from shared.flows.replay_decisions import replay_decisions
from shared.kit.clock import utc_now

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `decisions` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    replay = words.add_parser(
        "replay", help="make decisions again and say what comes out otherwise"
    )
    replay.add_argument(
        "--from",
        dest="since",
        type=moment,
        default=EVER,
        metavar="TIME",
        help="ISO 8601; inclusive",
    )
    replay.add_argument(
        "--to", dest="until", type=moment, metavar="TIME", help="ISO 8601; exclusive"
    )
    add_json(replay)


def run(arguments: argparse.Namespace) -> int:
    """Replay; exit code 1 when anything came out otherwise."""
    until = arguments.until or utc_now() + timedelta(seconds=1)
    with running() as (database, _):
        found = replay_decisions(partial(database.run, cause=command()), arguments.since, until)
    tell(views.replay_as_json(found), partial(views.print_replay, found), as_json=arguments.json)
    return 1 if found.differences else 0
