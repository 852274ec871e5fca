"""`users`: who may use the console of the running stack, and what they may.

Thin on purpose: what happens stands in shared/flows, for a page to do the same.
"""

import argparse
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.cli import add_json
from emulators.laptop.running import add_by, command, running, told_plainly
from emulators.laptop.screen import screen, tell
from emulators.laptop.stack import read_state, state_directory
from emulators.people.accounts import forget_password, kept_passwords, new_user
from shared.flows.manage_keys import WantedKey, add_key
from shared.flows.manage_users import (
    add_user,
    set_disabled,
    set_password,
    set_role,
    set_second_factor,
    sign_out_everywhere,
)
from shared.people import users
from shared.people.permissions import Action
from shared.people.types import Person, Role, User
from shared.platform.db import Transaction

Told = dict[str, Any]
ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the words after `users` and their options."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    words.add_parser("list", help="everybody, where the console is, and the first passwords")
    for word, act, purpose in (
        ("add", _add, "let somebody in; prints a password"),
        ("password", _password, "another password; prints it"),
        ("role", _role, "what somebody may, and in which warehouses"),
        ("disable", _disable, "let somebody in no more, from now on"),
        ("enable", _enable, "let somebody in again"),
        ("second-factor", _second_factor, "ask for a code as well; prints what to scan"),
        ("sign-out", _sign_out, "end all sessions of somebody"),
    ):
        made = words.add_parser(word, help=purpose)
        made.add_argument("email", metavar="E-MAIL")
        if word == "add":
            made.add_argument("--name", required=True, help="how to address them")
            made.add_argument("--language", default="en", help="such as en or pt-BR (en)")
        if word in {"add", "role"}:
            made.add_argument("--role", required=True, choices=[*Role], type=Role)
            made.add_argument("--warehouses", nargs="+", metavar="NAME", help="only these")
        if word == "second-factor":
            made.add_argument("--off", action="store_true", help="a password is enough again")
        made.set_defaults(act=act)
    key = words.add_parser("key", help="make a key for a machine; prints it, once")
    key.add_argument("name", metavar="NAME")
    key.add_argument("--actions", nargs="+", required=True, choices=[*Action], type=Action)
    key.add_argument("--warehouses", nargs="+", metavar="NAME", help="only these")
    key.add_argument("--days", type=int, default=90, help="how long it is good (90)")
    key.set_defaults(act=_key)
    for name, made in words.choices.items():
        if name != "list":
            made.add_argument("--reason", default="by command", help="the audit trail keeps it")
            add_by(made)
        add_json(made)


def run(arguments: argparse.Namespace) -> int:
    """Do what the word says."""
    with told_plainly(), running() as (database, relay):
        if arguments.word == "list":
            everybody = database.run(users.all_users, command())
            tell(
                {"users": [_shown(user) for user in everybody]},
                partial(_print_users, everybody),
                as_json=arguments.json,
            )
            return 0
        act: Callable[[argparse.Namespace, Transaction, Person], Told] = arguments.act
        person = Person(arguments.by, arguments.reason)
        told = relay.run(lambda tx: act(arguments, tx, person), command())
    if arguments.word == "password":
        forget_password(state_directory(), arguments.email)
    tell(told, partial(_print, told), as_json=arguments.json)
    return 0


def _add(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    password = secrets.token_urlsafe(12)
    user = new_user(
        tx,
        arguments.email,
        arguments.name,
        arguments.role,
        warehouses=_warehouses(arguments),
        language=arguments.language,
    )
    add_user(tx, person, user, password)
    return {"email": arguments.email, "password": password}


def _password(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    password = secrets.token_urlsafe(12)
    set_password(tx, person, arguments.email, password)
    return {"email": arguments.email, "password": password}


def _role(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    set_role(tx, person, arguments.email, arguments.role, _warehouses(arguments))
    return {"email": arguments.email, "role": arguments.role}


def _disable(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    set_disabled(tx, person, arguments.email, disabled=True)
    return {"email": arguments.email, "disabled": True}


def _enable(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    set_disabled(tx, person, arguments.email, disabled=False)
    return {"email": arguments.email, "disabled": False}


def _second_factor(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    uri = set_second_factor(tx, person, arguments.email, wanted=not arguments.off)
    return {"email": arguments.email, "scan": uri or "nothing; a password is enough"}


def _sign_out(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    sign_out_everywhere(tx, person, arguments.email)
    return {"email": arguments.email, "signed out": True}


def _key(arguments: argparse.Namespace, tx: Transaction, person: Person) -> Told:
    wanted = WantedKey(
        arguments.name, frozenset(arguments.actions), _warehouses(arguments), arguments.days
    )
    return {"name": arguments.name, "key": add_key(tx, person, wanted)}


def _warehouses(arguments: argparse.Namespace) -> frozenset[str] | None:
    return None if arguments.warehouses is None else frozenset(arguments.warehouses)


def _shown(user: User) -> Told:
    return {
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "warehouses": None if user.warehouses is None else sorted(user.warehouses),
        "language": user.language,
        "second_factor": user.has_second_factor,
        "disabled": user.disabled_at is not None,
    }


def _print(told: Told) -> None:
    for name, value in told.items():
        screen().print(f"{name}: {escape(str(value))}")


def _print_users(everybody: Sequence[User]) -> None:
    kept = kept_passwords(state_directory())
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("e-mail", "name", "role", "warehouses", "code", "first password"):
        table.add_column(name)
    for user in everybody:
        places = ALL if user.warehouses is None else ", ".join(sorted(user.warehouses))
        state = "[dim]disabled[/dim]" if user.disabled_at else escape(kept.get(user.email, ""))
        asked = "yes" if user.has_second_factor else ""
        table.add_row(escape(user.email), escape(user.name), user.role, places, asked, state)
    state_of_stack = read_state(state_directory())
    if state_of_stack is not None and "ops" in state_of_stack["addresses"]:
        screen().print(f"The console is at {state_of_stack['addresses']['ops']}")
    screen().print(table)
