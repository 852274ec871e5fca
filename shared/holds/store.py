"""The tables stock_holds and stock_hold_items. Nothing else writes to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.platform.db import Transaction, Write

_INSERT = """
    INSERT INTO stock_holds (hold_id, purpose, reference, channel, sale, state, created_at,
                             expires_at, release_at)
    VALUES (:hold_id, :purpose, :reference, :channel, :sale, 'open', :created_at, :expires_at,
            :release_at)
 RETURNING 1
"""
_INSERT_ITEMS = """
    INSERT INTO stock_hold_items (hold_id, sku, warehouse, partition, quantity)
    SELECT :hold_id, sku, warehouse, partition, quantity
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:quantities AS integer[]))
        AS item (sku, warehouse, partition, quantity)
 RETURNING 1
"""
_FIND = text("""
    SELECT hold_id, purpose, reference, channel, sale, state, created_at, expires_at, release_at
      FROM stock_holds WHERE hold_id = :hold_id
""")
_LOCK = text("""
    SELECT hold_id, purpose, reference, channel, sale, state, created_at, expires_at, release_at
      FROM stock_holds WHERE hold_id = :hold_id
       FOR UPDATE
""")
_LOCK_OPEN = text("""
    SELECT hold_id, purpose, reference, channel, sale, state, created_at, expires_at, release_at
      FROM stock_holds
     WHERE reference = :reference AND purpose = :purpose AND state = 'open'
     ORDER BY hold_id
       FOR UPDATE
""")
# Whoever closes one of them at this moment is not waited for: what is left comes with the next.
_LOCK_ENDED = text("""
    SELECT hold_id, purpose, reference, channel, sale, state, created_at, expires_at, release_at
      FROM stock_holds
     WHERE state = 'open' AND release_at <= :now
     ORDER BY release_at, hold_id
     LIMIT :limit
       FOR UPDATE SKIP LOCKED
""")
# The items of an open hold never change, so the lock on the hold is theirs as well.
_ITEMS = text("""
    SELECT hold_id, sku, warehouse, partition, quantity
      FROM stock_hold_items
     WHERE hold_id = ANY(CAST(:hold_ids AS text[]))
     ORDER BY hold_id, sku, warehouse, partition
""")
_RENEW = """
    UPDATE stock_holds SET expires_at = :expires_at, release_at = :release_at
     WHERE hold_id = :hold_id AND state = 'open'
 RETURNING 1
"""
_CLOSE = """
    UPDATE stock_holds SET state = :state, closed_at = :now
     WHERE hold_id = ANY(CAST(:hold_ids AS text[])) AND state = 'open'
 RETURNING 1
"""


def insert(hold: Hold) -> tuple[Write, Write]:
    """A new hold and its units; the balances are the caller's to change."""
    return (
        Write(
            _INSERT,
            {
                "hold_id": hold.hold_id,
                "purpose": hold.purpose,
                "reference": hold.reference,
                "channel": hold.channel,
                "sale": hold.sale,
                "created_at": hold.created_at,
                "expires_at": hold.expires_at,
                "release_at": hold.release_at,
            },
            rows=1,
        ),
        Write(
            _INSERT_ITEMS,
            {
                "hold_id": hold.hold_id,
                "skus": [item.sku for item in hold.items],
                "warehouses": [item.warehouse for item in hold.items],
                "partitions": [item.partition for item in hold.items],
                "quantities": [item.quantity for item in hold.items],
            },
            rows=len(hold.items),
        ),
    )


def find(tx: Transaction, hold_id: str) -> Hold | None:
    """The hold as it is now, without a lock: to look, not to decide."""
    return _one(tx, tx.row(_FIND, hold_id=hold_id))


def lock(tx: Transaction, hold_id: str) -> Hold | None:
    """The hold, which stays as it is until the transaction ends."""
    return _one(tx, tx.row(_LOCK, hold_id=hold_id))


def lock_open(tx: Transaction, purpose: Purpose, reference: str) -> tuple[Hold, ...]:
    """The open holds for one thing, locked."""
    return _with_items(tx, tx.rows(_LOCK_OPEN, purpose=purpose, reference=reference))


def lock_ended(tx: Transaction, limit: int) -> tuple[Hold, ...]:
    """Open holds whose units are to be given back now, the oldest first, locked."""
    return _with_items(tx, tx.rows(_LOCK_ENDED, now=tx.now, limit=limit))


def renew(hold_id: str, expires_at: datetime, release_at: datetime) -> Write:
    """An open hold lasts until another moment."""
    return Write(
        _RENEW,
        {"hold_id": hold_id, "expires_at": expires_at, "release_at": release_at},
        rows=1,
    )


def close(tx: Transaction, hold_ids: Sequence[str], state: HoldState) -> Write:
    """Open holds end; the balances are the caller's to change."""
    parameters = {"hold_ids": sorted(hold_ids), "state": state, "now": tx.now}
    return Write(_CLOSE, parameters, rows=len(hold_ids))


def _one(tx: Transaction, row: Row[Any] | None) -> Hold | None:
    return None if row is None else _with_items(tx, [row])[0]


def _with_items(tx: Transaction, rows: Sequence[Row[Any]]) -> tuple[Hold, ...]:
    items: dict[str, list[HeldUnits]] = {row.hold_id: [] for row in rows}
    if items:
        for row in tx.rows(_ITEMS, hold_ids=sorted(items)):
            units = HeldUnits(row.sku, row.warehouse, row.partition, row.quantity)
            items[row.hold_id].append(units)
    return tuple(
        Hold(
            hold_id=row.hold_id,
            purpose=Purpose(row.purpose),
            reference=row.reference,
            channel=row.channel,
            sale=row.sale,
            state=HoldState(row.state),
            created_at=row.created_at,
            expires_at=row.expires_at,
            release_at=row.release_at,
            items=tuple(items[row.hold_id]),
        )
        for row in rows
    )
