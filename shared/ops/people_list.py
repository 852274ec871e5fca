"""Who may sign in, and who is signed in. Writes nothing."""

from collections.abc import Sequence
from datetime import timedelta

from shared.contracts.http_ops_people import UserRow
from shared.platform.db import Transaction
from shared.platform.sql import text

_PEOPLE = text("""
    SELECT user_id, email, name, role, warehouses, totp_secret IS NOT NULL AS has_second_factor,
           password_is_temporary AS is_new, disabled_at, created_at,
           (SELECT count(*) FROM sessions
             WHERE sessions.user_id = users.user_id AND is_complete
               AND expires_at > :now AND last_seen_at > CAST(:idle_since AS timestamptz))
               AS sessions,
           (SELECT max(last_seen_at) FROM sessions
             WHERE sessions.user_id = users.user_id AND is_complete) AS last_seen_at
      FROM users
     WHERE CAST(:user_id AS text) IS NULL OR user_id = :user_id
     ORDER BY disabled_at IS NOT NULL, email
""")


def everybody(tx: Transaction, idle: timedelta) -> Sequence[UserRow]:
    """By e-mail, those who may sign in no more last; a session ends after `idle` without a use."""
    return _read(tx, None, idle)


def somebody(tx: Transaction, user_id: str, idle: timedelta) -> UserRow | None:
    """Whoever has this id."""
    return next(iter(_read(tx, user_id, idle)), None)


def _read(tx: Transaction, user_id: str | None, idle: timedelta) -> Sequence[UserRow]:
    rows = tx.rows(_PEOPLE, user_id=user_id, now=tx.now, idle_since=tx.now - idle)
    return [UserRow.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001
