"""The first accounts of a stack, one for each role; their passwords are kept beside its data."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from emulators.laptop.private_files import write_private
from emulators.laptop.running import account, command
from shared.flows.manage_users import add_user
from shared.people import users
from shared.people.types import Person, Role, User
from shared.platform.db import Database, Transaction

DOMAIN = "dispatch.local"
FILE = "users.json"


def first_accounts(database: Database, directory: Path) -> Mapping[str, str]:
    """Make an account for each role where there is nobody; e-mail -> password of those made."""
    made = {f"{role}@{DOMAIN}": secrets.token_urlsafe(12) for role in Role}

    def make(tx: Transaction) -> bool:
        if users.all_users(tx):
            return False
        person = Person(account() or "up", "the first accounts of this stack")
        for role in Role:
            email = f"{role}@{DOMAIN}"
            add_user(tx, person, new_user(tx, email, role.capitalize(), role), made[email])
        return True

    if not database.run(make, command()):
        return {}
    write_private(directory / FILE, json.dumps(made, indent=2))
    return made


def kept_passwords(directory: Path) -> Mapping[str, str]:
    """E-mail -> the password that was made here; one that somebody changed is not among them."""
    path = directory / FILE
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def forget_password(directory: Path, email: str) -> None:
    """The password is another one now, and is not kept here."""
    rest = {known: word for known, word in kept_passwords(directory).items() if known != email}
    write_private(directory / FILE, json.dumps(rest, indent=2))


def new_user(
    tx: Transaction,
    email: str,
    name: str,
    role: Role,
    *,
    warehouses: frozenset[str] | None = None,
    language: str = "en",
) -> User:
    """Somebody who is not there yet."""
    return User(
        user_id="",
        email=email,
        name=name,
        role=role,
        warehouses=warehouses,
        language=language,
        has_second_factor=False,
        disabled_at=None,
        created_at=tx.now,
    )
