"""The tables skus, kit_components, warehouses, stock_levels, stock_movements, stock_announced.

Nothing else writes to them.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from shared.kit.geo import Point
from shared.platform.db import Transaction, Write
from shared.stock.types import (
    Change,
    Key,
    Level,
    Locked,
    Movement,
    MovementKind,
    Sku,
    Supply,
    Warehouse,
    together,
)

_FREE = text("""
    SELECT sku, warehouse, sum(greatest(0, on_hand - reserved - held - safety)) AS available
      FROM stock_levels
     WHERE sku = ANY(CAST(:skus AS text[])) AND allotment IS NULL AND fenced_for IS NULL
     GROUP BY sku, warehouse
    HAVING sum(greatest(0, on_hand - reserved - held - safety)) > 0
""")
_UNRELEASED = text("SELECT sku, released_at FROM skus WHERE released_at > :now")
# Two that announce at once would say everything twice.
_ANNOUNCE_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('stock_announced', 0))")
# Of a kit there are as many as its scarcest component allows. In order of SKU, so that each batch
# reads on where the last one ended.
_UNANNOUNCED = text("""
    WITH single AS (
        SELECT sku, sum(CASE WHEN allotment IS NULL AND fenced_for IS NULL
                             THEN greatest(0, on_hand - reserved - held - safety)
                             ELSE 0 END) AS available
          FROM stock_levels
         WHERE sku > :after
         GROUP BY sku
    ), component AS (
        SELECT sku, sum(greatest(0, on_hand - reserved - held - safety)) AS available
          FROM stock_levels
         WHERE sku IN (SELECT component FROM kit_components WHERE kit > :after)
           AND allotment IS NULL AND fenced_for IS NULL
         GROUP BY sku
    ), kit AS (
        SELECT kit AS sku, min(coalesce(available, 0)::bigint / quantity) AS available
          FROM kit_components LEFT JOIN component ON sku = component
         WHERE kit > :after
         GROUP BY kit
    ), promised AS (
        SELECT sku, available FROM single WHERE NOT EXISTS (
               SELECT FROM kit_components WHERE kit_components.kit = single.sku)
         UNION ALL
        SELECT sku, available FROM kit)
    SELECT sku, promised.available
      FROM promised LEFT JOIN stock_announced USING (sku)
     WHERE promised.available <> coalesce(stock_announced.available, 0)
     ORDER BY sku
     LIMIT :limit
""")
_ANNOUNCE = """
    INSERT INTO stock_announced (sku, available, announced_at)
    SELECT sku, available, CAST(:now AS timestamptz)
      FROM unnest(CAST(:skus AS text[]), CAST(:units AS bigint[])) AS told (sku, available)
        ON CONFLICT (sku) DO UPDATE
       SET available = excluded.available, announced_at = excluded.announced_at
 RETURNING 1
"""
_KNOWN = text("""
    SELECT sku, (SELECT jsonb_object_agg(component, quantity) FROM kit_components
                  WHERE kit = sku) AS kit
      FROM skus
     WHERE sku = ANY(CAST(:skus AS text[]))
""")
_WAREHOUSE = text("SELECT warehouse, address FROM warehouses WHERE warehouse = :warehouse")

# Whatever decides must hold the lock; taken in key order, so that two orders never wait for one
# another. Of a balance that is spread over partitions one is drawn, or all are taken. What SKUs
# weigh comes along, for those without a single balance too.
_LOCK_SUPPLY = text("""
    WITH wanted AS (
        SELECT sku, weight_g, released_at FROM skus WHERE sku = ANY(CAST(:skus AS text[]))
    ), levels AS (
        SELECT sku, warehouse, partition, on_hand, reserved, held, safety, allotment, fenced_for,
               spread
          FROM stock_levels
         WHERE sku = ANY(CAST(:skus AS text[]))
           AND (allotment IS NULL OR allotment = CAST(:sale AS text))
           AND (CAST(:draw AS bigint) IS NULL
                OR partition = spread_from + CAST(:draw AS bigint) % spread
                OR (sku, warehouse, partition) IN (
                    SELECT * FROM unnest(CAST(:own_skus AS text[]), CAST(:own_warehouses AS text[]),
                                         CAST(:own_partitions AS smallint[]))))
         ORDER BY sku, warehouse, partition
           FOR NO KEY UPDATE
    )
    SELECT sku, weight_g, released_at, warehouse, partition, on_hand, reserved, held, safety,
           allotment, fenced_for, spread, lat, lon
      FROM wanted LEFT JOIN levels USING (sku) LEFT JOIN warehouses USING (warehouse)
""")
_LOCK = text("""
    SELECT sku, warehouse, partition, on_hand, reserved, held, safety, allotment, fenced_for,
           spread, counted_at
      FROM stock_levels
     WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                     CAST(:warehouses AS text[])))
     ORDER BY sku, warehouse, partition
       FOR NO KEY UPDATE
