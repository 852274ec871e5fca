"""The table api_keys. Nothing else writes to it."""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.people.permissions import Action, Who
from shared.people.proofs import token_hash
from shared.people.types import ActorKind, ApiKey
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

USED_AGAIN = timedelta(minutes=1)  # a busy machine writes once in so long

_ALL = text("SELECT * FROM api_keys ORDER BY created_at, key_id")
_FIND = text("""
    SELECT * FROM api_keys
     WHERE key_id = :key_id AND revoked_at IS NULL AND expires_at > :now
""")
_USED = """
    UPDATE api_keys SET last_used_at = CAST(:now AS timestamptz)
     WHERE key_id IN (SELECT key_id FROM api_keys WHERE key_id = :key_id FOR UPDATE SKIP LOCKED)
 RETURNING 1
"""
_ADD = """
    INSERT INTO api_keys (key_id, name, secret_hash, actions, warehouses, created_by, created_at,
                          expires_at)
    VALUES (:key_id, :name, :secret_hash, CAST(:actions AS text[]), CAST(:warehouses AS text[]),
            :created_by, :now, CAST(:expires_at AS timestamptz))
 RETURNING 1
"""
_LIVE = text("""
    SELECT * FROM api_keys WHERE name = :name AND revoked_at IS NULL AND expires_at > :now
""")
_END = """
    UPDATE api_keys SET revoked_at = expires_at
     WHERE name = :name AND revoked_at IS NULL AND expires_at <= :now
 RETURNING 1
"""
_REVOKE = """
    UPDATE api_keys SET revoked_at = CAST(:now AS timestamptz)
     WHERE key_id = :key_id AND revoked_at IS NULL
 RETURNING 1
"""


def all_keys(tx: Transaction) -> Sequence[ApiKey]:
    """Every key, the oldest first."""
    return [_key(row) for row in tx.rows(_ALL)]


def who(tx: Transaction, key_id: str, secret: str) -> Who | None:
    """The machine that shows this key; None: there is no such key, or no longer."""
    row = tx.row(_FIND, key_id=key_id, now=tx.now)
    if row is None or not hmac.compare_digest(bytes(row.secret_hash), token_hash(secret)):
        return None
    if row.last_used_at is None or tx.now - row.last_used_at >= USED_AGAIN:
        tx.write(Write(_USED, {"key_id": key_id, "now": tx.now}))
    key = _key(row)
    known = frozenset(Action(name) for name in key.actions if name in set(Action))
    return Who(ActorKind.KEY, key.name, key.name, known, key.warehouses, key_id=key.key_id)


def live(tx: Transaction, name: str) -> ApiKey | None:
    """The key of this name that opens something now; None: the name is free."""
    row = tx.row(_LIVE, name=name, now=tx.now)
    return None if row is None else _key(row)


def end(tx: Transaction, name: str) -> Write:
    """A key of this name whose time is over gives its name up."""
    return Write(_END, {"name": name, "now": tx.now})


def add(tx: Transaction, key: ApiKey, secret: str) -> Write:
    """A new key; its secret is told once and only its hash is kept."""
    return Write(
        _ADD,
        {
            "key_id": key.key_id,
            "name": key.name,
            "secret_hash": token_hash(secret),
            "actions": sorted(key.actions),
            "warehouses": None if key.warehouses is None else sorted(key.warehouses),
            "created_by": key.created_by,
            "now": tx.now,
            "expires_at": key.expires_at,
        },
        rows=1,
    )


def revoke(tx: Transaction, key_id: str) -> Write:
    """The key opens nothing any more; LostRace where it does not already."""
    return Write(_REVOKE, {"key_id": key_id, "now": tx.now})


def _key(row: Any) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        actions=frozenset(row.actions),
        warehouses=None if row.warehouses is None else frozenset(row.warehouses),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
