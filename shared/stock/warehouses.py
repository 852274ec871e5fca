"""The table warehouses: where stock lies, and when it can be sent. Nothing else writes to it."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

from shared.kit.geo import Point
from shared.platform.db import Transaction
from shared.platform.sql import text

_PUT = text("""
    INSERT INTO warehouses (warehouse, address, lat, lon, time_zone, cut_off_minute, working_days,
                            closed_on, closed_for, daily_parcels, capabilities)
    VALUES (:warehouse, CAST(:address AS jsonb), :lat, :lon, :time_zone, :cut_off_minute,
            CAST(:working_days AS smallint[]), CAST(:closed_on AS date[]), :closed_for,
            :daily_parcels, CAST(:capabilities AS text[]))
        ON CONFLICT (warehouse) DO UPDATE
       SET address = excluded.address, lat = excluded.lat, lon = excluded.lon,
           time_zone = excluded.time_zone, cut_off_minute = excluded.cut_off_minute,
           working_days = excluded.working_days, closed_on = excluded.closed_on,
           closed_for = excluded.closed_for, daily_parcels = excluded.daily_parcels,
           capabilities = excluded.capabilities
""")
_FIND = text("SELECT warehouse, address FROM warehouses WHERE warehouse = :warehouse")
_KNOWN = text("SELECT warehouse FROM warehouses WHERE warehouse = ANY(CAST(:names AS text[]))")
_WORKING = text("""
    SELECT warehouse, time_zone, cut_off_minute, working_days, closed_on, closed_for,
           daily_parcels, capabilities, coalesce(orders, 0) AS orders,
           coalesce(refused, 0) AS refused
      FROM warehouses LEFT JOIN warehouse_refusals USING (warehouse)
""")


class Warehouse(NamedTuple):
    """A place that sends parcels."""

    warehouse: str
    address: dict[str, Any]


class Working(NamedTuple):
    """When a warehouse works, and what it can do.

    Attributes:
        time_zone: IANA name.
        cut_off_minute: minutes after its midnight; what is decided before leaves on the same day.
        working_days: ISO weekdays, Monday is 1.
        closed_on: further days on which nothing leaves.
        closed_for: why nothing can be sent, until somebody says otherwise; None where it can.
        daily_parcels: what it can send in a day; None for any number.
        capabilities: what it can handle beyond ordinary goods, such as hazmat or cold.
        orders, refused: of the last weeks, how many it was given and of how many it missed
            something; `warehouse_refusals` counts them.
    """

    time_zone: str = "UTC"
    cut_off_minute: int = 24 * 60
    working_days: frozenset[int] = frozenset(range(1, 8))
    closed_on: frozenset[date] = frozenset()
    closed_for: str | None = None
    daily_parcels: int | None = None
    capabilities: frozenset[str] = frozenset()
    orders: int = 0
    refused: int = 0


ALWAYS = Working()


def put(
    tx: Transaction,
    warehouse: str,
    address: Mapping[str, Any],
    location: Point,
    working: Working = ALWAYS,
) -> None:
    """Add or replace a warehouse."""
    tx.rows(
        _PUT,
        warehouse=warehouse,
        address=json.dumps(dict(address)),
        lat=location.lat,
        lon=location.lon,
        time_zone=working.time_zone,
        cut_off_minute=working.cut_off_minute,
        working_days=sorted(working.working_days),
        closed_on=sorted(working.closed_on),
        closed_for=working.closed_for,
        daily_parcels=working.daily_parcels,
        capabilities=sorted(working.capabilities),
    )


def find(tx: Transaction, warehouse: str) -> Warehouse | None:
    """A warehouse with its address."""
    row = tx.row(_FIND, warehouse=warehouse)
    return None if row is None else Warehouse(row.warehouse, row.address)


def known(tx: Transaction, names: Collection[str]) -> frozenset[str]:
    """Those of the names that are warehouses."""
    return frozenset(row.warehouse for row in tx.rows(_KNOWN, names=sorted(names)))


def working(tx: Transaction) -> dict[str, Working]:
    """Every warehouse by its name, and when it works."""
    return {
        row.warehouse: Working(
            time_zone=row.time_zone,
            cut_off_minute=row.cut_off_minute,
            working_days=frozenset(row.working_days),
            closed_on=frozenset(row.closed_on),
            closed_for=row.closed_for,
            daily_parcels=row.daily_parcels,
            capabilities=frozenset(row.capabilities),
            orders=row.orders,
            refused=row.refused,
        )
        for row in tx.rows(_WORKING)
    }
