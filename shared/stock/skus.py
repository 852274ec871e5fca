"""The table skus: what is sold, by its name. Nothing else writes to it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

_INSERT_SKUS = text("""
    INSERT INTO skus (sku, weight_g, length_mm, width_mm, height_mm, released_at, needs)
    SELECT sku, weight_g, length_mm, width_mm, height_mm, released_at,
           ARRAY(SELECT jsonb_array_elements_text(CAST(needs AS jsonb)))
      FROM unnest(CAST(:skus AS text[]), CAST(:weights AS integer[]), CAST(:lengths AS integer[]),
                  CAST(:widths AS integer[]), CAST(:heights AS integer[]),
                  CAST(:releases AS timestamptz[]), CAST(:needs AS text[]))
        AS unit (sku, weight_g, length_mm, width_mm, height_mm, released_at, needs)
        ON CONFLICT (sku) DO UPDATE
       SET weight_g = excluded.weight_g, length_mm = excluded.length_mm,
           width_mm = excluded.width_mm, height_mm = excluded.height_mm,
           released_at = excluded.released_at, needs = excluded.needs
""")
_NEEDS = text("""
    SELECT DISTINCT need FROM skus, unnest(needs) AS need
     WHERE sku = ANY(CAST(:skus AS text[]))
""")
_RELEASED = text("""
    SELECT sku, array_agg(warehouse ORDER BY warehouse) AS warehouses
      FROM skus JOIN stock_levels USING (sku)
     WHERE released_at > :since AND released_at <= :until AND partition = 0
     GROUP BY sku
     ORDER BY sku
""")


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit of a SKU is, packaging included; a side may be unknown.

    `needs` are capabilities that a warehouse and a carrier must have to send it.
    """

    sku: str
    weight_g: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    released_at: datetime | None = None
    needs: frozenset[str] = frozenset()


def put_skus(tx: Transaction, units: Sequence[Unit]) -> None:
    """Add or replace SKUs."""
    tx.rows(
        _INSERT_SKUS,
        skus=[unit.sku for unit in units],
        weights=[unit.weight_g for unit in units],
        lengths=[unit.length_mm for unit in units],
        widths=[unit.width_mm for unit in units],
        heights=[unit.height_mm for unit in units],
        releases=[unit.released_at for unit in units],
        needs=[json.dumps(sorted(unit.needs)) for unit in units],
    )


def needs(tx: Transaction, skus: Collection[str]) -> frozenset[str]:
    """What a carrier must be able to handle to take all of these."""
    return frozenset(row.need for row in tx.rows(_NEEDS, skus=sorted(skus)))


def released(tx: Transaction, since: datetime, until: datetime) -> Mapping[str, Sequence[str]]:
    """What is released after the one moment and up to the other: SKU -> warehouses that know it."""
    rows = tx.rows(_RELEASED, since=since, until=until)
    return {row.sku: row.warehouses for row in rows}
