"""The tables skus, warehouses, stock_levels and stock_movements. Nothing else writes to them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from shared.kit.geo import Point
from shared.platform.db import Transaction, Write
from shared.stock.types import Level, Movement, Pick, Supply, Warehouse

_AVAILABLE = text("""
    SELECT sku, sum(greatest(0, on_hand - reserved - safety)) AS available
      FROM stock_levels
     WHERE sku = ANY(CAST(:skus AS text[]))
     GROUP BY sku
""")
_KNOWN_SKUS = text("SELECT sku FROM skus WHERE sku = ANY(CAST(:skus AS text[]))")
_WAREHOUSE = text("SELECT warehouse, address FROM warehouses WHERE warehouse = :warehouse")

# Whatever decides must hold the lock; taken in key order, so that two orders never wait for one
# another. Weights come along, for SKUs without a single balance too.
_LOCK_SUPPLY = text("""
    WITH wanted AS (
        SELECT sku, weight_g FROM skus WHERE sku = ANY(CAST(:skus AS text[]))
    ), levels AS (
        SELECT sku, warehouse, on_hand, reserved, safety
          FROM stock_levels
         WHERE sku = ANY(CAST(:skus AS text[]))
         ORDER BY sku, warehouse
           FOR NO KEY UPDATE
    )
    SELECT sku, weight_g, warehouse, on_hand, reserved, safety, lat, lon
      FROM wanted LEFT JOIN levels USING (sku) LEFT JOIN warehouses USING (warehouse)
""")
_LOCK = text("""
    SELECT sku, warehouse, on_hand, reserved, safety, counted_at
      FROM stock_levels
     WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                     CAST(:warehouses AS text[])))
     ORDER BY sku, warehouse
       FOR NO KEY UPDATE
""")
_ENSURE = text("""
    INSERT INTO stock_levels (sku, warehouse)
    SELECT sku, :warehouse FROM unnest(CAST(:skus AS text[])) AS wanted (sku) ORDER BY sku
        ON CONFLICT DO NOTHING
""")
# The guard is part of the writing statement: a row that cannot give what is asked stays untouched,
# and the step is rolled back because too few rows were written.
_RESERVE = """
    UPDATE stock_levels AS level
       SET reserved = reserved + pick.quantity
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:quantities AS integer[])) AS pick (sku, warehouse, quantity)
     WHERE level.sku = pick.sku AND level.warehouse = pick.warehouse
       AND level.on_hand - level.reserved - level.safety >= pick.quantity
 RETURNING 1
"""
_RELEASE = """
    UPDATE stock_levels AS level
       SET reserved = reserved - pick.quantity
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:quantities AS integer[])) AS pick (sku, warehouse, quantity)
     WHERE level.sku = pick.sku AND level.warehouse = pick.warehouse
       AND level.reserved >= pick.quantity
 RETURNING 1
"""
# What was reserved leaves the building: both figures fall together.
_SHIP = """
    UPDATE stock_levels AS level
       SET reserved = reserved - pick.quantity, on_hand = on_hand - pick.quantity
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:quantities AS integer[])) AS pick (sku, warehouse, quantity)
     WHERE level.sku = pick.sku AND level.warehouse = pick.warehouse
       AND level.reserved >= pick.quantity
 RETURNING 1
"""
_ADD = """
    UPDATE stock_levels AS level
       SET on_hand = on_hand + change.quantity,
           counted_at = greatest(counted_at, CAST(:counted_at AS timestamptz))
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:quantities AS integer[])) AS change (sku, warehouse, quantity)
     WHERE level.sku = change.sku AND level.warehouse = change.warehouse
 RETURNING 1
