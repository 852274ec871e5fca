"""`parcels`: those that stand still, how long they may, and asking carriers about them."""

import argparse
from dataclasses import asdict, replace
from functools import partial

from emulators.laptop.cli import UserMistake, add_json, positive
from emulators.laptop.running import acted, add_by, command, running
from emulators.laptop.screen import tell
from emulators.parcels import views
from shared.contracts.base import Cause
from shared.flows.poll_parcels import poll_carrier
from shared.flows.set_thresholds import SetThresholds, set_thresholds
from shared.ops.standing_still import Wanted, standing_still
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import ANY, USUAL, Thresholds

CAUSE = Cause("parcels", "parcels")
SHOWN = 50  # rows
HOURS = tuple(USUAL.hours)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `parcels` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    stuck = words.add_parser("stuck", help="parcels that have stood for longer than they may")
    stuck.add_argument("--carrier", help="only this carrier's")
    stuck.add_argument("--limit", type=positive, default=SHOWN, metavar="N", help="rows")
    stuck.set_defaults(act=_stuck)
    listing = words.add_parser(
        "thresholds", help="how many hours parcels may stand, and when their carriers are asked"
    )
    listing.set_defaults(act=_thresholds)
    change = words.add_parser("threshold", help="set them for a carrier and a service")
    change.add_argument("carrier", metavar="CARRIER", help="`*`: any")
    change.add_argument("service", metavar="SERVICE", help="`*`: any")
    for name in HOURS:
        option = f"--{name.removesuffix('_hours').replace('_', '-')}"
        change.add_argument(option, type=int, dest=name, metavar="HOURS")
    change.add_argument("--reason", default="said at a terminal", help="why; it is kept")
    add_by(change)
    change.set_defaults(act=_threshold)
    poll = words.add_parser("poll", help="ask a carrier about all that it has under way, now")
    poll.add_argument("carrier", metavar="CARRIER")
    poll.set_defaults(act=_poll)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says."""
    return acted(arguments)


def _stuck(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        found = database.run(
            lambda tx: standing_still(
                tx,
                USUAL.stand_hours,
                limit=arguments.limit,
                wanted=Wanted(carrier=arguments.carrier),
            ),
            CAUSE,
        )
        now = database.now()
    tell(
        views.stuck_as_json(found),
        partial(views.print_stuck, found, now),
        as_json=arguments.json,
    )


def _thresholds(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        rules = database.run(standstill_rules.all_of, CAUSE)
    tell(
        {"thresholds": [asdict(rule) for rule in rules]},
        partial(views.print_thresholds, rules),
        as_json=arguments.json,
    )


def _threshold(arguments: argparse.Namespace) -> None:
    given = {
        name: getattr(arguments, name) for name in HOURS if getattr(arguments, name) is not None
    }
    if not given:
        raise UserMistake("Say which hours change: --silent 96, for example.")

    def change(tx: Transaction) -> Thresholds:
        rules = standstill_rules.all_of(tx)
        usual = next(rule for rule in rules if _counts_for(rule, arguments))
        wanted = replace(usual, carrier=arguments.carrier, service=arguments.service, **given)
        set_thresholds(tx, SetThresholds(wanted, Person(arguments.by, arguments.reason)))
        return wanted

    with running() as (database, _):
        wanted = database.run(change, CAUSE)
    tell(asdict(wanted), partial(views.print_thresholds, [wanted]), as_json=arguments.json)


def _poll(arguments: argparse.Namespace) -> None:
    with running() as (_, relay):
        parcels = relay.run(lambda tx: poll_carrier(tx, arguments.carrier), command())
    tell(
        {"carrier": arguments.carrier, "parcels": parcels},
        partial(views.print_polled, arguments.carrier, parcels),
        as_json=arguments.json,
    )


def _counts_for(rule: Thresholds, arguments: argparse.Namespace) -> bool:
    return rule.carrier in (arguments.carrier, ANY) and rule.service in (arguments.service, ANY)
