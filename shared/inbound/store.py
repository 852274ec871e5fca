"""The tables inbounds and inbound_items. Nothing else writes to them."""

from collections.abc import Sequence

from shared.inbound.lifecycle import FINAL
from shared.inbound.types import Inbound, InboundState, Item, Lot
from shared.platform.db import Transaction, Write
from shared.platform.driver import Row
from shared.platform.sql import text

_FIND = text("""
    SELECT inbound_id, origin, warehouse, state, state_reason, hold_id, expected_at, announced_at,
           shipped_at, received_at
      FROM inbounds WHERE inbound_id = :inbound_id
""")
_LOCK = text("""
    SELECT inbound_id, origin, warehouse, state, state_reason, hold_id, expected_at, announced_at,
           shipped_at, received_at
      FROM inbounds WHERE inbound_id = :inbound_id
       FOR UPDATE
""")
# The items change under the lock on their inbound only.
_ITEMS = text("""
    SELECT sku, quantity, shipped, received FROM inbound_items
     WHERE inbound_id = :inbound_id ORDER BY sku
""")
_INSERT = """
    INSERT INTO inbounds (inbound_id, origin, warehouse, state, state_reason, hold_id, expected_at,
                          announced_at, shipped_at, received_at, created_at, closed_at)
    VALUES (:inbound_id, :origin, :warehouse, :state, :reason, :hold_id, :expected_at,
            :announced_at, :shipped_at, :received_at, :now,
            CASE WHEN CAST(:final AS boolean) THEN CAST(:now AS timestamptz) END)
 RETURNING 1
"""
_UPDATE = """
    UPDATE inbounds
       SET state = :state, state_reason = :reason, expected_at = :expected_at,
           announced_at = :announced_at, shipped_at = :shipped_at, received_at = :received_at,
           closed_at = CASE WHEN CAST(:final AS boolean)
                            THEN coalesce(closed_at, CAST(:now AS timestamptz)) END
     WHERE inbound_id = :inbound_id AND state = :old_state
 RETURNING 1
"""
_PUT_ITEMS = """
    INSERT INTO inbound_items (inbound_id, sku, quantity, shipped, received)
    SELECT :inbound_id, sku, quantity, shipped, received
      FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS integer[]),
                  CAST(:shipped AS integer[]), CAST(:received AS integer[]))
        AS item (sku, quantity, shipped, received)
        ON CONFLICT (inbound_id, sku) DO UPDATE
       SET quantity = excluded.quantity, shipped = excluded.shipped, received = excluded.received
 RETURNING 1
"""
# What is overdue covers nothing: nobody knows when it comes, and a date that has passed is no
# answer to a customer.
_COMING = text("""
    SELECT sku, warehouse, expected_at,
           CASE state WHEN 'shipped' THEN shipped ELSE quantity END - received AS units
      FROM inbounds JOIN inbound_items USING (inbound_id)
     WHERE state IN ('requested', 'shipped') AND expected_at > :now
       AND CASE state WHEN 'shipped' THEN shipped ELSE quantity END > received
""")


def find(tx: Transaction, inbound_id: str) -> Inbound | None:
    """The inbound as it is now, without a lock: to look, not to decide."""
    return _with_items(tx, tx.row(_FIND, inbound_id=inbound_id))


def lock(tx: Transaction, inbound_id: str) -> Inbound | None:
    """The inbound, which stays as it is until the transaction ends."""
    return _with_items(tx, tx.row(_LOCK, inbound_id=inbound_id))


def save(tx: Transaction, before: Inbound | None, after: Inbound) -> tuple[Write, Write]:
    """A new inbound, or a locked one as it is from now on, with its items."""
    items = after.items.values()
    facts = {
        "inbound_id": after.inbound_id,
        "state": after.state,
        "reason": after.reason,
        "expected_at": after.expected_at,
        "announced_at": after.announced_at,
        "shipped_at": after.shipped_at,
        "received_at": after.received_at,
        "final": after.state in FINAL,
        "now": tx.now,
    }
    if before is None:
        places = {"origin": after.origin, "warehouse": after.warehouse, "hold_id": after.hold_id}
        row = Write(_INSERT, {**facts, **places}, rows=1)
    else:
        row = Write(_UPDATE, {**facts, "old_state": before.state}, rows=1)
    return row, Write(
        _PUT_ITEMS,
        {
            "inbound_id": after.inbound_id,
            "skus": [item.sku for item in items],
            "quantities": [item.quantity for item in items],
            "shipped": [item.shipped for item in items],
            "received": [item.received for item in items],
        },
        rows=len(items),
    )


def coming(tx: Transaction) -> Sequence[Lot]:
    """All that is on its way and not overdue, without a lock: to tell, not to promise."""
    rows = tx.rows(_COMING, now=tx.now)
    return [Lot(row.sku, row.warehouse, row.units, row.expected_at) for row in rows]


def _with_items(tx: Transaction, row: Row | None) -> Inbound | None:
    if row is None:
        return None
    items = tx.rows(_ITEMS, inbound_id=row.inbound_id)
    return Inbound(
        inbound_id=row.inbound_id,
        origin=row.origin,
        warehouse=row.warehouse,
        state=InboundState(row.state),
        items={i.sku: Item(i.sku, i.quantity, i.shipped, i.received) for i in items},
        expected_at=row.expected_at,
        hold_id=row.hold_id,
        announced_at=row.announced_at,
        shipped_at=row.shipped_at,
        received_at=row.received_at,
        reason=row.state_reason,
    )
