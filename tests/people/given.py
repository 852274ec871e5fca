"""People, said in a line each."""

from datetime import timedelta
from functools import cache

from shared.people import api_keys, proofs, sessions, users
from shared.people.permissions import Action
from shared.people.types import ApiKey, Role, User, Warehouses
from shared.platform.db import Database
from tests.support import given

PASSWORD = "correct horse battery staple"


@cache
def _hashed() -> str:
    return proofs.hashed_password(PASSWORD)


def user(
    database: Database,
    email: str = "ada@example.org",
    role: Role = Role.OPERATOR,
    warehouses: Warehouses = None,
) -> User:
    """Somebody who may sign in with PASSWORD."""
    made = User(
        user_id=f"usr_{email.replace('@', '.')}",
        email=email,
        name=email.partition("@")[0].capitalize(),
        role=role,
        warehouses=warehouses,
        language="en",
        has_second_factor=False,
        disabled_at=None,
        created_at=database.now(),
    )
    database.run(lambda tx: tx.write(users.add(tx, made, _hashed())), given.cause())
    return made


def session(database: Database, of: User, *, is_complete: bool = True) -> str:
    """The token of a session that begins now."""
    token = proofs.new_token()
    database.run(
        lambda tx: tx.write(sessions.begin(tx, token, of.user_id, is_complete=is_complete)),
        given.cause(),
    )
    return token


def key(
    database: Database,
    *actions: Action,
    warehouses: Warehouses = None,
    days: int = 1,
    name: str = "scanner",
) -> str:
    """A machine's key, as it shows it."""
    now = database.now()
    made = ApiKey(
        key_id=f"key_{name}",
        name=name,
        actions=frozenset(actions),
        warehouses=warehouses,
        created_by="ada",
        created_at=now,
        expires_at=now + timedelta(days=days),
        last_used_at=None,
        revoked_at=None,
    )
    secret = proofs.new_token()
    database.run(lambda tx: tx.write(api_keys.add(tx, made, secret)), given.cause())
    return proofs.key_text(made.key_id, secret)


def trail(database: Database) -> list[tuple[str, str, str, str]]:
    """Actor, action, subject and reason of each entry of the audit trail, the oldest first."""
    return [
        (row[0], row[1], row[2], row[3])
        for row in given.rows(
            database, "SELECT actor, action, subject_id, reason FROM audit_log ORDER BY audit_id"
        )
    ]
