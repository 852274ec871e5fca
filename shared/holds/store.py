"""The tables stock_holds and stock_hold_items. Nothing else writes to them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.holds.types import HeldUnits, Hold, HoldState, Purpose, release_of
from shared.platform.db import Transaction, Write
from shared.platform.driver import Row
from shared.platform.sql import text

_INSERT = """
    INSERT INTO stock_holds (hold_id, purpose, reference, channel, sale, state, created_at,
                             expires_at, release_at, fingerprint, for_order)
    SELECT hold_id, purpose, reference, channel, sale, 'open', created_at, expires_at, release_at,
           fingerprint, for_order
      FROM unnest(CAST(:hold_ids AS text[]), CAST(:purposes AS text[]),
                  CAST(:references AS text[]), CAST(:channels AS text[]), CAST(:sales AS text[]),
                  CAST(:created AS timestamptz[]), CAST(:ends AS timestamptz[]),
                  CAST(:releases AS timestamptz[]), CAST(:fingerprints AS text[]),
                  CAST(:orders AS text[]))
        AS hold (hold_id, purpose, reference, channel, sale, created_at, expires_at, release_at,
                 fingerprint, for_order)
 RETURNING 1
"""
_INSERT_ITEMS = """
    INSERT INTO stock_hold_items (hold_id, sku, warehouse, partition, quantity)
    SELECT hold_id, sku, warehouse, partition, quantity
      FROM unnest(CAST(:hold_ids AS text[]), CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:quantities AS integer[]))
        AS item (hold_id, sku, warehouse, partition, quantity)
 RETURNING 1
"""
_COLUMNS = """
    hold_id, purpose, reference, channel, sale, state, created_at, expires_at, release_at,
    fingerprint, for_order
"""
_FIND = text(f"SELECT {_COLUMNS} FROM stock_holds WHERE hold_id = :hold_id")  # noqa: S608
_LOCK = text(f"SELECT {_COLUMNS} FROM stock_holds WHERE hold_id = :hold_id FOR UPDATE")  # noqa: S608
_LOCK_OF_ORDERS = text(f"""
    SELECT {_COLUMNS} FROM stock_holds
     WHERE state = 'open' AND for_order = ANY(CAST(:order_ids AS text[]))
     ORDER BY hold_id
       FOR UPDATE
""")  # noqa: S608
_LOCK_ALL = text(f"""
    SELECT {_COLUMNS} FROM stock_holds
     WHERE state = 'open' AND hold_id = ANY(CAST(:hold_ids AS text[]))
     ORDER BY hold_id
       FOR UPDATE
""")  # noqa: S608
_LOCK_OPEN = text(f"""
    SELECT {_COLUMNS} FROM stock_holds
     WHERE reference = :reference AND purpose = :purpose AND state = 'open'
     ORDER BY hold_id
       FOR UPDATE
""")  # noqa: S608
# Whoever closes one of them at this moment is not waited for: what is left comes with the next.
_LOCK_ENDED = text(f"""
    SELECT {_COLUMNS} FROM stock_holds
     WHERE state = 'open' AND release_at <= :now
     ORDER BY release_at, hold_id
     LIMIT :limit
       FOR UPDATE SKIP LOCKED
""")  # noqa: S608
# The items of an open hold never change, so the lock on the hold is theirs as well.
_ITEMS = text("""
    SELECT hold_id, sku, warehouse, partition, quantity
      FROM stock_hold_items
     WHERE hold_id = ANY(CAST(:hold_ids AS text[]))
     ORDER BY hold_id, sku, warehouse, partition
""")
_KEPT_UNITS = text("""
    SELECT for_order, sku, sum(quantity) AS units
      FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE state = 'open' AND for_order = ANY(CAST(:order_ids AS text[]))
     GROUP BY for_order, sku
