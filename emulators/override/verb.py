"""`override`: a person decides about an order: from where, in which split, not now, once more.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from emulators.decisions import views
from emulators.laptop.cli import add_json
from emulators.laptop.running import add_by, command, running, told_plainly
from emulators.laptop.screen import tell
from shared.flows.explain_order import explain_order
from shared.flows.override_placement import (
    Override,
    hold_order,
    override_placement,
    release_order,
)
from shared.flows.rules import Rules
from shared.people.types import Person
from shared.platform.db import Transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `override` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word, act, purpose in (
        ("again", _again, "take back what was decided, and decide once more"),
        ("assign", _assign, "send it from these warehouses only"),
        ("split", _split, "send exactly these units from these warehouses"),
        ("hold", _hold, "send nothing until somebody releases it"),
        ("release", _release, "what waits for a person is to be placed again"),
    ):
        made = words.add_parser(word, help=purpose)
        made.add_argument("order_id", metavar="ORDER")
        if word == "assign":
            made.add_argument("warehouses", nargs="+", metavar="WAREHOUSE")
        if word == "split":
            made.add_argument("units", nargs="+", metavar="WAREHOUSE:SKU=UNITS", type=_units)
        made.add_argument("--reason", required=True, help="why; the decision keeps it")
        add_by(made)
        add_json(made)
        made.set_defaults(act=act)


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says, and show the order as it is then."""
    act: Callable[[argparse.Namespace, Transaction], None] = arguments.act
    cause = command()
    with told_plainly(), running() as (database, relay):
        relay.run(partial(act, arguments), cause)
        explained = database.run(lambda tx: explain_order(tx, arguments.order_id), cause)
    tell(
        views.explained_as_json(explained),
        partial(views.print_explained, explained),
        as_json=arguments.json,
    )
    return 0


def _again(arguments: argparse.Namespace, tx: Transaction) -> None:
    override_placement(tx, Override(arguments.order_id, _person(arguments)), Rules())


def _assign(arguments: argparse.Namespace, tx: Transaction) -> None:
    warehouses = frozenset(arguments.warehouses)
    override_placement(tx, Override(arguments.order_id, _person(arguments), warehouses), Rules())


def _split(arguments: argparse.Namespace, tx: Transaction) -> None:
    units = _by_warehouse(arguments.units)
    wanted = Override(arguments.order_id, _person(arguments), units=units)
    override_placement(tx, wanted, Rules())


def _hold(arguments: argparse.Namespace, tx: Transaction) -> None:
    hold_order(tx, arguments.order_id, _person(arguments))


def _release(arguments: argparse.Namespace, tx: Transaction) -> None:
    release_order(tx, arguments.order_id, _person(arguments))


def _person(arguments: argparse.Namespace) -> Person:
    return Person(arguments.by, arguments.reason)


def _units(word: str) -> tuple[str, str, int]:
    warehouse, colon, rest = word.partition(":")
    sku, equals, units = rest.rpartition("=")
    if not (colon and equals and units.isdecimal() and int(units)):
        raise argparse.ArgumentTypeError(f"{word} is not like BER:MUG=2")
    return warehouse, sku, int(units)


def _by_warehouse(given: Iterable[tuple[str, str, int]]) -> Mapping[str, Mapping[str, int]]:
    units: dict[str, dict[str, int]] = defaultdict(dict)
    for warehouse, sku, count in given:
        units[warehouse][sku] = units[warehouse].get(sku, 0) + count
    return units
