"""The ledger of a SKU, a page at a time. Writes nothing.

Of each warehouse the newest entries are read by its index, so a page costs the same however long
the ledger is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.http_ops_stock import MovementFilters, MovementRow
from shared.kit.errors import Malformed
from shared.ops.order_list import cursor, read_cursor
from shared.platform.db import Transaction
from shared.platform.narrowed import narrowed
from shared.platform.sql import text

PAGE = 50

_PLACES = text("SELECT DISTINCT warehouse FROM stock_levels WHERE sku = :sku ORDER BY warehouse")
_NEWEST = """
    SELECT movement.*
      FROM unnest(CAST(:places AS text[])) AS place (warehouse), LATERAL (
           SELECT movement_id, occurred_at, recorded_at, warehouse, partition, kind, quantity,
                  reference, reason, actor
             FROM stock_movements
            WHERE sku = :sku AND stock_movements.warehouse = place.warehouse AND {conditions}
            ORDER BY occurred_at DESC, movement_id DESC
            LIMIT :limit) AS movement
     ORDER BY occurred_at DESC, movement_id DESC
     LIMIT :limit
"""
_AFTER = "(occurred_at, movement_id) < (CAST(:at AS timestamptz), :movement_id)"
_SHIPMENTS = "kind = 'shipment'"
_OF_KIND = "kind = :kind AND kind <> 'shipment'"  # these have an index; shipments are found soon


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and the cursor of those that follow."""

    movements: tuple[MovementRow, ...]
    next: str | None


def places_of(tx: Transaction, sku: str) -> Sequence[str]:
    """The warehouses that ever had it."""
    return [row.warehouse for row in tx.rows(_PLACES, sku=sku)]


def movements(
    tx: Transaction, sku: str, places: Sequence[str], filters: MovementFilters, most: int = PAGE
) -> Page:
    """The newest entries in these warehouses, by when it happened.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    conditions, asked = [], dict[str, object]()
    if filters.kind == "shipment":
        conditions.append(_SHIPMENTS)
    elif filters.kind is not None:
        conditions.append(_OF_KIND)
        asked["kind"] = filters.kind
    if filters.cursor:
        asked["at"], said = read_cursor(filters.cursor)
        if not said.isdecimal():
            raise Malformed("cursor: is none that was given out", field="cursor")
        conditions.append(_AFTER)
        asked["movement_id"] = min(int(said), 2**62)
    statement = narrowed(_NEWEST, conditions)
    rows = tx.rows(statement, sku=sku, places=list(places), limit=most + 1, **asked)
    found = [MovementRow.model_validate(dict(row._mapping)) for row in rows[:most]]  # noqa: SLF001
    last = found[-1] if len(rows) > most else None
    following = None if last is None else cursor(last.occurred_at, str(last.movement_id))
    return Page(tuple(found), following)
