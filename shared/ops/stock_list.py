"""SKUs with their stock as a person looks for them. Writes nothing.

A page is 50 SKUs in the order of their names. Each of them is summed when its turn comes, so a page
reads the balances of its own SKUs alone; what narrows the list is found before, in one look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.contracts.http_ops_stock import StockFilters, StockRow
from shared.platform.db import Transaction
from shared.platform.sql import Statement, text

PAGE = 50

_CONDITIONS: Mapping[str, str] = {
    "q": "skus.sku ILIKE :part",
    "sku": "skus.sku = :sku",
    "cursor": "skus.sku > :cursor",
    "places": "level.warehouses > 0",
    "at_most": """skus.sku IN (
        SELECT sku FROM stock_levels WHERE true {here} GROUP BY sku
        HAVING coalesce(sum(greatest(0, on_hand - reserved - held - safety))
               FILTER (WHERE fenced_for IS NULL AND allotment IS NULL), 0) <= :at_most)""",
    "fenced": """skus.sku IN (
        SELECT sku FROM stock_levels
         WHERE fenced_for IS NOT NULL AND fenced_for <> 'shut' {here})""",
    "backordered": """skus.sku IN (
        SELECT sku FROM order_lines WHERE backordered > 0 AND kit IS NULL
         UNION
        SELECT part.sku FROM order_lines, LATERAL jsonb_object_keys(kit) AS part (sku)
         WHERE backordered > 0 AND kit IS NOT NULL)""",
}
_HERE = "AND warehouse = ANY(CAST(:places AS text[]))"


@dataclass(frozen=True, slots=True)
class Page:
    """Some SKUs, and the cursor of those that follow."""

    skus: tuple[StockRow, ...]
    next: str | None


def stock_list(tx: Transaction, filters: StockFilters, scope: frozenset[str] | None) -> Page:
    """The next page of the SKUs that fit; `scope`: only what lies in these warehouses."""
    asked = [name for name in ("cursor", "fenced", "backordered") if getattr(filters, name)]
    parameters: dict[str, object] = {"cursor": filters.cursor, "at_most": filters.at_most}
    if filters.at_most is not None:
        asked.append("at_most")
    if word := filters.q.strip():
        asked.append("q")
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters["part"] = f"%{escaped}%"
    places = within(scope, filters.warehouse)
    if places is not None:
        asked.append("places")
    found = _rows(tx, tuple(asked), places, parameters)
    last = found[PAGE - 1].sku if len(found) > PAGE else None
    return Page(tuple(found[:PAGE]), last)


def sums_of(tx: Transaction, sku: str, scope: frozenset[str] | None) -> StockRow | None:
    """One SKU as it would stand in the list; None: there is no such SKU, or it is a kit."""
    found = _rows(tx, ("sku",), within(scope, ""), {"sku": sku})
    return found[0] if found else None


def within(scope: frozenset[str] | None, warehouse: str) -> list[str] | None:
    """The warehouses that are looked at, where only some are; None: all."""
    if not warehouse:
        return None if scope is None else sorted(scope)
    return [warehouse] if scope is None or warehouse in scope else []


def _rows(
    tx: Transaction,
    asked: tuple[str, ...],
    places: list[str] | None,
    parameters: Mapping[str, object],
) -> Sequence[StockRow]:
    statement = _statement(asked, has_places=places is not None)
    used = {
        name: value
        for name, value in {**parameters, "places": places}.items()
        if f":{name}" in statement.written
    }
    rows = tx.rows(statement, **used)
    return [StockRow.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


@lru_cache(maxsize=128)
def _statement(asked: tuple[str, ...], *, has_places: bool) -> Statement:
    here = _HERE if has_places else ""
    conditions = "".join(f" AND {_CONDITIONS[name].format(here=here)}" for name in asked)
    # Of constants of this module alone; what was asked for travels as parameters.
    return text(f"""
        WITH found AS (
            SELECT skus.sku, level.*
              FROM skus, LATERAL (
                   SELECT count(DISTINCT warehouse) AS warehouses,
                          coalesce(sum(on_hand), 0) AS on_hand,
                          coalesce(sum(reserved), 0) AS reserved,
                          coalesce(sum(held), 0) AS held,
                          coalesce(sum(safety), 0) AS safety,
                          coalesce(sum(greatest(0, on_hand - reserved - held - safety))
                              FILTER (WHERE fenced_for IS NULL AND allotment IS NULL), 0)
                              AS available,
                          coalesce(sum(greatest(0, on_hand - reserved - held - safety))
                              FILTER (WHERE fenced_for IS NULL AND allotment IS NOT NULL), 0)
                              AS allotted,
                          coalesce(bool_or(fenced_for <> 'shut'), false) AS is_fenced
                     FROM stock_levels WHERE stock_levels.sku = skus.sku {here}) AS level
             WHERE NOT EXISTS (SELECT FROM kit_components WHERE kit = skus.sku) {conditions}
             ORDER BY skus.sku LIMIT {PAGE + 1}
        ), wanted AS (
            SELECT sku, backordered AS units FROM order_lines
             WHERE sku IN (SELECT sku FROM found) AND backordered > 0 AND kit IS NULL
             UNION ALL
            SELECT part.key, part.value::integer * backordered
              FROM order_lines, LATERAL jsonb_each_text(kit) AS part
             WHERE backordered > 0 AND kit IS NOT NULL AND part.key IN (SELECT sku FROM found)
        ), waiting AS (
            SELECT sku, sum(units) AS units FROM wanted GROUP BY sku
        ), coming AS (
            SELECT sku, sum(greatest(0, CASE state WHEN 'shipped' THEN shipped ELSE quantity END
                                        - received)) AS units
              FROM inbounds JOIN inbound_items USING (inbound_id)
             WHERE state IN ('requested', 'shipped') AND sku IN (SELECT sku FROM found) {here}
             GROUP BY sku
        )
        SELECT found.*, coalesce(waiting.units, 0) AS waiting, coalesce(coming.units, 0) AS coming
          FROM found LEFT JOIN waiting USING (sku) LEFT JOIN coming USING (sku)
         ORDER BY sku
    """)  # noqa: S608
