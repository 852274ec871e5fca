"""The table users. Nothing else writes to it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from shared.people.types import Role, User, Warehouses
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_ALL = text("SELECT * FROM users ORDER BY email")
_FIND = text("SELECT * FROM users WHERE email = lower(CAST(:email AS text))")
_LOCK = text("SELECT * FROM users WHERE email = lower(CAST(:email AS text)) FOR UPDATE")
_LOCK_AMONG_ADMINS = text("""
    SELECT * FROM users
     WHERE email = lower(CAST(:email AS text)) OR role = 'admin'
     ORDER BY user_id
       FOR UPDATE
""")
_ADD = """
    INSERT INTO users (user_id, email, name, password_hash, password_is_temporary, role, warehouses,
                       language, created_at)
    VALUES (:user_id, lower(:email), :name, :password_hash, CAST(:is_temporary AS boolean), :role,
            CAST(:warehouses AS text[]), :language, :now)
        ON CONFLICT (email) DO NOTHING
 RETURNING 1
"""
_ANOTHER_WORD = """
    UPDATE users
       SET password_hash = :password_hash, password_is_temporary = CAST(:is_temporary AS boolean)
     WHERE user_id = :user_id
 RETURNING 1
"""
_SET_ROLE = """
    UPDATE users SET role = :role, warehouses = CAST(:warehouses AS text[])
     WHERE user_id = :user_id
 RETURNING 1
"""
_SET_DISABLED = """
    UPDATE users SET disabled_at = CAST(:disabled_at AS timestamptz) WHERE user_id = :user_id
 RETURNING 1
"""
_SET_TOTP = """
    UPDATE users SET totp_secret = CAST(:secret AS text), totp_step = 0 WHERE user_id = :user_id
 RETURNING 1
"""
# Of two requests with the same code one finds that it was used.
_USE_STEP = """
    UPDATE users SET totp_step = :step WHERE user_id = :user_id AND totp_step < :step RETURNING 1
"""


class Proof(NamedTuple):
    """What somebody's password and code are checked against."""

    user: User
    password_hash: str
    is_temporary: bool  # the password
    totp_secret: str | None
    totp_step: int


def all_users(tx: Transaction) -> Sequence[User]:
    """Everybody, by e-mail."""
    return [_user(row) for row in tx.rows(_ALL)]


def find(tx: Transaction, email: str) -> User | None:
    """Whoever has this e-mail, in whatever case it is written."""
    row = tx.row(_FIND, email=email)
    return None if row is None else _user(row)


def proof(tx: Transaction, email: str) -> Proof | None:
    """What proves that somebody is whoever has this e-mail."""
    row = tx.row(_FIND, email=email)
    return (
        None
        if row is None
        else Proof(
            _user(row),
            row.password_hash,
            row.password_is_temporary,
            row.totp_secret,
            row.totp_step,
        )
    )


def lock(tx: Transaction, email: str) -> User | None:
    """The user, who stays as they are until the transaction ends."""
    row = tx.row(_LOCK, email=email)
    return None if row is None else _user(row)


def lock_among_admins(tx: Transaction, email: str) -> Sequence[User]:
    """The user, if there is one, and every admin: of two who decide about them one waits."""
    return [_user(row) for row in tx.rows(_LOCK_AMONG_ADMINS, email=email)]


def add(tx: Transaction, user: User, password_hash: str, *, is_temporary: bool = False) -> Write:
    """Somebody new; LostRace where the e-mail is somebody's already.

    Whoever signs in with a temporary password has to choose another one first.
    """
    return Write(
        _ADD,
        {
            "user_id": user.user_id,
            "email": user.email,
            "name": user.name,
            "password_hash": password_hash,
            "is_temporary": is_temporary,
            "role": user.role,
            "warehouses": _listed(user.warehouses),
            "language": user.language,
            "now": tx.now,
        },
        rows=1,
    )


def set_password(user: User, password_hash: str, *, is_temporary: bool = False) -> Write:
    """Another password; a temporary one has to be changed before anything else."""
    return Write(
        _ANOTHER_WORD,
        {
            "user_id": user.user_id,
            "password_hash": password_hash,
            "is_temporary": is_temporary,
        },
        rows=1,
    )


def set_role(user: User, role: Role, warehouses: Warehouses) -> Write:
    """What somebody may, and where."""
    return Write(
        _SET_ROLE,
        {"user_id": user.user_id, "role": role, "warehouses": _listed(warehouses)},
        rows=1,
    )


def set_disabled(tx: Transaction, user: User, *, disabled: bool) -> Write:
    """Whether somebody may sign in."""
    parameters = {"user_id": user.user_id, "disabled_at": tx.now if disabled else None}
    return Write(_SET_DISABLED, parameters, rows=1)


def set_totp(user: User, secret: str | None) -> Write:
    """The secret of a second factor, or none."""
    return Write(_SET_TOTP, {"user_id": user.user_id, "secret": secret}, rows=1)


def use_step(user: User, step: int) -> Write:
    """The code of this step was used; LostRace where another was faster with it."""
    return Write(_USE_STEP, {"user_id": user.user_id, "step": step}, rows=1)


def _listed(warehouses: Warehouses) -> list[str] | None:
    return None if warehouses is None else sorted(warehouses)


def _user(row: Any) -> User:
    return User(
        user_id=row.user_id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        warehouses=None if row.warehouses is None else frozenset(row.warehouses),
        language=row.language,
        has_second_factor=row.totp_secret is not None,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )
