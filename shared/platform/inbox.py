"""The inbox: every message is applied once.

The key is our own event id, because Pub/Sub's message id changes when an outbox publishes again.
"""

from datetime import timedelta

from sqlalchemy import text

from shared.platform.db import Transaction

KEPT = timedelta(days=35)  # longer than the 31 days for which a topic may keep its messages

_TAKE = text("""
    INSERT INTO inbox (consumer, event_id, received_at) VALUES (:consumer, :event_id, :now)
        ON CONFLICT DO NOTHING
 RETURNING 1
""")
_FORGET = text("""
    DELETE FROM inbox
     WHERE (consumer, event_id) IN (SELECT consumer, event_id
                                      FROM inbox
                                     WHERE received_at < :before
                                     ORDER BY received_at
                                     LIMIT :limit)
 RETURNING 1
""")


def first_time(tx: Transaction, consumer: str) -> bool:
    """Whether `consumer` sees the transaction's cause for the first time, and notes that it did.

    The note commits with the effect. Of two deliveries at once the second waits for the first.
    """
    return bool(tx.rows(_TAKE, consumer=consumer, event_id=tx.cause.event_id, now=tx.now))


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` notes of messages that cannot come again. Returns how many."""
    return len(tx.rows(_FORGET, before=tx.now - KEPT, limit=limit))
