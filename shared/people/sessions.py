"""The table sessions. Nothing else writes to it.

A session ends after a while without a request, at the latest after a working day, and when its
user signs out. What the user may do is read with it, so that it is never older than the request.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, NamedTuple

from shared.people.permissions import Action, Who, actions_of
from shared.people.proofs import token_hash
from shared.people.types import ActorKind, Role
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

IDLE = timedelta(hours=1)  # without a request
LONGEST = timedelta(hours=12)  # a shift, and its overtime
HALF = timedelta(minutes=5)  # to type a code
SEEN_AGAIN = timedelta(minutes=1)  # a busy reader writes once in so long

_OPEN = """
    INSERT INTO sessions (token_hash, user_id, is_complete, created_at, last_seen_at, expires_at)
    VALUES (:token_hash, :user_id, :is_complete, CAST(:now AS timestamptz),
            CAST(:now AS timestamptz), CAST(:expires_at AS timestamptz))
 RETURNING 1
"""
_FIND = text("""
    SELECT token_hash, user_id, email, name, role, warehouses, password_is_temporary, is_complete,
           last_seen_at
      FROM sessions JOIN users USING (user_id)
     WHERE token_hash = :token_hash AND disabled_at IS NULL
       AND expires_at > :now AND last_seen_at > CAST(:idle_since AS timestamptz)
""")
_ALIVE = text("""
    SELECT token_hash, email, name, role, warehouses, password_is_temporary
      FROM sessions JOIN users USING (user_id)
     WHERE token_hash = ANY(CAST(:token_hashes AS bytea[])) AND disabled_at IS NULL AND is_complete
       AND expires_at > :now AND last_seen_at > CAST(:idle_since AS timestamptz)
""")
# Who is looking at the same moment in another tab does not wait, and has nothing to add.
_SEEN = """
    UPDATE sessions SET last_seen_at = CAST(:now AS timestamptz)
     WHERE token_hash IN (SELECT token_hash FROM sessions WHERE token_hash = :token_hash
                             FOR UPDATE SKIP LOCKED)
 RETURNING 1
"""
_END = "DELETE FROM sessions WHERE token_hash = :token_hash RETURNING 1"
_END_ALL = "DELETE FROM sessions WHERE user_id = :user_id RETURNING 1"
_END_OTHERS = """
    DELETE FROM sessions WHERE user_id = :user_id AND token_hash <> :kept
 RETURNING 1
"""
_FORGET = text("""
    DELETE FROM sessions
     WHERE token_hash IN (SELECT token_hash FROM sessions
                           WHERE expires_at < :now
                           ORDER BY expires_at
                           LIMIT :limit)
 RETURNING 1
""")


class Session(NamedTuple):
    """A session that has not ended. Half of one opens nothing but the question for a code."""

    user_id: str
    is_complete: bool
    who: Who


def begin(tx: Transaction, token: str, user_id: str, *, is_complete: bool) -> Write:
    """A session for whoever has the token."""
    return Write(
        _OPEN,
        {
            "token_hash": token_hash(token),
            "user_id": user_id,
            "is_complete": is_complete,
            "now": tx.now,
            "expires_at": tx.now + (LONGEST if is_complete else HALF),
        },
        rows=1,
    )


def find(tx: Transaction, token: str, *, is_busy: bool = True) -> Session | None:
    """The session of a token, and whose it is, as they are at this moment; None: it has ended.

    Whoever is not busy does not keep it from ending.
    """
    hashed = token_hash(token)
    row = tx.row(_FIND, token_hash=hashed, now=tx.now, idle_since=tx.now - IDLE)
    if row is None:
        return None
    if is_busy and tx.now - row.last_seen_at >= SEEN_AGAIN:
        tx.write(Write(_SEEN, {"token_hash": hashed, "now": tx.now}))
    return Session(row.user_id, row.is_complete, _who(row))


def alive(tx: Transaction, tokens: Collection[str]) -> dict[str, Who]:
    """Whose sessions these are, of those that have not ended; to look on is no use of a session."""
    by_hash = {token_hash(token): token for token in tokens}
    # As text, because the driver has no arrays of bytes.
    hashes = [f"\\x{hashed.hex()}" for hashed in by_hash]
    rows = tx.rows(_ALIVE, token_hashes=hashes, now=tx.now, idle_since=tx.now - IDLE)
    return {by_hash[bytes(row.token_hash)]: _who(row) for row in rows}


def _who(row: Any) -> Who:
    role = Role(row.role)
    return Who(
        ActorKind.USER,
        row.email,
        row.name,
        # Whoever was let in by a password that somebody else knows does nothing else before.
        frozenset({Action.KEEP_PROFILE}) if row.password_is_temporary else actions_of(role),
        None if row.warehouses is None else frozenset(row.warehouses),
        role,
        session=bytes(row.token_hash),
    )


def end(token: str) -> Write:
    """One session ends."""
    return Write(_END, {"token_hash": token_hash(token)})


def end_all(user_id: str) -> Write:
    """Every session of a user ends, wherever it was begun."""
    return Write(_END_ALL, {"user_id": user_id})


def end_others(user_id: str, kept: bytes) -> Write:
    """Every session of a user but this one ends; it is named as in `Who.session`."""
    return Write(_END_OTHERS, {"user_id": user_id, "kept": kept})


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` sessions that have ended. Returns how many."""
    return len(tx.rows(_FORGET, now=tx.now, limit=limit))
