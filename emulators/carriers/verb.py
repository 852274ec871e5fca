"""`carriers`: who answers, who sells labels, what waits, and how full the label queues are."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from emulators.carriers import views
from emulators.carriers.queues import QueueUsage, usage
from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.manifest import TasksTrigger, load_all
from emulators.laptop.running import acted, add_by, running
from emulators.laptop.screen import tell
from emulators.laptop.stack import ROOT, read_state, state_directory
from emulators.laptop.status import google_figures
from shared.carriers import carrier_accounts
from shared.carriers.types import CarrierAccount, LabelFormat
from shared.carriers.vendors import VENDORS
from shared.contracts.base import Cause
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.flows.show_carriers import show_carriers
from shared.ops.carriers import Sold, labels_sold
from shared.people.types import Person
from shared.platform.db import Transaction

CAUSE = Cause("carriers", "carriers")
MEASURED_S = 1.0  # how long the rate of a queue is looked at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options, and the words after `carriers`."""
    add_json(parser)
    parser.set_defaults(act=_show)
    words = parser.add_subparsers(metavar="WORD", help="without one: how every carrier stands")
    change = words.add_parser("account", help="say who sells a carrier's labels, and how")
    change.add_argument("carrier", metavar="CARRIER")
    change.add_argument("--vendor", metavar="VENDOR", help=", ".join(VENDORS))
    change.add_argument(
        "--name", dest="vendor_carrier", metavar="NAME", help="what the vendor calls the carrier"
    )
    change.add_argument(
        "--account", dest="vendor_account", metavar="ID", help="the vendor's id of our account"
    )
    change.add_argument("--format", dest="label_format", type=_format, choices=list(LabelFormat))
    switch = change.add_mutually_exclusive_group()
    switch.add_argument("--enable", dest="is_enabled", action="store_true", default=None)
    switch.add_argument(
        "--disable", dest="is_enabled", action="store_false", help="buy no labels of this carrier"
    )
    closing = change.add_mutually_exclusive_group()
    closing.add_argument(
        "--manifests",
        dest="has_manifests",
        action="store_true",
        default=None,
        help="the vendor makes manifests of this carrier",
    )
    closing.add_argument(
        "--no-manifests",
        dest="has_manifests",
        action="store_false",
        help="it makes none: ask for none",
    )
    change.add_argument("--reason", default="said at a terminal", help="why; it is kept")
    add_by(change)
    add_json(change)
    change.set_defaults(act=_change)


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says; exit code 1 where carriers are shown and one is not called."""
    return acted(arguments)


def _change(arguments: argparse.Namespace) -> int:
    names = ("vendor", "vendor_carrier", "vendor_account", "label_format", "is_enabled")
    given = {
        name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None
    }
    if not given and arguments.has_manifests is None:
        raise UserMistake("Say what changes: --vendor shippo, for example.")

    def change(tx: Transaction) -> CarrierAccount:
        wanted = _changed(carrier_accounts.find(tx, arguments.carrier), given)
        person = Person(arguments.by, arguments.reason)
        wish = SetCarrierAccount(wanted, person, has_manifests=arguments.has_manifests)
        return set_carrier_account(tx, wish)

    with running() as (database, _):
        wanted = database.run(change, CAUSE)
    tell(wanted._asdict(), partial(views.print_account, wanted), as_json=arguments.json)
    return 0


def _changed(usual: CarrierAccount, given: dict[str, Any]) -> CarrierAccount:
    if given.get("vendor", usual.vendor) != usual.vendor:
        # Name and account are the words of the vendor before.
        usual = usual._replace(vendor_carrier="", vendor_account=None)
    return usual._replace(**given)


def _format(word: str) -> LabelFormat:
    try:
        return LabelFormat(word)
    except ValueError:
        known = ", ".join(LabelFormat)
        raise argparse.ArgumentTypeError(f"{word} is no format; {known} are") from None


def _show(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        standings = database.run(show_carriers, CAUSE)
        sold = database.run(labels_sold, CAUSE)
    queues = _queues(sold)
    tell(
        views.as_json(standings, queues),
        partial(views.print_carriers, standings, queues),
        as_json=arguments.json,
    )
    return 1 if any(standing.next_probe_at for standing in standings) else 0


def _queues(sold: Sequence[Sold]) -> list[QueueUsage]:
    """The label queues now; none where the stand-in for Cloud Tasks gives no figures."""
    trigger = load_all(ROOT / "functions")["label_purchase"].trigger
    assert isinstance(trigger, TasksTrigger), "labels are bought as tasks"
    state = read_state(state_directory())
    if state is None:
        return []
    before, began_s = google_figures(state), time.monotonic()
    time.sleep(MEASURED_S)
    after, ended_s = google_figures(state), time.monotonic()
    return usage(trigger.queues, before, after, ended_s - began_s, sold)