"""
_RECORD = """
    INSERT INTO stock_movements (sku, warehouse, kind, quantity, reference, actor, occurred_at,
                                 recorded_at)
    SELECT sku, warehouse, kind, quantity, reference, :actor, occurred_at,
           CAST(:now AS timestamptz)
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]), CAST(:kinds AS text[]),
                  CAST(:quantities AS integer[]), CAST(:references AS text[]),
                  CAST(:moments AS timestamptz[]))
        AS movement (sku, warehouse, kind, quantity, reference, occurred_at)
 RETURNING 1
"""
_BOOKED = text("""
    SELECT sku FROM stock_movements
     WHERE warehouse = :warehouse AND kind = :kind AND reference = :reference
       AND sku = ANY(CAST(:skus AS text[]))
""")
_MOVED_SINCE = text("""
    SELECT sku, sum(quantity) AS quantity
      FROM stock_movements
     WHERE warehouse = :warehouse AND sku = ANY(CAST(:skus AS text[])) AND occurred_at > :moment
     GROUP BY sku
""")
_INSERT_SKUS = text("""
    INSERT INTO skus (sku, weight_g, length_mm, width_mm, height_mm)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:weights AS integer[]),
                         CAST(:lengths AS integer[]), CAST(:widths AS integer[]),
                         CAST(:heights AS integer[]))
        ON CONFLICT (sku) DO UPDATE
       SET weight_g = excluded.weight_g, length_mm = excluded.length_mm,
           width_mm = excluded.width_mm, height_mm = excluded.height_mm
""")
_INSERT_WAREHOUSE = text("""
    INSERT INTO warehouses (warehouse, address, lat, lon)
    VALUES (:warehouse, CAST(:address AS jsonb), :lat, :lon)
        ON CONFLICT (warehouse) DO UPDATE
       SET address = excluded.address, lat = excluded.lat, lon = excluded.lon
""")
_SET_SAFETY = text("""
    UPDATE stock_levels AS level SET safety = wanted.safety
      FROM unnest(CAST(:skus AS text[]), CAST(:safeties AS integer[])) AS wanted (sku, safety)
     WHERE level.sku = wanted.sku AND level.warehouse = :warehouse
""")


def unknown_skus(tx: Transaction, skus: Collection[str]) -> tuple[str, ...]:
    """Those of `skus` that the catalogue does not have, sorted."""
    known = {row.sku for row in tx.rows(_KNOWN_SKUS, skus=sorted(set(skus)))}
    return tuple(sorted(set(skus) - known))


def available(tx: Transaction, skus: Collection[str]) -> dict[str, int]:
    """Available-to-promise over all warehouses, without a lock: a hint, not a promise."""
    return {row.sku: int(row.available) for row in tx.rows(_AVAILABLE, skus=sorted(set(skus)))}


def warehouse(tx: Transaction, name: str) -> Warehouse | None:
    """A warehouse with its address."""
    row = tx.row(_WAREHOUSE, warehouse=name)
    return None if row is None else Warehouse(row.warehouse, row.address)


def lock_supply(
    tx: Transaction, skus: Collection[str]
) -> tuple[tuple[Supply, ...], dict[str, int]]:
    """Every balance of `skus`, locked until the transaction ends, and each SKU's unit weight_g."""
    rows = tx.rows(_LOCK_SUPPLY, skus=sorted(set(skus)))
    supplies = tuple(
        Supply(
            Level(row.sku, row.warehouse, row.on_hand, row.reserved, row.safety),
            Point(row.lat, row.lon),
            row.weight_g,
        )
        for row in rows
        if row.warehouse is not None
    )
    return supplies, {row.sku: row.weight_g for row in rows}


def lock(
    tx: Transaction, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Level, datetime | None]]:
    """(sku, warehouse) -> its locked balance and the time of its latest count."""
    wanted = sorted(set(keys))
    skus, warehouses = [sku for sku, _ in wanted], [place for _, place in wanted]
    rows = tx.rows(_LOCK, skus=skus, warehouses=warehouses)
    return {
        (row.sku, row.warehouse): (
            Level(row.sku, row.warehouse, row.on_hand, row.reserved, row.safety),
            row.counted_at,
        )
        for row in rows
    }


