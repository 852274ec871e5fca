"""`policies`: what shops want of their placements: check a document, publish it, look at them.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from functools import partial
from pathlib import Path

from emulators.laptop.cli import UserMistake, add_json, moment
from emulators.laptop.running import acted, add_by, command, running
from emulators.laptop.screen import tell
from emulators.policies import views
from shared.contracts.policies import PolicyDocument
from shared.flows.publish_policy import PublishPolicy, check_policy, publish_policy
from shared.people.types import Person
from shared.placement import placement_policies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `policies` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    check = words.add_parser("check", help="say what is wrong with it; nothing is published")
    check.set_defaults(act=_check)
    publish = words.add_parser("publish", help="publish the next version of its channel's policy")
    publish.add_argument(
        "--valid-from", type=moment, metavar="TIME", help="ISO 8601; at once without it"
    )
    publish.add_argument("--reason", required=True, help="why; it is kept with the version")
    add_by(publish)
    publish.set_defaults(act=_publish)
    for made in (check, publish):
        made.add_argument("file", type=Path, metavar="FILE", help="a JSON object")
    listing = words.add_parser("list", help="every version of every channel")
    listing.set_defaults(act=_list)
    show = words.add_parser("show", help="all that a version says, defaults too")
    show.add_argument("policy_id", metavar="POLICY", help="as `list` names it, or `default`")
    show.set_defaults(act=_show)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says."""
    return acted(arguments)


def _check(arguments: argparse.Namespace) -> None:
    document = _document(arguments.file)
    with running() as (database, _):
        database.run(lambda tx: check_policy(tx, document), command())
    tell(
        {"wrong": [], "policy": document.model_dump(mode="json")},
        partial(views.print_document, document),
        as_json=arguments.json,
    )


def _publish(arguments: argparse.Namespace) -> None:
    wanted = PublishPolicy(
        _document(arguments.file),
        arguments.valid_from,
        Person(arguments.by, arguments.reason),
    )
    with running() as (database, _):
        policy_id = database.run(lambda tx: publish_policy(tx, wanted), command())
    tell(
        {"published": policy_id},
        partial(views.print_line, f"{policy_id} is published; functions follow it in a minute"),
        as_json=arguments.json,
    )


def _list(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        found = database.run(placement_policies.versions, command())
    tell(
        views.versions_as_json(found),
        partial(views.print_versions, found),
        as_json=arguments.json,
    )


def _show(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        book = database.run(placement_policies.read_book, command())
    policy = book.named(arguments.policy_id)
    tell(views.policy_as_json(policy), partial(views.print_policy, policy), as_json=arguments.json)


def _document(file: Path) -> PolicyDocument:
    try:
        return PolicyDocument.decode(file.read_bytes())
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}.") from None
