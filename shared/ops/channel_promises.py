"""How much of the stock a channel has been promised: to its placed orders, and to its carts."""

from collections import Counter
from collections.abc import Collection

from shared.platform.db import Transaction
from shared.platform.sql import text

# Not a word of units that have left: they are no longer on hand either.
PROMISES = """
    SELECT sku, warehouse, quantity
      FROM parcels JOIN orders USING (order_id) JOIN parcel_items USING (parcel_id)
     WHERE orders.channel = CAST(:channel AS text)
       AND parcels.state IN ('planned', 'labelling', 'labelled')
     UNION ALL
    SELECT sku, warehouse, quantity
      FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE channel = CAST(:channel AS text) AND state = 'open'
"""
_PROMISED = text(f"""
    SELECT sku, warehouse, sum(quantity) AS units
      FROM ({PROMISES}) AS promise
     WHERE sku = ANY(CAST(:skus AS text[]))
     GROUP BY sku, warehouse
""")  # noqa: S608


def promised_to_channel(
    tx: Transaction, channel: str, skus: Collection[str]
) -> Counter[tuple[str, str]]:
    """(SKU, warehouse) -> units in parcels that have not left and in open holds.

    The balances are locked.
    """
    rows = tx.rows(_PROMISED, channel=channel, skus=sorted(skus))
    return Counter({(row.sku, row.warehouse): int(row.units) for row in rows})