def ensure_levels(tx: Transaction, warehouse: str, skus: Collection[str]) -> None:
    """Empty balances for what a warehouse never had before."""
    tx.connection.execute(_ENSURE, {"warehouse": warehouse, "skus": sorted(set(skus))})


def reserve(picks: Collection[Pick]) -> Write:
    """Promise units; every pick names another balance."""
    return Write(_RESERVE, _columns(picks), rows=len(picks))


def release(picks: Collection[Pick]) -> Write:
    """Give promised units back."""
    return Write(_RELEASE, _columns(picks), rows=len(picks))


def ship(picks: Collection[Pick]) -> Write:
    """Promised units leave the building."""
    return Write(_SHIP, _columns(picks), rows=len(picks))


def add(changes: Mapping[tuple[str, str], int], counted_at: datetime | None = None) -> Write:
    """Change on-hand of (sku, warehouse); `record` writes the same to the ledger."""
    picks = [Pick(place, sku, quantity) for (sku, place), quantity in changes.items()]
    return Write(_ADD, {**_columns(picks), "counted_at": counted_at}, rows=len(picks))


def record(tx: Transaction, movements: Sequence[Movement], actor: str) -> Write:
    """Append to the ledger; the same reference twice is refused by the database."""
    return Write(
        _RECORD,
        {
            "skus": [m.sku for m in movements],
            "warehouses": [m.warehouse for m in movements],
            "kinds": [m.kind for m in movements],
            "quantities": [m.quantity for m in movements],
            "references": [m.reference for m in movements],
            "moments": [m.occurred_at for m in movements],
            "actor": actor,
            "now": tx.now,
        },
        rows=len(movements),
    )


def booked(
    tx: Transaction, warehouse: str, kind: str, reference: str, skus: Collection[str]
) -> frozenset[str]:
    """Those of `skus` for which the ledger has this reference already."""
    rows = tx.rows(_BOOKED, warehouse=warehouse, kind=kind, reference=reference, skus=sorted(skus))
    return frozenset(row.sku for row in rows)


def moved_since(
    tx: Transaction, warehouse: str, skus: Collection[str], moment: datetime
) -> Mapping[str, int]:
    """What was added to each SKU's on-hand after `moment`; missing means nothing."""
    rows = tx.rows(_MOVED_SINCE, warehouse=warehouse, skus=sorted(skus), moment=moment)
    return {row.sku: int(row.quantity) for row in rows}


def put_skus(
    tx: Transaction, skus: Sequence[tuple[str, int, int | None, int | None, int | None]]
) -> None:
    """Add or replace (sku, weight_g, length_mm, width_mm, height_mm) in the catalogue."""
    names = ("skus", "weights", "lengths", "widths", "heights")
    columns = zip(*skus, strict=True)
    tx.connection.execute(
        _INSERT_SKUS, {name: list(column) for name, column in zip(names, columns, strict=True)}
    )


def put_warehouse(tx: Transaction, name: str, address: Mapping[str, Any], location: Point) -> None:
    """Add or replace a warehouse."""
    tx.connection.execute(
        _INSERT_WAREHOUSE,
        {
            "warehouse": name,
            "address": json.dumps(dict(address)),
            "lat": location.lat,
            "lon": location.lon,
        },
    )


def set_safety(tx: Transaction, warehouse: str, safety: Mapping[str, int]) -> None:
    """Units of each SKU that are not to be promised at this warehouse."""
    tx.connection.execute(
        _SET_SAFETY,
        {"warehouse": warehouse, "skus": list(safety), "safeties": list(safety.values())},
    )


def _columns(picks: Collection[Pick]) -> dict[str, list[Any]]:
    return {
        "skus": [pick.sku for pick in picks],
        "warehouses": [pick.warehouse for pick in picks],
        "quantities": [pick.quantity for pick in picks],
    }
