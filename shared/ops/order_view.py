"""One order with all that belongs to it, as those outside may see it. Writes nothing."""

from shared.contracts.http_orders import OrderView
from shared.platform.db import Transaction
from shared.platform.sql import text

# One statement, so that the order and its parcels are of the same moment. What the view does not
# name is left behind when it is read.
_VIEW = text("""
    SELECT to_jsonb(wanted) || jsonb_build_object('shipping_cents', (
               SELECT amount_cents FROM order_charges AS paid
                WHERE paid.order_id = wanted.order_id)) AS facts,
           wanted.destination || jsonb_build_object('lat', lat, 'lon', lon) AS destination,
           (SELECT coalesce(jsonb_agg(to_jsonb(line) ORDER BY line_no), '[]')
              FROM order_lines AS line
             WHERE line.order_id = wanted.order_id) AS lines,
           (SELECT coalesce(jsonb_agg(to_jsonb(parcel) || jsonb_build_object('items', (
                       SELECT coalesce(jsonb_agg(to_jsonb(item) ORDER BY line_no), '[]')
                         FROM parcel_items AS item
                        WHERE item.parcel_id = parcel.parcel_id))
                   ORDER BY planned_at, parcel_id), '[]')
              FROM parcels AS parcel
             WHERE parcel.order_id = wanted.order_id) AS parcels,
           (SELECT coalesce(jsonb_agg(to_jsonb(charge)
                   ORDER BY charged_at, parcel_id, entry, kind), '[]')
              FROM charges AS charge
             WHERE charge.order_id = wanted.order_id) AS charges
      FROM orders AS wanted
     WHERE wanted.order_id = :order_id
""")


def view_order(tx: Transaction, order_id: str) -> OrderView | None:
    """The order as it stands, or None."""
    row = tx.row(_VIEW, order_id=order_id)
    if row is None:
        return None
    parts = {name: getattr(row, name) for name in ("destination", "lines", "parcels", "charges")}
    return OrderView.model_validate({**row.facts, **parts})
