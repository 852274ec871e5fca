"""`letters`: what was refused or given up on the running stack, and what to do about it.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from collections.abc import Callable
from functools import partial

from emulators.laptop.cli import UserMistake, add_json, moment, positive
from emulators.laptop.running import acted, add_by, command, running
from emulators.laptop.screen import tell
from emulators.letters import views
from shared.contracts.base import Cause
from shared.flows.discard_letter import discard_letter
from shared.flows.each_letter import each_letter
from shared.flows.retry_letter import retry_letter
from shared.flows.try_letter import try_letter
from shared.people.types import Person
from shared.platform import letters
from shared.platform.db import Database, Transaction
from shared.platform.dead_letters import LetterState
from shared.platform.letters import Page, Wanted

CAUSE = Cause("letters", "letters")
SHOWN = 20  # letters of one page
AT_ONCE = 1_000  # letters of one command
ANY = "any"

Act = Callable[[Transaction, int, Person], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `letters` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    listing = words.add_parser("list", help="the newest letters, by page")
    _add_filters(listing)
    listing.add_argument(
        "--state", choices=[*LetterState, ANY], default=LetterState.OPEN, help="open by default"
    )
    listing.add_argument("--limit", type=positive, default=SHOWN, metavar="N", help="of one page")
    listing.add_argument("--before", type=positive, metavar="ID", help="the page after letter ID")
    listing.set_defaults(act=_list)
    for word, act, purpose in (
        ("show", _show, "one letter's story and its payload"),
        ("dry-run", _dry_run, "what would change if it were sent again; nothing changes"),
    ):
        one = words.add_parser(word, help=purpose)
        one.add_argument("letter", type=positive, metavar="ID")
        one.set_defaults(act=act)
    for word, act, purpose in (
        ("retry", _retry, "send letters again, under their own event ids"),
        ("discard", _discard, "close letters that nobody will send again"),
    ):
        many = words.add_parser(word, help=purpose)
        many.add_argument("letters", type=positive, nargs="*", metavar="ID")
        _add_filters(many)
        many.add_argument("--reason", required=True, help="why; it is kept with the letter")
        add_by(many)
        many.set_defaults(act=act)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says; exit code 1 when a letter was refused."""
    return acted(arguments)


def _list(arguments: argparse.Namespace) -> int:
    wanted = _wanted(arguments, None if arguments.state == ANY else LetterState(arguments.state))
    with running() as (database, _):
        found = _page(database, wanted, arguments.limit, arguments.before)
    tell(views.page_as_json(found), partial(views.print_page, found), as_json=arguments.json)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        letter = database.run(lambda tx: letters.find(tx, arguments.letter), CAUSE)
    tell(views.letter_as_json(letter), partial(views.print_letter, letter), as_json=arguments.json)
    return 0


def _dry_run(arguments: argparse.Namespace) -> int:
    with running() as (database, _):
        trial = database.run(lambda tx: try_letter(tx, arguments.letter), CAUSE)
    tell(views.trial_as_json(trial), partial(views.print_trial, trial), as_json=arguments.json)
    return 0


def _retry(arguments: argparse.Namespace) -> int:
    return _settle(arguments, retry_letter, "retried")


def _discard(arguments: argparse.Namespace) -> int:
    return _settle(arguments, discard_letter, "discarded")


def _settle(arguments: argparse.Namespace, act: Act, done: str) -> int:
    wanted = _wanted(arguments, LetterState.OPEN)
    filtered = wanted != Wanted()
    if bool(arguments.letters) == filtered:
        raise UserMistake("Give either the ids of letters or filters that choose them.")
    person, cause = Person(arguments.by, arguments.reason), command()
    with running() as (database, relay):

        def settle(letter_id: int) -> None:
            relay.run(lambda tx: act(tx, letter_id, person), cause)

        chosen = (
            [letter.letter_id for letter in _page(database, wanted, AT_ONCE).letters]
            if filtered
            else arguments.letters
        )
        results = each_letter(chosen, settle)
    tell(
        views.results_as_json(results),
        partial(views.print_results, results, done),
        as_json=arguments.json,
    )
    return 0 if all(result.done for result in results) else 1


def _page(database: Database, wanted: Wanted, limit: int, before: int | None = None) -> Page:
    return database.run(lambda tx: letters.page(tx, wanted, limit, before), CAUSE)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", metavar="NAME", help="of this subscription or queue")
    parser.add_argument("--code", metavar="CODE", help="refused with this code")
    parser.add_argument("--order", metavar="ID", help="about this order")
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="failed at or after this time, ISO 8601"
    )


def _wanted(arguments: argparse.Namespace, state: LetterState | None) -> Wanted:
    return Wanted(
        state=state,
        source=arguments.source,
        code=arguments.code,
        order_id=arguments.order,
        since=arguments.since,
    )
