"""What a person does is kept in the audit trail, in the transaction that does it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from shared.ops import snapshots
from shared.ops.stock_view import balance_rows
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction

ORDER = "order"
STOCK = "stock"  # of a SKU
TRANSFER = "transfer"
HOLD = "hold"
PARCEL = "parcel"
THRESHOLDS = "thresholds"  # of a carrier and service
LETTER = "dead_letter"
USER = "user"
KEY = "api_key"
RATE_CARD = "rate_card"
POLICY = "policy"
CARRIER = "carrier"
SUBSCRIBER = "subscriber"  # to webhooks
MANIFEST = "manifest"


@contextmanager
def audited_order(tx: Transaction, person: Person, action: str, order_id: str) -> Iterator[None]:
    """What this block changes of an order, its lines, parcels and charges is kept with who and why.

    The order is locked already. A block that changes nothing leaves no entry.
    """
    before = snapshots.take(tx, order_id, ())
    yield
    changes = snapshots.changes(before, snapshots.take(tx, order_id, ()))
    rows_before, rows_after = _rows(changes, "before"), _rows(changes, "after")
    subject = Subject(ORDER, order_id)
    keep_changes(tx, person, action, subject, before=rows_before, after=rows_after)


@contextmanager
def audited_stock(
    tx: Transaction, person: Person, action: str, sku: str, warehouse: str
) -> Iterator[None]:
    """What this block changes of a SKU's balance in a warehouse is kept with who and why.

    The balance is locked already. A block that changes nothing leaves no entry.
    """
    before = _balance(tx, sku, warehouse)
    yield
    after = _balance(tx, sku, warehouse)
    keep_changes(
        tx,
        person,
        action,
        Subject(STOCK, sku),
        before=_different(before, after),
        after=_different(after, before),
    )


def keep_changes(
    tx: Transaction,
    person: Person,
    action: str,
    subject: Subject,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """What is different before and after goes to the audit trail, if anything is."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if changed:
        tx.write(
            audit_log.record(
                tx,
                person,
                action,
                subject,
                before={name: before[name] for name in sorted(changed & before.keys())},
                after={name: after[name] for name in sorted(changed & after.keys())},
            )
        )


def _balance(tx: Transaction, sku: str, warehouse: str) -> dict[str, dict[str, Any]]:
    """The rows of a balance by what people call them."""
    found = {}
    for row in balance_rows(tx, sku, warehouse):
        facts = row._asdict() | {"counted_at": None if row.partition else _told(row.counted_at)}
        number = f" row {row.partition}" if row.partition else ""
        found[f"{sku} in {warehouse}{number}"] = {
            name: value
            for name, value in facts.items()
            if name not in {"warehouse", "partition", "available"}
        }
    return found


def _told(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _different(
    side: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Of each row the columns that changed; of one that is on this side alone, all."""
    return {
        name: {
            column: value
            for column, value in side[name].items()
            if name not in other or other[name][column] != value
        }
        for name in side
    }


def _rows(changes: tuple[snapshots.Change, ...], side: str) -> dict[str, Any]:
    """By table and row; a row that was not there is left out."""
    found: dict[str, Any] = {}
    for change in changes:
        row = getattr(change, side)
        if row is not None:
            found[f"{change.table} {change.subject}"] = dict(row)
    return found