""")
_ENSURE = text("""
    INSERT INTO stock_levels (sku, warehouse)
    SELECT sku, :warehouse FROM unnest(CAST(:skus AS text[])) AS wanted (sku) ORDER BY sku
        ON CONFLICT DO NOTHING
""")
# The guard is part of the writing statement: a row that cannot promise what is asked stays
# untouched, and the step is rolled back because too few rows were written. What takes no more
# promises than it gives back or brings needs no guard beyond the table's own CHECK.
_CHANGE = """
    UPDATE stock_levels AS level
       SET on_hand = level.on_hand + change.on_hand,
           reserved = level.reserved + change.reserved,
           held = level.held + change.held,
           counted_at = greatest(counted_at, CAST(:counted_at AS timestamptz))
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:on_hands AS integer[]),
                  CAST(:reserveds AS integer[]), CAST(:helds AS integer[]))
        AS change (sku, warehouse, partition, on_hand, reserved, held)
     WHERE level.sku = change.sku AND level.warehouse = change.warehouse
       AND level.partition = change.partition
       AND level.reserved + change.reserved >= 0 AND level.held + change.held >= 0
       AND (change.reserved + change.held <= greatest(change.on_hand, 0)
            OR (level.fenced_for IS NULL
                AND level.on_hand + least(change.on_hand, 0) - level.reserved - level.held
                    - level.safety >= change.reserved + change.held))
 RETURNING 1
"""
_RECORD = """
    INSERT INTO stock_movements (sku, warehouse, partition, kind, quantity, reference, actor,
                                 reason, occurred_at, recorded_at)
    SELECT sku, warehouse, partition, kind, quantity, reference, :actor, reason, occurred_at,
           CAST(:now AS timestamptz)
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:kinds AS text[]),
                  CAST(:quantities AS integer[]), CAST(:references AS text[]),
                  CAST(:reasons AS text[]), CAST(:moments AS timestamptz[]))
        AS movement (sku, warehouse, partition, kind, quantity, reference, reason, occurred_at)
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
    INSERT INTO skus (sku, weight_g, length_mm, width_mm, height_mm, released_at)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:weights AS integer[]),
                         CAST(:lengths AS integer[]), CAST(:widths AS integer[]),
                         CAST(:heights AS integer[]), CAST(:releases AS timestamptz[]))
        ON CONFLICT (sku) DO UPDATE
       SET weight_g = excluded.weight_g, length_mm = excluded.length_mm,
           width_mm = excluded.width_mm, height_mm = excluded.height_mm,
           released_at = excluded.released_at
""")
# What a kit is made of is replaced as a whole; orders keep what it was made of when they came.
_DELETE_KITS = text("DELETE FROM kit_components WHERE kit = ANY(CAST(:kits AS text[]))")
_INSERT_KITS = text("""
    INSERT INTO kit_components (kit, component, quantity)
    SELECT * FROM unnest(CAST(:kits AS text[]), CAST(:components AS text[]),
                         CAST(:quantities AS integer[]))
""")
_STOCKED = text("""
    SELECT DISTINCT sku FROM stock_levels
     WHERE sku = ANY(CAST(:skus AS text[])) AND on_hand <> 0 ORDER BY sku
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
     WHERE level.sku = wanted.sku AND level.warehouse = :warehouse AND level.partition = 0
