"""`webhooks`: who gets them, whether they arrive, and what to do where they do not.

Thin on purpose: what happens stands in shared/flows, and the console does the same.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from emulators.laptop.cli import UserMistake, add_json, positive
from emulators.laptop.running import add_by, command, running, settings, told_plainly
from emulators.laptop.screen import tell
from emulators.webhooks import views
from shared.contracts.base import Cause
from shared.flows.add_subscriber import add_subscriber
from shared.flows.enable_subscriber import disable_subscriber, enable_subscriber
from shared.flows.redeliver_webhooks import (
    RedeliverWebhook,
    redeliver_failed,
    redeliver_webhook,
)
from shared.flows.rotate_secret import OVERLAP, RotateSecret, rotate_secret
from shared.flows.send_test_webhook import send_test_webhook
from shared.flows.steps import Run
from shared.flows.subscribed import WantedSubscriber
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.http import reach_for_others
from shared.platform.relay import Relay
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.signing import keyring
from shared.subscribers.types import DeliveryState, UnknownSubscriber
from shared.subscribers.webhook_deliveries import KEPT

CAUSE = Cause("webhooks", "webhooks")
_ACTS = {"add", "rotate", "enable", "disable", "send", "redeliver"}
SHOWN = 20  # deliveries of one page
KEPT_HOURS = KEPT // timedelta(hours=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `webhooks` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    adding = words.add_parser("add", help="somebody wants webhooks; prints their secret, once")
    adding.add_argument("name", metavar="NAME", help="how the subscriber is called here")
    adding.add_argument("url", metavar="URL", help="where they are sent to")
    adding.add_argument(
        "--event", action="append", default=[], metavar="TYPE", help="only these; otherwise all"
    )
    adding.add_argument("--channel", metavar="NAME", help="only about orders of this channel")
    adding.set_defaults(act=_add)
    words.add_parser("list", help="everybody, and how it goes").set_defaults(act=_list)
    rotating = _with_name(words.add_parser("rotate", help="a new secret; prints it, once"))
    rotating.add_argument(
        "--at-once", action="store_true", help="no old one signs any more, instead of for 24 h"
    )
    rotating.set_defaults(act=_rotate)
    disabling = _with_name(words.add_parser("disable", help="call them no more; events wait"))
    disabling.add_argument("--reason", required=True, help="why; it is shown in the list")
    disabling.set_defaults(act=_disable)
    for word, act, purpose in (
        ("show", _show, "one subscriber, with the latest deliveries"),
        ("enable", _enable, "call them again, and send all that waits"),
        ("send", _send, "send an event to try it"),
    ):
        _with_name(words.add_parser(word, help=purpose)).set_defaults(act=act)
    listing = words.add_parser("deliveries", help="what was sent, with every attempt")
    listing.add_argument("name", nargs="?", metavar="NAME", help="only to this one")
    listing.add_argument("--state", choices=[*DeliveryState], help="only those")
    listing.add_argument("--limit", type=positive, default=SHOWN, metavar="N", help="of one page")
    listing.add_argument("--before", type=positive, metavar="N", help="the page before this number")
    listing.set_defaults(act=_deliveries)
    again = words.add_parser("redeliver", help="send one again, or all that were given up")
    again.add_argument(
        "delivery", nargs="?", metavar="ID", help="a delivery, whatever became of it"
    )
    again.add_argument("--failed", metavar="NAME", help="all of this subscriber that were given up")
    again.add_argument(
        "--hours", type=positive, default=KEPT_HOURS, metavar="N", help="and not older (720)"
    )
    again.set_defaults(act=_redeliver)
    for word, made in words.choices.items():
        add_json(made)
        if word in _ACTS:
            add_by(made)
        if word in _ACTS - {"disable"}:
            made.add_argument("--reason", default="said at a terminal", help="why; it is kept")


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says."""
    act: Callable[[_Stack, argparse.Namespace], None] = arguments.act
    with told_plainly(), running() as (database, relay):
        act(_Stack(database, relay), arguments)
    return 0


@dataclass(frozen=True, slots=True)
class _Stack:
    database: Database
    relay: Relay

    @property
    def run(self) -> Run:
        """A step, whose work is sent at once."""
        cause = command()
        return lambda step: self.relay.run(step, cause)


