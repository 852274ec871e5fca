"""Attempts that failed and will be repeated: why, so that whoever gives up can tell the story.

Pub/Sub says only how often it delivered what it gives up on. So a function notes why it answered
"not yet" or failed, and forgets it when a later attempt succeeds. A message that is handled by its
first attempt costs nothing. What stands here is failing at this moment.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import DispatchError, Fact, Fault, NotYet, Rejected
from shared.platform.db import Database, Transaction
from shared.platform.sql import text

_NOTE = text("""
    INSERT INTO failed_attempts (source, message_id, failure, code, reason, facts, attempts,
                                 first_failed_at, last_failed_at)
    VALUES (:source, :message_id, :failure, :code, :reason, CAST(:facts AS jsonb), 1, :now, :now)
        ON CONFLICT (source, message_id) DO UPDATE
       SET failure = excluded.failure, code = excluded.code, reason = excluded.reason,
           facts = excluded.facts, attempts = failed_attempts.attempts + 1,
           last_failed_at = excluded.last_failed_at
 RETURNING attempts
""")
_FORGET = text("""
    DELETE FROM failed_attempts WHERE source = :source AND message_id = :message_id
""")
_TAKE = text("""
    DELETE FROM failed_attempts WHERE source = :source AND message_id = :message_id
 RETURNING failure, code, reason, facts, first_failed_at, last_failed_at
""")


class Failure(StrEnum):
    """What a failed attempt means for the next one, as in kit/errors.py."""

    REJECTED = "rejected"
    NOT_YET = "not_yet"
    FAULT = "fault"


class Failed(NamedTuple):
    """Why an attempt failed. `code` is stable; `facts` are safe to log."""

    failure: Failure
    code: str
    reason: str
    facts: Mapping[str, Fact]


class Noted(NamedTuple):
    """Why the latest attempt failed, and since when they do."""

    why: Failed
    first_failed_at: datetime
    last_failed_at: datetime


def failed(error: Exception) -> Failed:
    """What is kept of an error. The text of one that is not ours may hold anything, so its type."""
    if not isinstance(error, DispatchError):
        return Failed(Failure.FAULT, Fault.code, type(error).__name__, {})
    failure = Failure.FAULT
    if isinstance(error, Rejected):
        failure = Failure.REJECTED
    elif isinstance(error, NotYet):
        failure = Failure.NOT_YET
    return Failed(failure, error.code, str(error), error.facts)


def note(database: Database, source: str, message_id: str, why: Failed) -> int:
    """Keep why this attempt failed, in place of the one before it. Returns how many have by now."""
    (noted,) = database.statement(
        _NOTE,
        source=source,
        message_id=message_id,
        failure=why.failure,
        code=why.code,
        reason=why.reason,
        facts=json.dumps(why.facts),
        now=database.now(),
    )
    return int(noted.attempts)


def forget(database: Database, source: str, message_id: str) -> None:
    """The message was handled after all."""
    database.statement(_FORGET, source=source, message_id=message_id)


def take(tx: Transaction, source: str, message_id: str) -> Noted | None:
    """What was noted of the message, which is given up now; None where no attempt could say it."""
    row = tx.row(_TAKE, source=source, message_id=message_id)
    if row is None:
        return None
    why = Failed(Failure(row.failure), row.code, row.reason, row.facts)
    return Noted(why, row.first_failed_at, row.last_failed_at)