""")


def known(tx: Transaction, skus: Collection[str]) -> dict[str, Mapping[str, int] | None]:
    """Those of `skus` that the catalogue has; of a kit, the units of each component in one."""
    return {row.sku: row.kit for row in tx.rows(_KNOWN, skus=sorted(set(skus)))}


def free(tx: Transaction, skus: Collection[str]) -> dict[tuple[str, str], int]:
    """(SKU, warehouse) -> available-to-promise, where there is any; no lock: a hint, no promise."""
    rows = tx.rows(_FREE, skus=sorted(skus))
    return {(row.sku, row.warehouse): int(row.available) for row in rows}


def unreleased(tx: Transaction) -> dict[str, datetime]:
    """SKU -> from when on it may be sent, of those that may not be sent yet."""
    return {row.sku: row.released_at for row in tx.rows(_UNRELEASED, now=tx.now)}


def unannounced(tx: Transaction, after: str, limit: int) -> dict[str, int] | None:
    """SKU -> what can be promised of it now, where that is not what was announced last.

    The first `limit` SKUs behind `after`, in their order, kits among them. None where somebody
    else announces at this moment.
    """
    if not tx.connection.execute(_ANNOUNCE_ALONE).scalar_one():
        return None
    rows = tx.rows(_UNANNOUNCED, after=after, limit=limit)
    return {row.sku: int(row.available) for row in rows}


def announce(tx: Transaction, units: Mapping[str, int]) -> Write:
    """What is told of each SKU now."""
    return Write(
        _ANNOUNCE,
        {"skus": list(units), "units": list(units.values()), "now": tx.now},
        rows=len(units),
    )


def warehouse(tx: Transaction, name: str) -> Warehouse | None:
    """A warehouse with its address."""
    row = tx.row(_WAREHOUSE, warehouse=name)
    return None if row is None else Warehouse(row.warehouse, row.address)


def lock_supply(
    tx: Transaction,
    skus: Collection[str],
    *,
    sale: str | None = None,
    draw: int | None = None,
    own: Collection[Key] = (),
) -> tuple[tuple[Supply, ...], dict[str, Sku]]:
    """The balances of `skus` that an order of `sale` may take from, locked, and each SKU.

    With a `draw` only one partition of each spread is locked, the same for the same number, and
    those in `own`, so that orders for a hot SKU do not all wait for one another; without one all.
    """
    rows = tx.rows(
        _LOCK_SUPPLY,
        skus=sorted(set(skus)),
        sale=sale,
        draw=draw,
        own_skus=[key.sku for key in own],
        own_warehouses=[key.warehouse for key in own],
        own_partitions=[key.partition for key in own],
    )
    supplies = tuple(
        Supply(_level(row), Point(row.lat, row.lon)) for row in rows if row.warehouse is not None
    )
    return supplies, {row.sku: Sku(row.sku, row.weight_g, row.released_at) for row in rows}


def lock(tx: Transaction, places: Iterable[tuple[str, str]]) -> Locked:
    """Every partition of the (sku, warehouse) pairs, locked."""
    wanted = sorted(set(places))
    skus, warehouses = [sku for sku, _ in wanted], [place for _, place in wanted]
    rows = tx.rows(_LOCK, skus=skus, warehouses=warehouses)
    return Locked(
        levels={Key(row.sku, row.warehouse, row.partition): _level(row) for row in rows},
        counted_at={(row.sku, row.warehouse): row.counted_at for row in rows if not row.partition},
    )


def ensure_levels(tx: Transaction, warehouse: str, skus: Collection[str]) -> None:
    """Empty balances for what a warehouse never had before."""
    tx.connection.execute(_ENSURE, {"warehouse": warehouse, "skus": sorted(set(skus))})


def change(changes: Iterable[Change], counted_at: datetime | None = None) -> Write:
    """Change balances, each once; `record` writes to the ledger what happens to on-hand.

    New promises are refused where the row cannot give them: the step then loses a race. A count
    says when it was taken, also of balances that it does not change.
    """
    made = together(changes, empty_too=counted_at is not None)
    return Write(
        _CHANGE,
        {
            "skus": [change.key.sku for change in made],
            "warehouses": [change.key.warehouse for change in made],
            "partitions": [change.key.partition for change in made],
            "on_hands": [change.on_hand for change in made],
            "reserveds": [change.reserved for change in made],
            "helds": [change.held for change in made],
            "counted_at": counted_at,
        },
        rows=len(made),
    )


def record(tx: Transaction, movements: Sequence[Movement], actor: str) -> Write:
    """Append to the ledger; the same reference twice is refused by the database."""
    return Write(
        _RECORD,
        {
            "skus": [m.key.sku for m in movements],
            "warehouses": [m.key.warehouse for m in movements],
            "partitions": [m.key.partition for m in movements],
            "kinds": [m.kind for m in movements],
            "reasons": [m.reason for m in movements],
            "quantities": [m.quantity for m in movements],
            "references": [m.reference for m in movements],
            "moments": [m.occurred_at for m in movements],
            "actor": actor,
            "now": tx.now,
        },
        rows=len(movements),
    )


def booked(
    tx: Transaction, warehouse: str, kind: MovementKind, reference: str, skus: Collection[str]
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
    tx: Transaction,
    skus: Sequence[tuple[str, int, int | None, int | None, int | None, datetime | None]],
) -> None:
    """Add or replace (sku, weight_g, length_mm, width_mm, height_mm, released_at)."""
    names = ("skus", "weights", "lengths", "widths", "heights", "releases")
    columns = zip(*skus, strict=True)
    tx.connection.execute(
        _INSERT_SKUS, {name: list(column) for name, column in zip(names, columns, strict=True)}
    )


def put_kits(tx: Transaction, kits: Mapping[str, Mapping[str, int]]) -> None:
    """Kit -> component -> units of it in one kit, from now on. Without components it is no kit."""
    tx.connection.execute(_DELETE_KITS, {"kits": sorted(kits)})
    rows = [(kit, part, n) for kit, parts in kits.items() for part, n in parts.items()]
    if rows:
        columns = zip(("kits", "components", "quantities"), zip(*rows, strict=True), strict=True)
        tx.connection.execute(_INSERT_KITS, {name: list(column) for name, column in columns})


def stocked(tx: Transaction, skus: Collection[str]) -> tuple[str, ...]:
    """Those of `skus` of which some warehouse has units, sorted."""
    return tuple(row.sku for row in tx.rows(_STOCKED, skus=sorted(set(skus))))


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


def _level(row: Any) -> Level:
    return Level(
        sku=row.sku,
        warehouse=row.warehouse,
        on_hand=row.on_hand,
        reserved=row.reserved,
        safety=row.safety,
        held=row.held,
        partition=row.partition,
        allotment=row.allotment,
        fenced_for=row.fenced_for,
        spread=row.spread,
    )
