"""What the tables say about one order and some SKUs, to see what a step changes.

Addresses stay out: what is shown here is read on screens.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from shared.platform.db import Transaction
from shared.platform.sql import text

_ROWS = text("""
    SELECT 'orders' AS name, order_id AS subject,
           jsonb_build_object('state', state, 'state_reason', state_reason, 'revision', revision,
                              'priority', priority, 'placed_at', placed_at,
                              'closed_at', closed_at) AS content
      FROM orders WHERE order_id = :order_id
     UNION ALL
    SELECT 'order_lines', concat_ws(' line ', order_id, line_no),
           jsonb_build_object('sku', sku, 'quantity', quantity, 'allocated', allocated,
                              'backordered', backordered, 'cancelled', cancelled)
      FROM order_lines WHERE order_id = :order_id
     UNION ALL
    SELECT 'parcels', parcel_id,
           jsonb_build_object('state', parcels.state, 'warehouse', warehouse, 'carrier', carrier,
                              'service', service, 'quoted_cents', quoted_cents,
                              'currency', currency,
                              'tracking_status', tracking_status)
      FROM parcels JOIN orders USING (order_id) WHERE order_id = :order_id
     UNION ALL
    SELECT 'charges', concat_ws(' ', parcel_id, kind, entry),
           jsonb_build_object('amount_cents', amount_cents, 'currency', currency)
      FROM charges WHERE order_id = :order_id
     UNION ALL
    SELECT 'order_charges', order_id,
           jsonb_build_object('amount_cents', amount_cents, 'currency', currency)
      FROM order_charges WHERE order_id = :order_id
     UNION ALL
    SELECT 'stock_levels', concat_ws(' in ', sku, warehouse, nullif(partition, 0)),
           jsonb_build_object('on_hand', on_hand, 'reserved', reserved, 'held', held,
                              'safety', safety, 'counted_at', counted_at)
      FROM stock_levels WHERE sku = ANY(CAST(:skus AS text[]))
""")
_SKUS = text("SELECT DISTINCT sku FROM order_lines WHERE order_id = :order_id")
_NEWEST = text("""
    SELECT coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence('outbox', 'outbox_id')
                                                AS regclass)), 0) AS outbox_id
""")
_ANNOUNCED = text("""
    SELECT attributes->>'ce-type' AS kind
      FROM outbox
     WHERE outbox_id > :after AND lane = ANY(CAST(:lanes AS text[]))
     ORDER BY outbox_id
""")

Row = Mapping[str, Any]
Key = tuple[str, str]  # table, and what names the row for people


class Snapshot(NamedTuple):
    """The rows, and the newest id that a message of the outbox was given."""

    rows: Mapping[Key, Row]
    outbox_id: int


class Change(NamedTuple):
    """One row that is different: only the columns that are. None: there is no such row."""

    table: str
    subject: str
    before: Row | None
    after: Row | None


def take(tx: Transaction, order_id: str | None, skus: Collection[str]) -> Snapshot:
    """The order with its lines, parcels and charges, and the stock of the SKUs."""
    rows = tx.rows(_ROWS, order_id=order_id, skus=sorted(skus))
    newest = tx.row(_NEWEST)
    assert newest is not None, "an aggregate has one row"
    return Snapshot(
        {(row.name, row.subject): row.content for row in rows}, outbox_id=newest.outbox_id
    )


def ordered_skus(tx: Transaction, order_id: str | None) -> frozenset[str]:
    """The SKUs of an order's lines; none for an order that does not exist."""
    return frozenset(row.sku for row in tx.rows(_SKUS, order_id=order_id))


def announced_since(tx: Transaction, before: Snapshot) -> tuple[str, ...]:
    """The types of what this transaction has announced, in its order."""
    rows = tx.rows(_ANNOUNCED, after=before.outbox_id, lanes=sorted(tx.announced))
    return tuple(row.kind for row in rows)


def changes(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Every row that is new, gone or different, by table and name."""
    found = []
    for table, subject in sorted(before.rows.keys() | after.rows.keys()):
        old, new = before.rows.get((table, subject)), after.rows.get((table, subject))
        if old is not None and new is not None:
            different = [name for name in new if new[name] != old[name]]
            if not different:
                continue
            old = {name: old[name] for name in different}
            new = {name: new[name] for name in different}
        found.append(Change(table, subject, old, new))
    return tuple(found)


def charged_cents(snapshot: Snapshot) -> Counter[str]:
    """What the order is charged, by currency."""
    return _sums(snapshot, "charges", "amount_cents")


def quoted_cents(snapshot: Snapshot) -> Counter[str]:
    """What the order's parcels are expected to cost, by currency."""
    return _sums(snapshot, "parcels", "quoted_cents")


def _sums(snapshot: Snapshot, table: str, column: str) -> Counter[str]:
    cents = Counter[str]()
    for (name, _), row in snapshot.rows.items():
        if name == table and row.get("state") != "cancelled":
            cents[row["currency"]] += row[column]
    return cents
