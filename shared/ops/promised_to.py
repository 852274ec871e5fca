"""To whom units of a balance are promised, by name, for who has to settle it. Writes nothing."""

from collections import defaultdict
from collections.abc import Collection

from shared.platform.db import Transaction
from shared.platform.sql import text

MOST = 10  # names of each balance, those that were promised first

_PROMISES = text("""
    WITH place AS (
        SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]))
                      AS place (sku, warehouse)
    ), single AS (
        SELECT sku, warehouse, 'order ' || parcels.order_id AS name, min(planned_at) AS since,
               sum(quantity) AS units
          FROM parcels JOIN parcel_items USING (parcel_id) JOIN place USING (sku, warehouse)
         WHERE state IN ('planned', 'labelling', 'labelled')
         GROUP BY sku, warehouse, parcels.order_id
         UNION ALL
        SELECT sku, warehouse,
               CASE WHEN for_order IS NOT NULL THEN 'order ' || for_order
                    WHEN purpose = 'transfer' THEN 'transfer ' || reference
                    WHEN purpose = 'quarantine' THEN 'quarantine of return ' || reference
                    ELSE purpose || ' hold ' || hold_id END,
               min(created_at), sum(quantity)
          FROM stock_holds JOIN stock_hold_items USING (hold_id)
               JOIN place USING (sku, warehouse)
         WHERE state = 'open'
         GROUP BY sku, warehouse, hold_id
    ), promise AS (
        SELECT sku, warehouse, name, min(since) AS since, sum(units) AS units
          FROM single GROUP BY sku, warehouse, name
    ), numbered AS (
        SELECT *, row_number() OVER (PARTITION BY sku, warehouse ORDER BY since, name) AS number,
               count(*) OVER (PARTITION BY sku, warehouse) AS of
          FROM promise)
    SELECT sku, warehouse, name, units, of FROM numbered
     WHERE number <= :most
     ORDER BY sku, warehouse, number
""")


def promised_to(tx: Transaction, places: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(SKU, warehouse) -> the orders and holds that have promises there, the oldest first."""
    rows = tx.rows(
        _PROMISES,
        skus=[sku for sku, _ in places],
        warehouses=[warehouse for _, warehouse in places],
        most=MOST,
    )
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    more: dict[tuple[str, str], int] = {}
    for row in rows:
        names[row.sku, row.warehouse].append(f"{row.name} ({row.units})")
        more[row.sku, row.warehouse] = row.of - MOST
    return {
        place: ", ".join(found) + (f" and {more[place]} more" if more[place] > 0 else "")
        for place, found in names.items()
    }
