"""The table warehouse_refusals: how often warehouses could not send. Nothing else writes to it."""

from collections.abc import Mapping

from shared.platform.db import Transaction
from shared.platform.sql import text

_PUT = text("""
    INSERT INTO warehouse_refusals AS known (warehouse, orders, refused, counted_at)
    SELECT warehouse, orders, refused, CAST(:now AS timestamptz)
      FROM unnest(CAST(:warehouses AS text[]), CAST(:orders AS integer[]),
                  CAST(:refused AS integer[])) AS counted (warehouse, orders, refused)
     ORDER BY warehouse
        ON CONFLICT (warehouse) DO UPDATE
       SET orders = excluded.orders, refused = excluded.refused, counted_at = excluded.counted_at
""")


def put(tx: Transaction, counted: Mapping[str, tuple[int, int]]) -> None:
    """Warehouse -> how many orders it was given, and of how many it could not send something."""
    tx.rows(
        _PUT,
        warehouses=list(counted),
        orders=[orders for orders, _ in counted.values()],
        refused=[refused for _, refused in counted.values()],
        now=tx.now,
    )
