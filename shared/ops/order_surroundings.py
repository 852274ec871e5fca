"""What belongs to an order beside its lines and parcels. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.http_ops import LetterAbout, ReservedUnits
from shared.platform.db import Transaction
from shared.platform.sql import text

MOST_LETTERS = 20

_REPORTS = text("""
    SELECT parcel_id, status, reason, raw_status, message, location, occurred_at
      FROM parcels JOIN tracking_events USING (parcel_id)
     WHERE order_id = :order_id
     ORDER BY occurred_at, parcel_id, content_id
""")
_RESERVED = text("""
    SELECT item.sku, warehouse, sum(item.quantity) AS units, parcel_id
      FROM parcels JOIN parcel_items AS item USING (parcel_id)
     WHERE parcels.order_id = :order_id AND state IN ('planned', 'labelling', 'labelled')
     GROUP BY item.sku, warehouse, parcel_id
     UNION ALL
    SELECT sku, warehouse, sum(quantity), NULL
      FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE for_order = :order_id AND state = 'open'
     GROUP BY sku, warehouse
     ORDER BY sku, warehouse, parcel_id
""")
_LETTERS = text("""
    SELECT dead_letter_id AS letter_id, source, code, reason, state,
           coalesce(last_failed_at, parked_at) AS last_failed_at
      FROM dead_letters
     WHERE order_id = :order_id
     ORDER BY dead_letter_id DESC
     LIMIT :limit
""")
_WORKING = text("SELECT warehouse FROM warehouses ORDER BY warehouse")


@dataclass(frozen=True, slots=True)
class Report:
    """What a carrier reported of a parcel; the raw status is its own word."""

    parcel_id: str
    status: str
    reason: str | None
    raw_status: str
    message: str
    location: dict[str, Any]
    occurred_at: datetime


def reports(tx: Transaction, order_id: str) -> Sequence[Report]:
    """All that carriers reported of the order's parcels, the oldest first."""
    rows = tx.rows(_REPORTS, order_id=order_id)
    return [Report(**row._mapping) for row in rows]  # noqa: SLF001


def reserved(tx: Transaction, order_id: str) -> Sequence[ReservedUnits]:
    """Units that are promised to it, by parcel, and those that are kept while it waits."""
    rows = tx.rows(_RESERVED, order_id=order_id)
    return [ReservedUnits.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def letters(tx: Transaction, order_id: str) -> Sequence[LetterAbout]:
    """Dead letters about it, the newest first."""
    rows = tx.rows(_LETTERS, order_id=order_id, limit=MOST_LETTERS)
    return [LetterAbout.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def warehouse_names(tx: Transaction) -> Sequence[str]:
    """Every warehouse there is."""
    return [row.warehouse for row in tx.rows(_WORKING)]
