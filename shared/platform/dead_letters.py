"""Dead letters: what was refused for good, with its reason and its original."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from shared.kit.errors import Fact
from shared.platform.db import Transaction

# The same message may be refused more than once; it is one letter.
_PARK = text("""
    INSERT INTO dead_letters (source, message_id, code, reason, facts, attributes, payload,
                              attempts, correlation_id, parked_at)
    VALUES (:source, :message_id, :code, :reason, CAST(:facts AS jsonb), CAST(:attributes AS jsonb),
            :payload, :attempts, :correlation_id, :now)
        ON CONFLICT (source, message_id) DO UPDATE SET attempts = excluded.attempts
""")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused message. `source` is the subscription, queue or hook it came through."""

    source: str
    message_id: str
    code: str
    reason: str
    facts: Mapping[str, Fact]
    attributes: Mapping[str, str]
    payload: bytes
    attempts: int


def park(tx: Transaction, letter: DeadLetter) -> None:
    """Keep `letter` for a person to read, repair and send again."""
    tx.connection.execute(
        _PARK,
        {
            "source": letter.source,
            "message_id": letter.message_id,
            "code": letter.code,
            "reason": letter.reason,
            "facts": json.dumps(letter.facts),
            # jsonb refuses NUL, and a letter must never be refused.
            "attributes": json.dumps(dict(letter.attributes)).replace("\\u0000", "\\u2400"),
            "payload": letter.payload,
            "attempts": letter.attempts,
            "correlation_id": tx.cause.correlation_id,
            "now": tx.now,
        },
    )