""")
# What another channel's cart holds is not the order's, whatever it names.
_CLAIM = text("""
    UPDATE stock_holds
       SET for_order = :order_id, expires_at = greatest(expires_at, CAST(:until AS timestamptz)),
           release_at = greatest(release_at, CAST(:release_at AS timestamptz))
     WHERE hold_id = :hold_id AND state = 'open' AND purpose IN ('cart', 'payment')
       AND for_order IS NULL AND (channel IS NULL OR channel = CAST(:channel AS text))
 RETURNING 1
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


def insert(*holds: Hold) -> tuple[Write, Write]:
    """New holds and their units; the balances are the caller's to change."""
    items = [(hold.hold_id, item) for hold in holds for item in hold.items]
    return (
        Write(
            _INSERT,
            {
                "hold_ids": [hold.hold_id for hold in holds],
                "purposes": [hold.purpose for hold in holds],
                "references": [hold.reference for hold in holds],
                "channels": [hold.channel for hold in holds],
                "sales": [hold.sale for hold in holds],
                "created": [hold.created_at for hold in holds],
                "ends": [hold.expires_at for hold in holds],
                "releases": [hold.release_at for hold in holds],
                "fingerprints": [hold.fingerprint for hold in holds],
                "orders": [hold.for_order for hold in holds],
            },
            rows=len(holds),
        ),
        Write(
            _INSERT_ITEMS,
            {
                "hold_ids": [hold_id for hold_id, _ in items],
                "skus": [item.sku for _, item in items],
                "warehouses": [item.warehouse for _, item in items],
                "partitions": [item.partition for _, item in items],
                "quantities": [item.quantity for _, item in items],
            },
            rows=len(items),
        ),
    )


def find(tx: Transaction, hold_id: str) -> Hold | None:
    """The hold as it is now, without a lock: to look, not to decide."""
    return _one(tx, tx.row(_FIND, hold_id=hold_id))


def lock(tx: Transaction, hold_id: str) -> Hold | None:
    """The hold, which stays as it is until the transaction ends."""
    return _one(tx, tx.row(_LOCK, hold_id=hold_id))


def claim(tx: Transaction, hold_id: str, order_id: str, *, channel: str, until: datetime) -> bool:
    """The order of this channel owns the hold from here on, which lasts until then at least.

    Returns:
        Whether it does: not one that has ended, is the house's, another channel's or order's.
    """
    said = {"hold_id": hold_id, "order_id": order_id, "channel": channel, "until": until}
    return bool(tx.rows(_CLAIM, release_at=release_of(hold_id, until), **said))


def lock_of_orders(tx: Transaction, order_ids: Collection[str]) -> tuple[Hold, ...]:
    """The open holds that are for some orders: their carts', and what is kept for them; locked."""
    return _with_items(tx, tx.rows(_LOCK_OF_ORDERS, order_ids=sorted(order_ids)))


def lock_all(tx: Transaction, hold_ids: Collection[str]) -> tuple[Hold, ...]:
    """Those of the holds that are open, locked."""
    return _with_items(tx, tx.rows(_LOCK_ALL, hold_ids=sorted(hold_ids)))


def lock_open(tx: Transaction, purpose: Purpose, reference: str) -> tuple[Hold, ...]:
    """The open holds for one thing, locked."""
    return _with_items(tx, tx.rows(_LOCK_OPEN, purpose=purpose, reference=reference))


def lock_ended(tx: Transaction, limit: int) -> tuple[Hold, ...]:
    """Open holds whose units are to be given back now, the oldest first, locked."""
    return _with_items(tx, tx.rows(_LOCK_ENDED, now=tx.now, limit=limit))


def kept_units(tx: Transaction, order_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """(Order, SKU) -> units that open holds keep for it, without a lock: a hint."""
    rows = tx.rows(_KEPT_UNITS, order_ids=sorted(order_ids)) if order_ids else ()
    return {(row.for_order, row.sku): int(row.units) for row in rows}


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


def _one(tx: Transaction, row: Row | None) -> Hold | None:
    return None if row is None else _with_items(tx, [row])[0]


def _with_items(tx: Transaction, rows: Sequence[Row]) -> tuple[Hold, ...]:
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
            fingerprint=row.fingerprint,
            for_order=row.for_order,
        )
        for row in rows
    )
