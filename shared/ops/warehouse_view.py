"""Warehouses: what lies there, and how many parcels leave on which day. Writes nothing."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from shared.platform.db import Transaction
from shared.platform.driver import Row
from shared.platform.sql import text

# One look over all balances: where it is for one warehouse, over its own.
_STOCK = text("""
    SELECT warehouse, count(*) FILTER (WHERE on_hand > 0) AS skus, sum(on_hand) AS on_hand,
           sum(available) AS available, CAST(sum(fenced) AS bigint) AS fenced
      FROM (SELECT warehouse, sku, sum(on_hand) AS on_hand,
                   sum(CASE WHEN fenced_for IS NULL
                            THEN greatest(0, on_hand - reserved - held - safety) ELSE 0 END)
                       AS available,
                   count(*) FILTER (WHERE fenced_for <> 'shut') AS fenced
              FROM stock_levels
             WHERE warehouse = ANY(CAST(:places AS text[]))
             GROUP BY warehouse, sku) AS balance
     GROUP BY warehouse
""")
_COMING = text("""
    SELECT warehouse, sum(greatest(0, CASE state WHEN 'shipped' THEN shipped ELSE quantity END
                                      - received)) AS units
      FROM inbounds JOIN inbound_items USING (inbound_id)
     WHERE state IN ('requested', 'shipped') AND warehouse = ANY(CAST(:places AS text[]))
     GROUP BY warehouse
""")
_ADDRESSES = text("""
    SELECT warehouse, address FROM warehouses
     WHERE CAST(:places AS text[]) IS NULL OR warehouse = ANY(CAST(:places AS text[]))
     ORDER BY warehouse
""")
_PARCELS = text("""
    SELECT warehouse, ship_on, count(*) AS parcels FROM parcels
     WHERE warehouse = ANY(CAST(:places AS text[])) AND ship_on BETWEEN :first AND :last
       AND ship_on IS NOT NULL AND state <> 'cancelled'
     GROUP BY warehouse, ship_on
""")


def addresses(tx: Transaction, places: Collection[str] | None) -> dict[str, Mapping[str, Any]]:
    """Warehouse -> address, of these or of all, by name."""
    wanted = None if places is None else sorted(places)
    return {row.warehouse: row.address for row in tx.rows(_ADDRESSES, places=wanted)}


def stock_by_warehouse(tx: Transaction, places: Collection[str]) -> dict[str, Row]:
    """Warehouse -> `skus` that lie there, units `on_hand` and `available`, rows `fenced` off."""
    return {row.warehouse: row for row in tx.rows(_STOCK, places=sorted(places))}


def coming_units(tx: Transaction, places: Collection[str]) -> dict[str, int]:
    """Warehouse -> units that are on their way to it."""
    return {row.warehouse: int(row.units) for row in tx.rows(_COMING, places=sorted(places))}


def parcels_by_day(
    tx: Transaction, places: Collection[str], first: date, last: date
) -> dict[tuple[str, date], int]:
    """(Warehouse, day) -> parcels that are planned to leave it then."""
    rows = tx.rows(_PARCELS, places=sorted(places), first=first, last=last)
    return {(row.warehouse, row.ship_on): row.parcels for row in rows}
