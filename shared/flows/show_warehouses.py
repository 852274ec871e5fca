"""Warehouses as people look at them: what lies there, and when and how much they can send."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.contracts.http_ops_warehouses import (
    OpsWarehouse,
    OpsWarehouses,
    SiteDay,
    TransferFilters,
    WarehouseRow,
)
from shared.ops import warehouse_view
from shared.ops.drift_list import fenced_off
from shared.ops.inbound_list import inbound_list
from shared.people.permissions import Who
from shared.platform.db import Transaction
from shared.stock import warehouses
from shared.stock.types import UnknownWarehouse
from shared.stock.warehouses import Working

DAYS = 14  # that a page looks ahead


def show_warehouses(tx: Transaction, who: Who) -> OpsWarehouses:
    """All that are theirs, by name."""
    found = warehouse_view.addresses(tx, who.warehouses)
    return OpsWarehouses(warehouses=tuple(_rows(tx, found, warehouses.working(tx))))


def show_warehouse(tx: Transaction, warehouse: str, who: Who) -> OpsWarehouse:
    """One of them, with its days, and what is on its way to it and from it.

    Raises:
        UnknownWarehouse: there is no such warehouse of theirs.
    """
    found = warehouse_view.addresses(tx, [warehouse]) if who.may_at([warehouse]) else {}
    if not found:
        raise UnknownWarehouse(f"there is no warehouse {warehouse}", warehouse=warehouse)
    working = warehouses.working(tx)
    own = working[warehouse]
    today = _today(tx, own)
    ahead = [today + timedelta(days=n) for n in range(DAYS)]
    parcels = warehouse_view.parcels_by_day(tx, [warehouse], ahead[0], ahead[-1])
    to = TransferFilters(warehouse=warehouse)
    out = TransferFilters(origin=warehouse)
    return OpsWarehouse(
        row=_rows(tx, found, working)[0],
        address=dict(found[warehouse]),
        working_days=tuple(sorted(own.working_days)),
        closed_on=tuple(sorted(day for day in own.closed_on if day >= today)),
        capabilities=tuple(sorted(own.capabilities)),
        orders=own.orders,
        refused=own.refused,
        days=tuple(
            SiteDay(day=day, works=_works(own, day), parcels=parcels.get((warehouse, day), 0))
            for day in ahead
        ),
        fenced=fenced_off(tx, frozenset({warehouse})),
        inbound=inbound_list(tx, to, None, is_open=True).inbounds,
        outbound=inbound_list(tx, out, None, is_open=True).inbounds,
    )


def _rows(
    tx: Transaction,
    addresses: Mapping[str, Mapping[str, Any]],
    working: Mapping[str, Working],
) -> list[WarehouseRow]:
    if not addresses:
        return []
    today = {name: _today(tx, working[name]) for name in addresses}
    there = warehouse_view.stock_by_warehouse(tx, addresses)
    coming = warehouse_view.coming_units(tx, addresses)
    first, last = min(today.values()), max(today.values())
    parcels = warehouse_view.parcels_by_day(tx, addresses, first, last)
    return [
        WarehouseRow(
            warehouse=name,
            city=str(address.get("city", "")),
            country=str(address.get("country", "")),
            closed_for=working[name].closed_for,
            cut_off=_clock(working[name].cut_off_minute),
            time_zone=working[name].time_zone,
            today=parcels.get((name, today[name]), 0),
            daily_parcels=working[name].daily_parcels,
            skus=there[name].skus if name in there else 0,
            on_hand=there[name].on_hand if name in there else 0,
            available=there[name].available if name in there else 0,
            fenced=there[name].fenced if name in there else 0,
            coming=coming.get(name, 0),
        )
        for name, address in addresses.items()
    ]


def _today(tx: Transaction, working: Working) -> date:
    """The day that it is at the warehouse."""
    return tx.now.astimezone(ZoneInfo(working.time_zone)).date()


def _works(working: Working, day: date) -> bool:
    return (
        working.closed_for is None
        and day.isoweekday() in working.working_days
        and day not in working.closed_on
    )


def _clock(minute: int) -> str:
    """Minutes after midnight as a clock shows them."""
    return f"{minute // 60:02}:{minute % 60:02}"
