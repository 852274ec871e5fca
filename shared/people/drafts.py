"""The table drafts: what somebody prepares before it is published. Nothing else writes to it.

It is theirs alone, and of each kind they have one at a time: a new one takes the place of the old.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

KEPT = timedelta(hours=24)  # long enough to ask somebody; what it was measured by is a day old then

_FIND = text("""
    SELECT draft_id, said, found, made_at, expires_at FROM drafts
     WHERE owner = :owner AND kind = :kind AND expires_at > :now
""")
_LOCK = text("""
    SELECT draft_id, said, found, made_at, expires_at FROM drafts
     WHERE owner = :owner AND kind = :kind AND expires_at > :now
       FOR UPDATE
""")
_KEEP = """
    INSERT INTO drafts (owner, kind, draft_id, said, found, made_at, expires_at)
    VALUES (:owner, :kind, :draft_id, CAST(:said AS jsonb), CAST(:found AS jsonb), :now, :until)
        ON CONFLICT (owner, kind) DO UPDATE
       SET draft_id = excluded.draft_id, said = excluded.said, found = excluded.found,
           made_at = excluded.made_at, expires_at = excluded.expires_at
 RETURNING 1
"""
_DROP = "DELETE FROM drafts WHERE owner = :owner AND kind = :kind RETURNING 1"
_FORGET = text("""
    DELETE FROM drafts
     WHERE (owner, kind) IN (SELECT owner, kind FROM drafts WHERE expires_at <= :now
                              ORDER BY expires_at LIMIT :limit)
 RETURNING 1
""")


class DraftKind(StrEnum):
    """What is prepared."""

    RATES = "rates"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose draft of what."""

    name: str
    kind: DraftKind


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody prepares; `said` is to be published, `found` came of the check."""

    draft_id: str
    said: Mapping[str, Any]
    found: Mapping[str, Any]
    made_at: datetime
    expires_at: datetime


class NoDraft(Rejected):
    """There is nothing that could be published: it is published already, dropped, or too old."""

    code = "no_draft"


def find(tx: Transaction, owner: Owner) -> Draft | None:
    """What they prepare, where it is not too old."""
    row = tx.row(_FIND, owner=owner.name, kind=owner.kind, now=tx.now)
    return None if row is None else Draft(**row._mapping)  # noqa: SLF001


def lock(tx: Transaction, owner: Owner) -> Draft:
    """What they prepare; nobody else changes or publishes it meanwhile.

    Raises:
        NoDraft: there is nothing.
    """
    row = tx.row(_LOCK, owner=owner.name, kind=owner.kind, now=tx.now)
    if row is None:
        raise NoDraft("there is no draft to publish: check one first; it is kept for a day")
    return Draft(**row._mapping)  # noqa: SLF001


def keep(
    tx: Transaction, owner: Owner, *, said: Mapping[str, Any], found: Mapping[str, Any]
) -> Write:
    """This is what they prepare now."""
    return Write(
        _KEEP,
        {
            "owner": owner.name,
            "kind": owner.kind,
            "draft_id": new_id("drf"),
            "said": json.dumps(said),
            "found": json.dumps(found),
            "now": tx.now,
            "until": tx.now + KEPT,
        },
        rows=1,
    )


def drop(owner: Owner) -> Write:
    """They prepare nothing any more."""
    return Write(_DROP, {"owner": owner.name, "kind": owner.kind})


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` that are too old. Returns how many."""
    return len(tx.rows(_FORGET, now=tx.now, limit=limit))
