"""The inbox: every message is applied once.

The key is our own event id, because Pub/Sub's message id changes when an outbox publishes again.
"""

from datetime import timedelta

from shared.kit.errors import DoneBefore
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

KEPT = timedelta(days=35)  # longer than the 31 days for which a topic may keep its messages

_TAKE = """
    INSERT INTO inbox (consumer, event_id, received_at) VALUES (:consumer, :event_id, :now)
        ON CONFLICT DO NOTHING
 RETURNING 1
"""
_FORGET = text("""
    DELETE FROM inbox
     WHERE (consumer, event_id) IN (SELECT consumer, event_id
                                      FROM inbox
                                     WHERE received_at < :before
                                     ORDER BY received_at
                                     LIMIT :limit)
 RETURNING 1
""")


def take(tx: Transaction, consumer: str) -> None:
    """Note that `consumer` applies the transaction's cause.

    The note commits with the effect. Of two deliveries at once the second waits for the first.

    Raises:
        DoneBefore: it did so before. The note travels with what the flow asks first, which raises
            this; at the latest the commit does.
    """
    note = {"consumer": consumer, "event_id": tx.cause.event_id, "now": tx.now}
    tx.write(Write(_TAKE, note, rows=1), otherwise=DoneBefore)


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` notes of messages that cannot come again. Returns how many."""
    return len(tx.rows(_FORGET, before=tx.now - KEPT, limit=limit))
