"""What has changed since somebody heard last, with all the rooms that it concerns. Writes nothing.

A message names an order or a parcel; that its warehouse, its carrier, its SKUs and its queue have
changed as well is known here only, and so are the lists in which all these stand.
"""

from datetime import datetime
from typing import NamedTuple

from shared.platform.db import Transaction
from shared.platform.live_changes import Position
from shared.platform.sql import text

# Both bounds, so that it is read by its index whatever the planner knows of the snapshot. Arrays,
# so that what was told of is looked up by its keys, however much of it the planner expects.
_SINCE = text("""
    WITH heard AS (
        SELECT DISTINCT unnest(rooms) AS room
          FROM live_changes
         WHERE xid >= pg_snapshot_xmin(CAST(CAST(:seen AS text) AS pg_snapshot))
           AND xid < pg_snapshot_xmax(pg_current_snapshot())
           AND NOT pg_visible_in_snapshot(xid, CAST(CAST(:seen AS text) AS pg_snapshot))
    ), moved AS (
        SELECT parcel_id, warehouse, carrier FROM parcels
         WHERE parcel_id = ANY(ARRAY(SELECT substr(room, 8) FROM heard WHERE room LIKE 'parcel:%'))
    ), ordered AS (
        SELECT order_id, priority FROM orders
         WHERE order_id = ANY(ARRAY(SELECT substr(room, 7) FROM heard WHERE room LIKE 'order:%'))
    )
    SELECT CAST(pg_current_snapshot() AS text) AS snapshot,
           CAST(extract(epoch FROM pg_postmaster_start_time()) AS bigint) AS server_s,
           (SELECT coalesce(array_agg(room), '{}') FROM heard) AS rooms,
           (SELECT coalesce(array_agg(DISTINCT warehouse), '{}') FROM moved) AS warehouses,
           (SELECT coalesce(array_agg(DISTINCT carrier), '{}') FROM moved) AS carriers,
           (SELECT coalesce(array_agg(DISTINCT priority), '{}') FROM ordered) AS priorities,
           EXISTS (SELECT FROM labels
                    WHERE parcel_id = ANY(ARRAY(SELECT parcel_id FROM moved))
                      AND state IN ('void_requested', 'voided')) AS has_given_back,
           (SELECT coalesce(array_agg(sku), '{}')
              FROM (SELECT sku FROM parcel_items
                     WHERE parcel_id = ANY(ARRAY(SELECT parcel_id FROM moved))
                     UNION
                    SELECT sku FROM order_lines
                     WHERE order_id = ANY(ARRAY(SELECT order_id FROM ordered))) AS meant) AS skus
""")
_NOW = text("""
    SELECT CAST(pg_current_snapshot() AS text) AS snapshot,
           CAST(extract(epoch FROM pg_postmaster_start_time()) AS bigint) AS server_s
""")

# Which kinds of rooms a list is about, by the room of the list.
_LISTS = {
    "orders": ("order",),
    "parcels": ("parcel",),
    "manifests": ("manifest",),
    "carriers": ("carrier",),
    "subscribers": ("subscriber",),
    "transfers": ("inbound",),
    "stock": ("warehouse", "sku"),
}


class Heard(NamedTuple):
    """The rooms in which something was committed up to a position.

    `is_all`: None is left out; otherwise what is known of the past does not reach so far back.
    """

    position: Position
    rooms: frozenset[str]
    is_all: bool = True


def position(tx: Transaction) -> Position:
    """How far somebody has heard who begins to look now."""
    row = tx.row(_NOW)
    assert row is not None, "it is there"
    return Position(_unix_s(tx.now), row.server_s, row.snapshot)


def since(tx: Transaction, seen: Position) -> Heard:
    """All that was committed since, whoever told it and in whatever order."""
    row = tx.row(_SINCE, seen=seen.snapshot)
    assert row is not None, "it is an aggregate"
    now = Position(_unix_s(tx.now), row.server_s, row.snapshot)
    rooms = {
        *row.rooms,
        *(f"warehouse:{name}" for name in row.warehouses),
        *(f"carrier:{name}" for name in row.carriers),
        *(f"queue:{name}" for name in row.priorities),
        *(f"sku:{name}" for name in row.skus),
    }
    if rooms:
        rooms.add("overview")
    heard = {room.partition(":")[0] for room in rooms}
    rooms |= {name for name, kinds in _LISTS.items() if not heard.isdisjoint(kinds)}
    if row.has_given_back:
        rooms.add("manifests")  # on which it was is known no more, if it was on one
    return Heard(now, frozenset(rooms), seen.leads_to(now, tx.now))


def _unix_s(moment: datetime) -> int:
    return int(moment.timestamp())
