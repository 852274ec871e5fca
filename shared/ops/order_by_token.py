"""The order whose page a token opens, with what its customer may see. Writes nothing."""

from pydantic import TypeAdapter

from shared.ops.followed_orders import FollowedOrder, FollowedParcel
from shared.platform.db import Transaction
from shared.platform.sql import text

_PARCELS: TypeAdapter[tuple[FollowedParcel, ...]] = TypeAdapter(tuple[FollowedParcel, ...])
# One statement, so that all is of the same moment. It names every single thing that leaves the
# database.
_BY_TOKEN = text("""
    SELECT right(order_id, 4) AS number_end, state, language,
           destination->>'country' AS country,
           coalesce((SELECT time_zone FROM warehouses
                      ORDER BY power(warehouses.lat - orders.lat, 2)
                             + power((warehouses.lon - orders.lon) * cos(radians(orders.lat)), 2),
                               warehouse
                      LIMIT 1), 'UTC') AS time_zone,
           ordered_at, promised_at, expected_at, closed_at,
           return_wanted_at IS NOT NULL AS is_wanted_back,
           units.out_of_stock, units.waiting, units.cancelled,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'carrier', carrier,
                       'code_end', right(tracking_code, 4),
                       'units', (SELECT coalesce(sum(quantity), 0) FROM parcel_items
                                  WHERE parcel_items.parcel_id = parcels.parcel_id),
                       'state', state,
                       'status', tracking_status,
                       'status_at', tracking_status_at,
                       'ship_on', ship_on,
                       'arrives_on', arrives_on,
                       'picked_at', picked_at,
                       'shipped_at', shipped_at,
                       'delivered_at', delivered_at,
                       'returned_at', returned_at,
                       'news', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                           'status', status,
                                           'reason', reason,
                                           'occurred_at', occurred_at)
                                       ORDER BY occurred_at, content_id), '[]')
                                  FROM tracking_events
                                 WHERE tracking_events.parcel_id = parcels.parcel_id))
                   ORDER BY planned_at, parcel_id), '[]')
              FROM parcels
             WHERE parcels.order_id = orders.order_id AND state <> 'cancelled') AS parcels
      FROM orders CROSS JOIN LATERAL (
           SELECT coalesce(sum(backordered * pieces), 0) AS out_of_stock,
                  coalesce(sum((quantity - allocated - backordered - cancelled) * pieces), 0)
                      AS waiting,
                  coalesce(sum(cancelled * pieces), 0) AS cancelled
             FROM order_lines CROSS JOIN LATERAL (
                  SELECT coalesce(sum(CAST(value AS integer)), 1) AS pieces
                    FROM jsonb_each_text(kit)) AS kits
            WHERE order_lines.order_id = orders.order_id) AS units
     WHERE tracking_token = :token
""")


def find(tx: Transaction, token: str) -> FollowedOrder | None:
    """The order whose page the token opens, or None."""
    row = tx.row(_BY_TOKEN, token=token)
    if row is None:
        return None
    return FollowedOrder(
        number_end=row.number_end,
        state=row.state,
        language=row.language,
        country=row.country,
        time_zone=row.time_zone,
        ordered_at=row.ordered_at,
        promised_at=row.promised_at,
        expected_at=row.expected_at,
        closed_at=row.closed_at,
        is_wanted_back=row.is_wanted_back,
        out_of_stock=int(row.out_of_stock),
        waiting=int(row.waiting),
        cancelled=int(row.cancelled),
        parcels=_PARCELS.validate_python(row.parcels),
    )
