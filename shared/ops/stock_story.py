"""What belongs to a SKU's stock beside its balances. Writes nothing.

Of what can be long the first `MOST` are read. `places` are the warehouses that are looked at;
None: all.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from shared.contracts.base import Document
from shared.contracts.http_ops_stock import (
    AllocationRow,
    BackorderRow,
    ComingRow,
    OpenHold,
    StockDay,
)
from shared.platform.db import Transaction
from shared.platform.sql import Statement, text

MOST = 50
MANY = 3_000  # parcels that had a SKU
DAYS = 14

Places = Sequence[str] | None
D = TypeVar("D", bound=Document)

_UNIT = text("SELECT weight_g, needs, released_at FROM skus WHERE sku = :sku")
# Of all holds there ever were few are open, so these are found first.
_HOLDS = text("""
    SELECT hold_id, purpose, reference, warehouse, sum(quantity) AS units, created_at, expires_at,
           purpose IN ('cart', 'payment') AND for_order IS NULL AS is_customers
      FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE state = 'open' AND sku = :sku
       AND (CAST(:places AS text[]) IS NULL OR warehouse = ANY(CAST(:places AS text[])))
     GROUP BY hold_id, warehouse
     ORDER BY created_at DESC, hold_id, warehouse
     LIMIT :most
""")
# Of a SKU that few parcels ever had, these are looked at; for one that many have, the open parcels
# are walked through, as one that has it comes soon. OFFSET keeps the planner on that way.
_PARCELS = text("""
    WITH found AS MATERIALIZED (
        SELECT parcel_id FROM parcel_items WHERE sku = :sku LIMIT :many
    ), chosen AS (
        (SELECT parcel_id, planned_at FROM parcels
          WHERE (SELECT count(*) < :many FROM found)
            AND parcel_id = ANY(ARRAY(SELECT parcel_id FROM found))
            AND state IN ('planned', 'labelling', 'labelled')
            AND (CAST(:places AS text[]) IS NULL OR warehouse = ANY(CAST(:places AS text[])))
          ORDER BY planned_at, parcel_id LIMIT :most)
         UNION ALL
        (SELECT parcel_id, planned_at FROM parcels
          WHERE (SELECT count(*) = :many FROM found)
            AND state IN ('planned', 'labelling', 'labelled')
            AND EXISTS (SELECT FROM parcel_items
                         WHERE parcel_items.parcel_id = parcels.parcel_id AND sku = :sku OFFSET 0)
            AND (CAST(:places AS text[]) IS NULL OR warehouse = ANY(CAST(:places AS text[])))
          ORDER BY planned_at, parcel_id LIMIT :most)
    )
    SELECT order_id, parcel_id, state, warehouse, planned_at, ship_on,
           (SELECT sum(quantity) FROM parcel_items
             WHERE parcel_items.parcel_id = parcels.parcel_id AND sku = :sku) AS units
      FROM parcels JOIN chosen USING (parcel_id, planned_at)
     ORDER BY planned_at, parcel_id
""")
# In the order in which they are next in line. What goes from elsewhere is not everybody's.
_BACKORDERS = text("""
    WITH wanted AS (
        SELECT order_id, backordered AS units FROM order_lines
         WHERE backordered > 0 AND kit IS NULL AND sku = :sku
         UNION ALL
        SELECT order_id, CAST(kit->>CAST(:sku AS text) AS integer) * backordered FROM order_lines
         WHERE backordered > 0 AND kit IS NOT NULL AND jsonb_exists(kit, CAST(:sku AS text))
    )
    SELECT orders.order_id, priority, sum(units) AS units, promised_at, expected_at
      FROM wanted JOIN orders USING (order_id)
     WHERE state IN ('backordered', 'partly_placed', 'waiting', 'review')
       AND (CAST(:places AS text[]) IS NULL
            OR NOT EXISTS (SELECT FROM parcels WHERE parcels.order_id = orders.order_id
                              AND parcels.state <> 'cancelled')
            OR EXISTS (SELECT FROM parcels WHERE parcels.order_id = orders.order_id
                          AND parcels.state <> 'cancelled'
                          AND warehouse = ANY(CAST(:places AS text[]))))
     GROUP BY orders.order_id
     ORDER BY CASE priority WHEN 'express' THEN 0 WHEN 'standard' THEN 1 ELSE 2 END,
              promised_at, orders.order_id
     LIMIT :most
