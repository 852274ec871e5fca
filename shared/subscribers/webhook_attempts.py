"""The table webhook_attempts: each try to deliver a webhook. Nothing else writes to it.

A try is noted before it is made, so that one whose process died in its midst is there too.
"""

from shared.platform.db import Transaction, Write

_BEGIN = """
    INSERT INTO webhook_attempts (delivery_id, number, started_at)
    VALUES (:delivery_id, :number, :now)
 RETURNING 1
"""
_END = """
    UPDATE webhook_attempts
       SET duration_ms = :duration_ms, status = CAST(:status AS integer),
           error = CAST(:error AS text)
     WHERE delivery_id = :delivery_id AND number = :number
 RETURNING 1
"""


def begin(tx: Transaction, delivery_id: str, number: int) -> Write:
    """A try begins now."""
    return Write(_BEGIN, {"delivery_id": delivery_id, "number": number, "now": tx.now}, rows=1)


def end(
    delivery_id: str, number: int, *, duration_ms: int, status: int | None, error: str | None
) -> Write:
    """It brought an answer, or `error` says why not. By now its delivery may be forgotten."""
    return Write(
        _END,
        {
            "delivery_id": delivery_id,
            "number": number,
            "duration_ms": duration_ms,
            "status": status,
            "error": error,
        },
    )
