"""Parcels as a person looks for them. Writes nothing.

A page is 50 parcels in the order of an index, behind a cursor; how many there are is not counted.
"""

from typing import get_args

from shared.contracts.http_ops_parcels import OpsParcels, ParcelFilters, ParcelRow, StatusName
from shared.ops.order_list import cursor, read_cursor
from shared.platform.db import Transaction
from shared.platform.narrowed import narrowed

PAGE = 50

_LIST = """
    SELECT parcel_id, order_id, warehouse, carrier, service, state, tracking_code,
           tracking_status AS status, tracking_status_at AS status_at, planned_at, ship_on,
           arrives_on
      FROM parcels
     WHERE {conditions}
     ORDER BY planned_at DESC, parcel_id DESC
     LIMIT :limit
"""
# A word is looked up in every way that has an index; an order has a few parcels at most.
_FOUND = """
    WITH meant AS (
        SELECT parcel_id FROM parcels WHERE parcel_id = :q
         UNION
        SELECT parcel_id FROM parcels WHERE tracking_code = :q
         UNION
        SELECT parcel_id FROM parcels WHERE order_id = :q
    )
    SELECT parcel_id, order_id, warehouse, carrier, service, state, tracking_code,
           tracking_status AS status, tracking_status_at AS status_at, planned_at, ship_on,
           arrives_on
      FROM meant JOIN parcels USING (parcel_id)
     WHERE {conditions}
     ORDER BY planned_at DESC, parcel_id DESC
     LIMIT :limit
"""
_CONDITIONS = {
    "state": "state = :state",
    "carrier": "carrier = :carrier",
    "warehouse": "warehouse = :warehouse",
    "scope": "warehouse = ANY(CAST(:scope AS text[]))",
    "after_at": """(planned_at, parcel_id) < (CAST(:after_at AS timestamptz),
                                            CAST(:after_id AS text))""",
}
# The unusual ones have an index of their own, which only a constant finds.
_STATUS = {name: f"tracking_status = '{name}'" for name in get_args(StatusName)}


def parcel_list(
    tx: Transaction, filters: ParcelFilters, scope: frozenset[str] | None
) -> OpsParcels:
    """The next page of the parcels that fit; `scope`: only those of these warehouses.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    after_at, after_id = read_cursor(filters.cursor) if filters.cursor else (None, None)
    asked: dict[str, object] = {
        "state": filters.state,
        "carrier": filters.carrier.strip() or None,
        "warehouse": filters.warehouse.strip() or None,
        "scope": None if scope is None else sorted(scope),
        "after_at": after_at,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = [_CONDITIONS[name] for name in given]
    if filters.status is not None:
        conditions.append(_STATUS[filters.status])
    if after_id is not None:
        given["after_id"] = after_id
    word = filters.q.strip()
    if word:
        given["q"] = word
    statement = narrowed(_FOUND if word else _LIST, conditions)
    rows = tx.rows(statement, limit=PAGE + 1, **given)
    found = tuple(ParcelRow.model_validate(dict(row._mapping)) for row in rows[:PAGE])  # noqa: SLF001
    is_last = len(rows) <= PAGE
    return OpsParcels(
        parcels=found,
        next=None if is_last else cursor(found[-1].planned_at, found[-1].parcel_id),
    )
