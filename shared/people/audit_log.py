"""The table audit_log, append-only: every manual act, in the transaction that did it.

Nothing else writes to it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.people.types import ActorKind, Person
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_RECORD = """
    INSERT INTO audit_log (at, actor_kind, actor, action, subject_kind, subject_id, reason, before,
                           after, correlation_id)
    VALUES (:now, :actor_kind, :actor, :action, :subject_kind, :subject_id, :reason,
            CAST(:before AS jsonb), CAST(:after AS jsonb), :correlation_id)
 RETURNING 1
"""
_OF_SUBJECT = text("""
    SELECT * FROM audit_log
     WHERE subject_kind = :kind AND subject_id = :subject_id
     ORDER BY audit_id
""")


class Subject(NamedTuple):
    """What an act was about: its kind in one word, and its id."""

    kind: str
    id: str


class Entry(NamedTuple):
    """An act as it is kept."""

    audit_id: int
    at: datetime
    actor_kind: ActorKind
    actor: str
    action: str
    subject: Subject
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    correlation_id: str


def record(
    tx: Transaction,
    person: Person,
    action: str,
    subject: Subject,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Write:
    """Keep who did what to what, why, and what it was before and after."""
    return Write(
        _RECORD,
        {
            "now": tx.now,
            "actor_kind": person.kind,
            "actor": person.by,
            "action": action,
            "subject_kind": subject.kind,
            "subject_id": subject.id,
            "reason": person.reason,
            "before": json.dumps(before, default=str),
            "after": json.dumps(after, default=str),
            "correlation_id": tx.cause.correlation_id,
        },
        rows=1,
    )


def of_subject(tx: Transaction, subject: Subject) -> Sequence[Entry]:
    """All that was done to it by hand, the oldest first."""
    return [_entry(row) for row in tx.rows(_OF_SUBJECT, kind=subject.kind, subject_id=subject.id)]


def _entry(row: Any) -> Entry:
    return Entry(
        audit_id=row.audit_id,
        at=row.at,
        actor_kind=ActorKind(row.actor_kind),
        actor=row.actor,
        action=row.action,
        subject=Subject(row.subject_kind, row.subject_id),
        reason=row.reason,
        before=row.before,
        after=row.after,
        correlation_id=row.correlation_id,
    )
