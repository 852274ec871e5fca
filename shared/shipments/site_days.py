"""The table site_days: how many parcels leave a warehouse on a day. Nothing else writes to it.

Only days of warehouses that cannot send any number are counted, from the first parcel that is
planned for one after the warehouse was said to have an end.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

Day = tuple[str, date]  # warehouse, and the day on which parcels leave

_USED = text("""
    SELECT warehouse, ship_on, parcels FROM site_days
     WHERE warehouse = ANY(CAST(:warehouses AS text[]))
""")
# What was planned for the day before is in it from the start.
_BEGIN = text("""
    INSERT INTO site_days (warehouse, ship_on, parcels)
    SELECT warehouse, ship_on, (SELECT count(*) FROM parcels
                                 WHERE parcels.warehouse = day.warehouse
                                   AND parcels.ship_on = day.ship_on AND state <> 'cancelled')
      FROM unnest(CAST(:warehouses AS text[]), CAST(:days AS date[])) AS day (warehouse, ship_on)
     ORDER BY warehouse, ship_on
        ON CONFLICT DO NOTHING
""")
# The guard is part of the writing statement: a day that is full stays as it is, and the step is
# rolled back because too few rows were written.
_TAKE = """
    UPDATE site_days SET parcels = site_days.parcels + more.parcels
      FROM unnest(CAST(:warehouses AS text[]), CAST(:days AS date[]), CAST(:parcels AS integer[]),
                  CAST(:most AS integer[])) AS more (warehouse, ship_on, parcels, most)
     WHERE site_days.warehouse = more.warehouse AND site_days.ship_on = more.ship_on
       AND site_days.parcels + more.parcels <= most
 RETURNING 1
"""
_GIVE_BACK = """
    UPDATE site_days SET parcels = greatest(0, site_days.parcels - fewer.parcels)
      FROM unnest(CAST(:warehouses AS text[]), CAST(:days AS date[]), CAST(:parcels AS integer[]))
        AS fewer (warehouse, ship_on, parcels)
     WHERE site_days.warehouse = fewer.warehouse AND site_days.ship_on = fewer.ship_on
 RETURNING 1
"""
_FORGET = text("DELETE FROM site_days WHERE warehouse = :warehouse")


def used(tx: Transaction, warehouses: Collection[str]) -> dict[Day, int]:
    """Parcels by day, of the days that are counted; no lock: what plans more looks again."""
    rows = tx.rows(_USED, warehouses=sorted(warehouses))
    return {(row.warehouse, row.ship_on): row.parcels for row in rows}


def begin(tx: Transaction, days: Collection[Day]) -> None:
    """Count these days from now on, with what is planned for them already."""
    tx.rows(
        _BEGIN,
        warehouses=[warehouse for warehouse, _ in sorted(days)],
        days=[day for _, day in sorted(days)],
    )


def take(parcels: Collection[tuple[Day, int]]) -> Write:
    """Parcels are planned for days that are counted; refused where there would be more than that.

    `parcels` has each one's day, and how many may leave on it in all.
    """
    counted = Counter(day for day, _ in parcels)
    most = dict(parcels)
    columns = {**_columns(counted), "most": [most[day] for day in sorted(counted)]}
    return Write(_TAKE, columns, rows=len(counted))


def give_back(parcels: Iterable[Day]) -> Write:
    """Parcels will not leave; a day that nobody counts is left alone."""
    return Write(_GIVE_BACK, _columns(Counter(parcels)))


def forget(tx: Transaction, warehouse: str) -> None:
    """What the warehouse can send was said anew: its days are counted from the start."""
    tx.rows(_FORGET, warehouse=warehouse)


def _columns(counted: Mapping[Day, int]) -> dict[str, list[object]]:
    days = sorted(counted)
    return {
        "warehouses": [warehouse for warehouse, _ in days],
        "days": [day for _, day in days],
        "parcels": [counted[day] for day in days],
    }
