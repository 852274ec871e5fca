"""The table order_notes: what people want those to know who look at the order after them.

Nothing else writes to it. A note is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_ADD = """
    INSERT INTO order_notes (note_id, order_id, at, author, body)
    VALUES (:note_id, :order_id, :now, :author, :body)
 RETURNING 1
"""
_OF_ORDER = text("""
    SELECT at, author, body FROM order_notes
     WHERE order_id = :order_id
     ORDER BY at DESC, note_id DESC
     LIMIT :limit
""")
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody noted, and when."""

    at: datetime
    author: str
    body: str


def add(tx: Transaction, note_id: str, order_id: str, note: Note) -> Write:
    """A new note; the order is there."""
    return Write(
        _ADD,
        {
            "note_id": note_id,
            "order_id": order_id,
            "now": tx.now,
            "author": note.author,
            "body": note.body,
        },
        rows=1,
    )


def of_order(tx: Transaction, order_id: str) -> Sequence[Note]:
    """The notes on an order, the newest first."""
    rows = tx.rows(_OF_ORDER, order_id=order_id, limit=MOST_SHOWN)
    return [Note(row.at, row.author, row.body) for row in rows]
