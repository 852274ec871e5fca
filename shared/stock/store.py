"""The tables stock_levels and stock_movements. Nothing else writes to them.

What is read of SKUs and kits together with balances stands here as well.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from math import prod
from typing import Any

from shared.kit.geo import Point, PostalPlace, bare_postcode
from shared.platform.db import LostRace, Transaction, Write
from shared.platform.driver import Row
from shared.platform.sql import Statement, text
from shared.stock.types import (
    SHUT,
    Change,
    Key,
    Level,
    Locked,
    Movement,
    MovementKind,
    Sku,
    Supply,
    together,
)

_RESHAPED = "a balance was reshaped while it was waited for"

_FREE = text("""
    SELECT sku, warehouse, sum(greatest(0, on_hand - reserved - held - safety)) AS available
      FROM stock_levels
     WHERE sku = ANY(CAST(:skus AS text[])) AND allotment IS NULL AND fenced_for IS NULL
     GROUP BY sku, warehouse
    HAVING sum(greatest(0, on_hand - reserved - held - safety)) > 0
""")
_UNRELEASED = text("SELECT sku, released_at FROM skus WHERE released_at > :now")
_KNOWN = text("""
    SELECT sku, (SELECT jsonb_object_agg(component, quantity) FROM kit_components
                  WHERE kit = sku) AS kit
      FROM skus
     WHERE sku = ANY(CAST(:skus AS text[]))
""")

# Whatever decides must hold the lock; taken in key order, so that two orders never wait for one
# another. Of a balance that is spread over partitions one is drawn, or all are taken. What SKUs
# weigh comes along, for those without a single balance too. All comes as JSON in one row: reading a
# row costs the driver more than reading a text ten times as long.
# Which rows there are is read first, without a lock, so that a row that was reshaped while it was
# waited for comes back all the same, and is seen to be another one.
_LOCK_SUPPLY = text("""
    WITH wanted AS (
        SELECT sku, weight_g, length_mm, width_mm, height_mm, needs, released_at
          FROM skus WHERE sku = ANY(CAST(:skus AS text[]))
    ), seen AS MATERIALIZED (
        SELECT sku, warehouse, partition, layout
          FROM stock_levels
         WHERE sku = ANY(CAST(:skus AS text[]))
           AND (allotment IS NULL OR allotment = ANY(CAST(:sales AS text[])))
           AND (CAST(:draw AS bigint) IS NULL
                OR partition = spread_from + CAST(:draw AS bigint) % spread
                OR (sku, warehouse, partition) IN (
                    SELECT * FROM unnest(CAST(:own_skus AS text[]), CAST(:own_warehouses AS text[]),
                                         CAST(:own_partitions AS smallint[]))))
    ), levels AS (
        SELECT level.sku, level.warehouse, level.partition, on_hand, reserved, held, safety,
               allotment, fenced_for, spread_from, spread, level.layout <> seen.layout AS reshaped
          FROM seen JOIN stock_levels AS level USING (sku, warehouse, partition)
         ORDER BY level.sku, level.warehouse, level.partition
           FOR NO KEY UPDATE OF level
    )
    SELECT (SELECT json_agg(json_build_array(sku, weight_g, length_mm, width_mm, height_mm, needs,
                                             released_at))
              FROM wanted) AS skus,
           (SELECT json_agg(json_build_array(reshaped, sku, warehouse, on_hand, reserved, safety,
                                             held, partition, allotment, fenced_for, spread_from,
                                             spread))
              FROM levels) AS levels,
           (SELECT json_agg(json_build_array(warehouse, lat, lon, address->>'country',
                                             address->>'postcode'))
              FROM warehouses WHERE warehouse IN (SELECT warehouse FROM levels)) AS places
