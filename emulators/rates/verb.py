"""`rates`: rate cards of the running stack: check a file, publish it, look at what there is.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from emulators.laptop.cli import UserMistake, add_json, moment, positive
from emulators.laptop.running import add_by, command, running, told_plainly
from emulators.laptop.screen import tell
from emulators.rates import views
from shared.costing import store as costing
from shared.costing.rows import RowsRefused
from shared.flows.publish_rates import PublishRates, check_rates, publish_rates
from shared.flows.show_rates import show_rates
from shared.kit.clock import utc_now
from shared.people.types import Person


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `rates` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    check = words.add_parser("check", help="say what is wrong with a file; nothing is published")
    check.set_defaults(act=_check)
    publish = words.add_parser("publish", help="publish the next version of every service in it")
    for made in (check, publish):
        made.add_argument("file", type=Path, metavar="FILE", help="rows, in .csv or .json")
    publish.add_argument(
        "--valid-from",
        type=moment,
        required=True,
        metavar="TIME",
        help="ISO 8601; at least a minute ahead, but for the first version of a service",
    )
    publish.add_argument("--reason", required=True, help="why; it is kept with the version")
    add_by(publish)
    publish.set_defaults(act=_publish)
    listing = words.add_parser("list", help="every version of every service")
    listing.set_defaults(act=_list)
    show = words.add_parser("show", help="one version, the valid one where none is named")
    show.add_argument("carrier", metavar="CARRIER")
    show.add_argument("service", metavar="SERVICE")
    show.add_argument("--version", type=positive, metavar="N")
    show.set_defaults(act=_show)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says; exit code 1 when rows are wrong or it is refused."""
    act: Callable[[argparse.Namespace], int] = arguments.act
    with told_plainly():
        try:
            return act(arguments)
        except RowsRefused as error:
            tell(
                views.wrong_as_json(error.rows),
                partial(views.print_wrong, error.rows),
                as_json=arguments.json,
            )
            return 1


def _check(arguments: argparse.Namespace) -> int:
    body = _body(arguments.file)
    drafts = check_rates(body, utc_now(), is_json=_is_json(arguments.file))
    tell(
        views.drafts_as_json(drafts),
        partial(views.print_drafts, drafts),
        as_json=arguments.json,
    )
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    if not arguments.by:
        raise UserMistake("Say who you are with --by; this account has no name.")
    wanted = PublishRates(
        body=_body(arguments.file),
        is_json=_is_json(arguments.file),
        valid_from=arguments.valid_from,
        person=Person(arguments.by, arguments.reason),
    )
    drafts = check_rates(wanted.body, arguments.valid_from, is_json=wanted.is_json)
    with running() as (database, _):
        published = database.run(lambda tx: publish_rates(tx, wanted), command())
    tell(
        {
            **views.drafts_as_json(drafts),
            "published": list(published),
            "valid_from": arguments.valid_from.isoformat(),
        },
        partial(views.print_published, published, arguments.valid_from, drafts),
        as_json=arguments.json,
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        found = database.run(costing.versions, command())
    tell(
        views.versions_as_json(found),
        partial(views.print_versions, found),
        as_json=arguments.json,
    )
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        card = database.run(
            lambda tx: show_rates(tx, arguments.carrier, arguments.service, arguments.version),
            command(),
        )
    tell(views.card_as_json(card), partial(views.print_card, card), as_json=arguments.json)
    return 0


def _body(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}.") from None


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"