""")
_COMING = text("""
    SELECT inbound_id, origin, warehouse, state,
           CASE state WHEN 'shipped' THEN shipped ELSE quantity END - received AS units,
           expected_at, coalesce(expected_at < CAST(:now AS timestamptz), false) AS is_overdue
      FROM inbounds JOIN inbound_items USING (inbound_id)
     WHERE state IN ('requested', 'shipped') AND sku = :sku
       AND CASE state WHEN 'shipped' THEN shipped ELSE quantity END > received
       AND (CAST(:places AS text[]) IS NULL OR warehouse = ANY(CAST(:places AS text[]))
            OR origin = ANY(CAST(:places AS text[])))
     ORDER BY expected_at, inbound_id
     LIMIT :most
""")
# A repair is left out, since nothing has moved, and so is what only changed its row.
_MOVED = text("""
    SELECT CAST(occurred_at AT TIME ZONE 'UTC' AS date) AS day, sum(greatest(quantity, 0)) AS came,
           -sum(least(quantity, 0)) AS left
      FROM stock_movements
     WHERE sku = :sku AND warehouse = ANY(CAST(:places AS text[])) AND occurred_at >= :since
       AND kind NOT IN ('repair', 'repartition')
     GROUP BY day
""")
_CORRECTED = text("""
    SELECT warehouse, max(recorded_at) AS at
      FROM stock_levels, LATERAL (
           SELECT max(recorded_at) AS recorded_at FROM stock_movements AS movement
            WHERE movement.sku = stock_levels.sku AND movement.warehouse = stock_levels.warehouse
              AND movement.partition = stock_levels.partition
              AND kind IN ('adjustment', 'write_off', 'count')) AS latest
     WHERE stock_levels.sku = :sku
     GROUP BY warehouse
""")


def unit(tx: Transaction, sku: str) -> Any:
    """What one of it weighs (`weight_g`), `needs`, and from when on it may be sent."""
    row = tx.row(_UNIT, sku=sku)
    assert row is not None, "whoever asks has found it"
    return row


def open_holds(tx: Transaction, sku: str, places: Places) -> tuple[OpenHold, ...]:
    """Holds that keep units of it, the newest first."""
    return _documents(OpenHold, tx, _HOLDS, sku=sku, places=places, most=MOST)


def allocations(tx: Transaction, sku: str, places: Places) -> tuple[AllocationRow, ...]:
    """Parcels with units of it that have not left, the oldest first."""
    return _documents(AllocationRow, tx, _PARCELS, sku=sku, places=places, most=MOST, many=MANY)


def backorders(tx: Transaction, sku: str, places: Places) -> tuple[BackorderRow, ...]:
    """Orders that wait for it, also as a part of a kit, by whose turn it is."""
    return _documents(BackorderRow, tx, _BACKORDERS, sku=sku, places=places, most=MOST)


def coming(tx: Transaction, sku: str, places: Places) -> tuple[ComingRow, ...]:
    """Units that are on their way to these warehouses or from them, the next first."""
    return _documents(ComingRow, tx, _COMING, sku=sku, places=places, most=MOST, now=tx.now)


def days(tx: Transaction, sku: str, places: Sequence[str], on_hand: int) -> tuple[StockDay, ...]:
    """The last days, the oldest first: counted back from what is on hand now."""
    today = tx.now.date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time(), tx.now.tzinfo)
    rows = tx.rows(_MOVED, sku=sku, places=list(places), since=since)
    moved: dict[date, tuple[int, int]] = {row.day: (int(row.came), int(row.left)) for row in rows}
    found = []
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        came, left = moved.get(day, (0, 0))
        found.append(StockDay(day=day, on_hand=on_hand, came=came, left=left))
        on_hand -= came - left
    return tuple(reversed(found))


def corrected_at(tx: Transaction, sku: str) -> dict[str, datetime]:
    """Warehouse -> when somebody last corrected what is on hand there, by hand or by counting."""
    return {row.warehouse: row.at for row in tx.rows(_CORRECTED, sku=sku) if row.at is not None}


def _documents(
    kind: type[D], tx: Transaction, statement: Statement, **parameters: object
) -> tuple[D, ...]:
    rows = tx.rows(statement, **parameters)
    return tuple(kind.model_validate(dict(row._mapping)) for row in rows)  # noqa: SLF001