def _with_name(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("name", metavar="NAME")
    return parser


def _person(arguments: argparse.Namespace) -> Person:
    return Person(arguments.by, arguments.reason)


def _add(stack: _Stack, arguments: argparse.Namespace) -> None:
    config = settings()
    wish = WantedSubscriber(
        name=arguments.name,
        url=arguments.url,
        person=_person(arguments),
        event_types=arguments.event,
        channel=arguments.channel,
    )
    subscriber, secret = stack.run(
        lambda tx: add_subscriber(tx, wish, keyring(config), reach_for_others(config))
    )
    _tell_secret(subscriber.name, secret, as_json=arguments.json)


def _rotate(stack: _Stack, arguments: argparse.Namespace) -> None:
    overlap = timedelta(0) if arguments.at_once else OVERLAP
    wish = RotateSecret(arguments.name, _person(arguments), overlap)
    _, secret = stack.run(lambda tx: rotate_secret(tx, wish, keyring(settings())))
    _tell_secret(arguments.name, secret, as_json=arguments.json)


def _list(stack: _Stack, arguments: argparse.Namespace) -> None:
    found = stack.run(subscribers.all_of)
    now = stack.database.now()
    tell(
        {"subscribers": [views.subscriber_as_json(one, now) for one in found]},
        partial(views.print_subscribers, found, now),
        as_json=arguments.json,
    )


def _show(stack: _Stack, arguments: argparse.Namespace) -> None:
    found = stack.run(lambda tx: subscribers.all_of(tx, arguments.name))
    if not found:
        raise UnknownSubscriber("name: no subscriber has it", field="name")
    journals = stack.run(
        lambda tx: webhook_deliveries.page(
            tx, name=arguments.name, state=None, before=None, limit=SHOWN
        )
    )
    now = stack.database.now()
    document = views.subscriber_as_json(found[0], now)
    document["deliveries"] = [views.journal_as_json(journal) for journal in journals]
    tell(
        document,
        partial(views.print_subscriber, found[0], journals, now),
        as_json=arguments.json,
    )


def _enable(stack: _Stack, arguments: argparse.Namespace) -> None:
    stack.run(lambda tx: enable_subscriber(tx, arguments.name, _person(arguments)))
    (standings,) = stack.run(lambda tx: subscribers.all_of(tx, arguments.name))
    sent = standings.waiting
    _tell_done(
        arguments,
        {"enabled": arguments.name, "sent": sent},
        f"{arguments.name} is enabled; {sent} that waited are being sent.",
    )


def _disable(stack: _Stack, arguments: argparse.Namespace) -> None:
    stack.run(lambda tx: disable_subscriber(tx, arguments.name, _person(arguments)))
    _tell_done(
        arguments,
        {"disabled": arguments.name},
        f"{arguments.name} is disabled. What happens meanwhile waits for 30 days.",
    )


def _send(stack: _Stack, arguments: argparse.Namespace) -> None:
    delivery_id = stack.run(lambda tx: send_test_webhook(tx, arguments.name, _person(arguments)))
    _tell_done(
        arguments,
        {"delivery": delivery_id},
        f"{delivery_id} is being sent; `webhooks show {arguments.name}` tells whether it came.",
    )


def _deliveries(stack: _Stack, arguments: argparse.Namespace) -> None:
    state = None if arguments.state is None else DeliveryState(arguments.state)
    journals = stack.run(
        lambda tx: webhook_deliveries.page(
            tx, name=arguments.name, state=state, before=arguments.before, limit=arguments.limit
        )
    )
    tell(
        {"deliveries": [views.journal_as_json(journal) for journal in journals]},
        partial(views.print_journals, journals),
        as_json=arguments.json,
    )


def _redeliver(stack: _Stack, arguments: argparse.Namespace) -> None:
    if (arguments.delivery is None) == (arguments.failed is None):
        raise UserMistake("Give either the id of a delivery or --failed with a subscriber.")
    if arguments.failed is not None:
        age = timedelta(hours=arguments.hours)
        sent = redeliver_failed(stack.run, arguments.failed, age, _person(arguments))
    else:
        wish = RedeliverWebhook(arguments.delivery, _person(arguments))
        stack.run(lambda tx: redeliver_webhook(tx, wish))
        sent = 1
    _tell_done(arguments, {"sent": sent}, f"{sent} are being sent again.")


def _tell_secret(name: str, secret: str, *, as_json: bool) -> None:
    tell(
        {"name": name, "secret": secret},
        partial(views.print_secret, name, secret),
        as_json=as_json,
    )


def _tell_done(arguments: argparse.Namespace, document: dict[str, object], sentence: str) -> None:
    tell(document, partial(views.print_sentence, sentence), as_json=arguments.json)
