"""The table early_changes: what overtook its order. Nothing else writes to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.orders.types import EarlyChange
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_REMEMBER = """
    INSERT INTO early_changes (order_id, type, revision, body, event_id, received_at)
    VALUES (:order_id, :type, :revision, :body, :event_id, :now)
        ON CONFLICT (order_id) DO UPDATE
       SET type = excluded.type, revision = excluded.revision, body = excluded.body,
           event_id = excluded.event_id
     WHERE excluded.revision > early_changes.revision
 RETURNING 1
"""
_TAKE_EARLY = text("""
    DELETE FROM early_changes WHERE order_id = :order_id
 RETURNING order_id, type, body, event_id
""")
_TAKE_OVERDUE = text("""
    DELETE FROM early_changes
     WHERE order_id IN (SELECT order_id FROM early_changes WHERE received_at <= :before
                         ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED)
 RETURNING order_id, type, body, event_id
""")


def remember(tx: Transaction, change: EarlyChange, revision: int) -> Write:
    """Keep a change until its order comes; of several the highest revision stays."""
    return Write(
        _REMEMBER,
        {
            "order_id": change.order_id,
            "type": change.type,
            "revision": revision,
            "body": change.body.decode(),
            "event_id": change.event_id,
            "now": tx.now,
        },
    )


def take(tx: Transaction, order_id: str) -> EarlyChange | None:
    """The change that waits for this order; it waits no longer."""
    row = tx.row(_TAKE_EARLY, order_id=order_id)
    return None if row is None else _early(row)


def take_overdue(tx: Transaction, before: datetime, limit: int) -> Sequence[EarlyChange]:
    """Changes that have waited since before a moment; they wait no longer."""
    return [_early(row) for row in tx.rows(_TAKE_OVERDUE, before=before, limit=limit)]


def _early(row: Any) -> EarlyChange:
    return EarlyChange(row.order_id, row.type, row.body.encode(), row.event_id)
