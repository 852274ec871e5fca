"""`labels`: what a parcel is sent with, what it would cost, and what closes a carrier's day.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from emulators.labels import views
from emulators.laptop.cli import UserMistake, add_json, day, positive
from emulators.laptop.running import acted, add_by, command, running, settings
from emulators.laptop.screen import tell
from shared.carriers.types import Carrier, Document
from shared.flows.ask_for_manifests import ask_for_manifest
from shared.flows.print_label import print_label
from shared.flows.print_manifest import print_manifest
from shared.flows.quote_parcel import quote_parcel
from shared.flows.steps import Run
from shared.ops.labels import labels_of
from shared.ops.manifests import manifests
from shared.people.types import Person
from shared.platform.documents import Documents, documents_of
from shared.wiring import carriers_of

SHOWN = 50  # rows
MANIFEST = "man_"  # what the ids of manifests begin with


@dataclass(frozen=True, slots=True)
class _Outside:
    """What the running stack is connected to; a vendor is only made where it is asked."""

    run: Run
    vendors: Mapping[str, Carrier]
    documents: Documents


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `labels` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    for word, act, purpose in (
        ("show", _show, "its labels: how far they are, what they cost and what came back"),
        ("quotes", _quotes, "what it would cost now, as the carrier says"),
        ("reprint", _reprint, "fetch its label anew from the carrier, and keep it"),
    ):
        one = words.add_parser(word, help=purpose)
        one.add_argument("parcel", metavar="PARCEL")
        one.set_defaults(act=act)
    words.choices["quotes"].add_argument("--carrier", help="ask this one instead of its own")
    words.choices["reprint"].add_argument("--to", type=Path, metavar="FILE", help="write it there")
    printing = words.add_parser("print", help="write the document of a label or a manifest")
    printing.add_argument("named", metavar="ID", help="of a parcel or a manifest")
    printing.add_argument("--to", type=Path, required=True, metavar="FILE")
    printing.set_defaults(act=_print)
    closing = words.add_parser("manifest", help="close a carrier's day at a warehouse now")
    closing.add_argument("carrier", metavar="CARRIER")
    closing.add_argument("warehouse", metavar="WAREHOUSE")
    closing.add_argument("--day", type=day, metavar="DAY", help="ISO 8601; today there without it")
    closing.add_argument("--reason", default="said at a terminal", help="why; it is kept")
    add_by(closing)
    closing.set_defaults(act=_manifest)
    listing = words.add_parser("manifests", help="the manifests that there are, newest day first")
    listing.add_argument("--carrier", help="only this carrier's")
    listing.add_argument("--warehouse", help="only of this warehouse")
    listing.add_argument("--day", type=day, metavar="DAY", help="only of this day")
    listing.add_argument("--limit", type=positive, default=SHOWN, metavar="N", help="rows")
    listing.set_defaults(act=_manifests)
    add_json(*words.choices.values())


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says."""
    return acted(arguments)


def _show(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        found = database.run(lambda tx: labels_of(tx, arguments.parcel), command())
    if not found:
        raise UserMistake(f"Nobody has asked for a label for {arguments.parcel}.")
    tell(views.labels_as_json(found), partial(views.print_labels, found), as_json=arguments.json)


def _quotes(arguments: argparse.Namespace) -> None:
    with _outside() as outside:
        quotes = quote_parcel(outside.run, arguments.parcel, outside.vendors, arguments.carrier)
    tell(views.quotes_as_json(quotes), partial(views.print_quotes, quotes), as_json=arguments.json)


def _print(arguments: argparse.Namespace) -> None:
    with _outside() as outside:
        if arguments.named.startswith(MANIFEST):
            document = print_manifest(outside.run, arguments.named, outside.documents)
        else:
            document = print_label(outside.run, arguments.named, outside.vendors, outside.documents)
    _deliver(arguments, document)


def _reprint(arguments: argparse.Namespace) -> None:
    with _outside() as outside:
        document = print_label(
            outside.run, arguments.parcel, outside.vendors, outside.documents, anew=True
        )
    _deliver(arguments, document)


def _manifest(arguments: argparse.Namespace) -> None:
    with running() as (_, relay):
        manifest_id = relay.run(
            lambda tx: ask_for_manifest(
                tx,
                arguments.carrier,
                arguments.warehouse,
                arguments.day,
                Person(arguments.by, arguments.reason),
            ),
            command(),
        )
    tell(
        {"asked_for": manifest_id},
        partial(
            views.print_line, f"{manifest_id} is asked for; `labels manifests` shows it when closed"
        ),
        as_json=arguments.json,
    )


def _manifests(arguments: argparse.Namespace) -> None:
    with running() as (database, _):
        found = database.run(
            lambda tx: manifests(
                tx,
                limit=arguments.limit,
                carrier=arguments.carrier,
                warehouse=arguments.warehouse,
                ship_on=arguments.day,
            ),
            command(),
        )
    tell(
        views.manifests_as_json(found),
        partial(views.print_manifests, found),
        as_json=arguments.json,
    )


def _deliver(arguments: argparse.Namespace, document: Document) -> None:
    to: Path | None = arguments.to
    if to is not None:
        try:
            to.write_bytes(document.content)
        except OSError as error:
            raise UserMistake(f"{to} cannot be written: {error.strerror}.") from None
    said = {
        "media_type": document.media_type,
        "bytes": len(document.content),
        "written_to": None if to is None else str(to),
    }
    line = f"{document.media_type}, {len(document.content)} bytes, " + (
        "kept" if to is None else f"written to {to}"
    )
    tell(said, partial(views.print_line, line), as_json=arguments.json)


@contextmanager
def _outside() -> Iterator[_Outside]:
    found, cause = settings(), command()
    with running() as (database, relay):
        yield _Outside(
            lambda step: relay.run(step, cause),
            carriers_of(found, lambda: database),
            documents_of(found),
        )
