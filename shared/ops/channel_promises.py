"""How much of the stock a channel's placed orders have been promised."""

from collections.abc import Collection

from sqlalchemy import text

from shared.platform.db import Transaction

_PROMISED = text("""
    SELECT sku, warehouse, sum(quantity) AS units
      FROM parcels JOIN orders USING (order_id) JOIN parcel_items USING (parcel_id)
     WHERE orders.channel = :channel AND sku = ANY(CAST(:skus AS text[]))
       AND parcels.state IN ('planned', 'labelling', 'labelled')
     GROUP BY sku, warehouse
""")


def promised_to_channel(
    tx: Transaction, channel: str, skus: Collection[str]
) -> dict[tuple[str, str], int]:
    """(SKU, warehouse) -> units in parcels that have not left. The balances are locked."""
    rows = tx.rows(_PROMISED, channel=channel, skus=sorted(skus))
    return {(row.sku, row.warehouse): int(row.units) for row in rows}