""")
_LOCK = text("""
    WITH seen AS MATERIALIZED (
        SELECT sku, warehouse, partition, layout
          FROM stock_levels
         WHERE (sku, warehouse) IN (SELECT * FROM unnest(CAST(:skus AS text[]),
                                                         CAST(:warehouses AS text[])))
    )
    SELECT level.*, level.layout <> seen.layout AS reshaped
      FROM seen JOIN stock_levels AS level USING (sku, warehouse, partition)
     ORDER BY level.sku, level.warehouse, level.partition
       FOR NO KEY UPDATE OF level
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
# The rows are locked, so the figures are as they were read; a new row starts from nothing.
_PUT = """
    INSERT INTO stock_levels (sku, warehouse, partition, on_hand, reserved, held, safety, allotment,
                              fenced_for, spread_from, spread)
    SELECT *
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:on_hands AS integer[]),
                  CAST(:reserveds AS integer[]), CAST(:helds AS integer[]),
                  CAST(:safeties AS integer[]), CAST(:allotments AS text[]),
                  CAST(:fences AS text[]), CAST(:froms AS smallint[]), CAST(:spreads AS smallint[]))
        ON CONFLICT (sku, warehouse, partition) DO UPDATE
       SET on_hand = excluded.on_hand, reserved = excluded.reserved, held = excluded.held,
           safety = excluded.safety, allotment = excluded.allotment,
           fenced_for = excluded.fenced_for, spread_from = excluded.spread_from,
           spread = excluded.spread, layout = stock_levels.layout + 1
 RETURNING 1
"""
_COUNTED = """
    UPDATE stock_levels SET counted_at = :counted_at WHERE sku = :sku AND warehouse = :warehouse
 RETURNING 1
"""
_ALLOTTED = text("""
    SELECT DISTINCT sku, warehouse FROM stock_levels
     WHERE allotment = :sale ORDER BY sku, warehouse LIMIT :limit
""")
_LEFT_BEHIND = text("""
    SELECT DISTINCT sku, warehouse FROM stock_levels
     WHERE fenced_for = :shut AND on_hand > reserved + held AND (sku, warehouse) > (:sku, :place)
       AND EXISTS (SELECT FROM stock_levels AS open
                    WHERE (open.sku, open.warehouse) = (stock_levels.sku, stock_levels.warehouse)
                      AND open.allotment IS NULL AND open.fenced_for IS NULL)
     ORDER BY sku, warehouse LIMIT :limit
""")
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
# A repair is left out: nothing has moved, the ledger was wrong. One of another moment than it
# was booked at dates a movement back.
_MOVED_SINCE = text("""
    SELECT sku, sum(quantity) AS quantity
      FROM stock_movements
     WHERE warehouse = :warehouse AND sku = ANY(CAST(:skus AS text[])) AND occurred_at > :moment
       AND (kind <> 'repair' OR occurred_at <> recorded_at)
       AND NOT (kind = 'short_pick' AND sku = ANY(CAST(:not_missed AS text[])))
     GROUP BY sku
""")
# A return says in its reason which parcel it was sent in. What is booked under its own reference is
# the same return again.
_CAME_BACK = text("""
    SELECT sku, sum(quantity) AS quantity
      FROM stock_movements
     WHERE kind = 'return' AND reason = :parcel_id
       AND (warehouse, reference) <> (:warehouse, :return_id)
     GROUP BY sku
""")
_STOCKED = text("""
    SELECT DISTINCT sku FROM stock_levels
     WHERE sku = ANY(CAST(:skus AS text[])) AND on_hand <> 0 ORDER BY sku
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


def lock_supply(
    tx: Transaction,
    skus: Collection[str],
    *,
    sales: Collection[str] = (),
    draw: int | None = None,
    own: Collection[Key] = (),
) -> Supply:
    """The balances of `skus` that orders of these sales may take from, locked, and each SKU.

    With a `draw` only one partition of each spread is locked, the same for the same number, and
    those in `own`, so that orders for a hot SKU do not all wait for one another; without one all.

    Raises:
        LostRace: a balance was reshaped while it was waited for.
    """
    row = tx.row(
        _LOCK_SUPPLY,
        skus=sorted(set(skus)),
        sales=sorted(sales),
        draw=draw,
        own_skus=[key.sku for key in own],
        own_warehouses=[key.warehouse for key in own],
        own_partitions=[key.partition for key in own],
    )
    assert row is not None
    levels = row.levels or ()
    if any(reshaped for reshaped, *_ in levels):
        raise LostRace(_RESHAPED)
    places = row.places or ()
    return Supply(
        levels=tuple([Level(*figures) for _, *figures in levels]),
        places={name: Point(lat, lon) for name, lat, lon, _, _ in places},
        origins={
            name: PostalPlace(country, bare_postcode(postcode))
            for name, _, _, country, postcode in places
        },
        skus={unit[0]: _sku(unit) for unit in row.skus or ()},
    )


def lock(tx: Transaction, places: Iterable[tuple[str, str]]) -> Locked:
    """Every partition of the (sku, warehouse) pairs, locked.

    Raises:
        LostRace: a balance was reshaped while it was waited for.
    """
    wanted = sorted(set(places))
    skus, warehouses = [sku for sku, _ in wanted], [place for _, place in wanted]
    rows = _unshaped(tx, _LOCK, skus=skus, warehouses=warehouses)
    return Locked(
        levels={Key(row.sku, row.warehouse, row.partition): _level(row) for row in rows},
        counted_at={(row.sku, row.warehouse): row.counted_at for row in rows if not row.partition},
    )


def ensure_levels(tx: Transaction, warehouse: str, skus: Collection[str]) -> None:
    """Empty balances for what a warehouse never had before."""
    tx.rows(_ENSURE, warehouse=warehouse, skus=sorted(set(skus)))


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


def counted(sku: str, warehouse: str, counted_at: datetime | None) -> Write:
    """A locked balance was counted then, whatever it says; None: never."""
    return Write(_COUNTED, {"sku": sku, "warehouse": warehouse, "counted_at": counted_at})


def put(levels: Iterable[Level]) -> Write:
    """Locked balances as they are to be, and new ones; of one (sku, warehouse) give them all.

    For what lays a balance anew. What takes or gives units is a `change`.
    """
    made = sorted(levels, key=lambda level: level.key)
    return Write(
        _PUT,
        {
            "skus": [level.sku for level in made],
            "warehouses": [level.warehouse for level in made],
            "partitions": [level.partition for level in made],
            "on_hands": [level.on_hand for level in made],
            "reserveds": [level.reserved for level in made],
            "helds": [level.held for level in made],
            "safeties": [level.safety for level in made],
            "allotments": [level.allotment for level in made],
            "fences": [level.fenced_for for level in made],
            "froms": [level.spread_from for level in made],
            "spreads": [level.spread for level in made],
        },
        rows=len(made),
    )


def allotted(tx: Transaction, sale: str, limit: int) -> Sequence[tuple[str, str]]:
    """Some (SKU, warehouse) in which units are allotted to the sale, without a lock."""
    rows = tx.rows(_ALLOTTED, sale=sale, limit=limit)
    return [(row.sku, row.warehouse) for row in rows]


def left_behind(tx: Transaction, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str]]:
    """Some (SKU, warehouse) behind `after` with free units in a partition that is shut.

    Only where a row of the pool can take them.
    """
    rows = tx.rows(_LEFT_BEHIND, shut=SHUT, sku=after[0], place=after[1], limit=limit)
    return [(row.sku, row.warehouse) for row in rows]


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
    tx: Transaction,
    warehouse: str,
    skus: Collection[str],
    moment: datetime,
    *,
    not_missed: Collection[str] = (),
) -> Mapping[str, int]:
    """What was added to each SKU's on-hand after `moment`; missing means nothing.

    What short picks took off is left out of the SKUs in `not_missed`.
    """
    rows = tx.rows(
        _MOVED_SINCE,
        warehouse=warehouse,
        skus=sorted(skus),
        moment=moment,
        not_missed=sorted(not_missed),
    )
    return {row.sku: int(row.quantity) for row in rows}


def came_back(tx: Transaction, parcel_id: str, *, besides: tuple[str, str]) -> Mapping[str, int]:
    """SKU -> units that came back of the parcel, but in the return `besides`: warehouse and id."""
    warehouse, return_id = besides
    rows = tx.rows(_CAME_BACK, parcel_id=parcel_id, warehouse=warehouse, return_id=return_id)
    return {row.sku: int(row.quantity) for row in rows}


def stocked(tx: Transaction, skus: Collection[str]) -> tuple[str, ...]:
    """Those of `skus` of which some warehouse has units, sorted."""
    return tuple(row.sku for row in tx.rows(_STOCKED, skus=sorted(set(skus))))


def _unshaped(tx: Transaction, statement: Statement, **parameters: object) -> Sequence[Row]:
    rows = tx.rows(statement, **parameters)
    if any(row.reshaped for row in rows):
        raise LostRace(_RESHAPED)
    return rows


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
        spread_from=row.spread_from,
        spread=row.spread,
    )


def _sku(unit: Sequence[Any]) -> Sku:
    sku, weight_g, length_mm, width_mm, height_mm, needs, released_at = unit
    known = None not in {length_mm, width_mm, height_mm}
    sides_mm = (length_mm or 0, width_mm or 0, height_mm or 0)
    return Sku(
        sku=sku,
        weight_g=weight_g,
        released_at=None if released_at is None else datetime.fromisoformat(released_at),
        volume_mm3=prod(sides_mm) if known else 0,
        longest_mm=max(sides_mm),
        needs=frozenset(needs),
    )
