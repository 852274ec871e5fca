"""The table stock_announced: what was told last of each SKU. Nothing else writes to it."""

from collections.abc import Mapping

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

# Two that announce at once would say everything twice.
_ANNOUNCE_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('stock_announced', 0))")
# Of a kit there are as many as its scarcest component allows, and of what is not released yet none.
# In order of SKU, so that each batch reads on where the last one ended.
_UNANNOUNCED = text("""
    WITH unreleased AS MATERIALIZED (
        SELECT sku FROM skus WHERE released_at > CAST(:now AS timestamptz)
    ), single AS (
        SELECT sku, sum(CASE WHEN allotment IS NULL AND fenced_for IS NULL
                              AND sku NOT IN (SELECT sku FROM unreleased)
                             THEN greatest(0, on_hand - reserved - held - safety)
                             ELSE 0 END) AS available
          FROM stock_levels
         WHERE sku > :after
         GROUP BY sku
    ), component AS (
        SELECT sku, sum(greatest(0, on_hand - reserved - held - safety)) AS available
          FROM stock_levels
         WHERE sku IN (SELECT component FROM kit_components WHERE kit > :after)
           AND allotment IS NULL AND fenced_for IS NULL
           AND sku NOT IN (SELECT sku FROM unreleased)
         GROUP BY sku
    ), kit AS (
        SELECT kit AS sku, min(coalesce(available, 0)::bigint / quantity) AS available
          FROM kit_components LEFT JOIN component ON sku = component
         WHERE kit > :after
         GROUP BY kit
    ), promised AS (
        SELECT sku, available FROM single WHERE NOT EXISTS (
               SELECT FROM kit_components WHERE kit_components.kit = single.sku)
         UNION ALL
        SELECT sku, available FROM kit)
    SELECT sku, promised.available
      FROM promised LEFT JOIN stock_announced USING (sku)
     WHERE promised.available <> coalesce(stock_announced.available, 0)
     ORDER BY sku
     LIMIT :limit
""")
_ANNOUNCE = """
    INSERT INTO stock_announced (sku, available, announced_at)
    SELECT sku, available, CAST(:now AS timestamptz)
      FROM unnest(CAST(:skus AS text[]), CAST(:units AS bigint[])) AS told (sku, available)
        ON CONFLICT (sku) DO UPDATE
       SET available = excluded.available, announced_at = excluded.announced_at
 RETURNING 1
"""


def unannounced(tx: Transaction, after: str, limit: int) -> dict[str, int] | None:
    """SKU -> what can be promised of it now, where that is not what was announced last.

    The first `limit` SKUs behind `after`, in their order, kits among them. None where somebody
    else announces at this moment.
    """
    if not tx.rows(_ANNOUNCE_ALONE)[0][0]:
        return None
    rows = tx.rows(_UNANNOUNCED, after=after, limit=limit, now=tx.now)
    return {row.sku: int(row.available) for row in rows}


def announce(tx: Transaction, units: Mapping[str, int]) -> Write:
    """What is told of each SKU now."""
    return Write(
        _ANNOUNCE,
        {"skus": list(units), "units": list(units.values()), "now": tx.now},
        rows=len(units),
    )
