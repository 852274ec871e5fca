"""What a command needs to act on the running stack: its database, and what sends its messages."""

import argparse
import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulators.laptop.cli import UserMistake
from emulators.laptop.stack import read_state, state_directory
from shared.contracts.base import Cause
from shared.kit.clock import utc_now
from shared.kit.errors import DispatchError, Rejected
from shared.kit.ids import new_id
from shared.platform import db
from shared.platform.config import Config, read
from shared.platform.db import Database
from shared.platform.relay import Relay
from shared.platform.tasks import Queues
from shared.platform.topics import Topics


def settings() -> Config:
    """What the functions of the running stack are told.

    Raises:
        UserMistake: nothing runs here.
    """
    state = read_state(state_directory())
    if state is None:
        raise UserMistake("Nothing runs here; `python3 -m emulators up` starts it.")
    return read(state["environment"])


@contextmanager
def running() -> Iterator[tuple[Database, Relay]]:
    """The database of the running stack, and a relay that sends what is announced."""
    config = settings()
    database = db.connect(config, utc_now)
    try:
        yield (
            database,
            Relay(database, {"topic": lambda: Topics(config), "queue": lambda: Queues(config)}),
        )
    finally:
        database.close()


def account() -> str:
    """The name of whoever runs this; empty where the machine has none for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12
        return ""


def add_by(parser: argparse.ArgumentParser) -> None:
    """Declare the option that says who wants it."""
    parser.add_argument("--by", default=account(), help="who; otherwise who runs this")


def command() -> Cause:
    """A command is the cause of what it does."""
    event_id = new_id("cmd")
    return Cause(event_id, event_id)


@contextmanager
def told_plainly() -> Iterator[None]:
    """What is refused in this block becomes a sentence, and a line for every further wrong field.

    Raises:
        UserMistake: instead of what was raised.
    """
    try:
        yield
    except DispatchError as error:
        fields = error.wrong if isinstance(error, Rejected) else ()
        more = "".join(f"\n  {wrong.field}: {wrong.reason}" for wrong in fields[1:])
        raise UserMistake(f"{error} ({error.code}){more}") from None


def acted(arguments: argparse.Namespace) -> int:
    """Do what the word says: `act` of its parser, which may return an exit code."""
    act: Callable[[argparse.Namespace], int | None] = arguments.act
    with told_plainly():
        return act(arguments) or 0
