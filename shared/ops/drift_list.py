"""What reconciliation found, a page at a time, and what is fenced off. Writes nothing."""

from dataclasses import dataclass

from shared.contracts.http_ops_stock import DriftFilters, DriftRow, FencedRow
from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.platform.sql import text

PAGE = 50
MOST_FENCED = 50

_NEWEST = text("""
    SELECT drift_id, run_id, found_at, sku, warehouse, partition, figure, found, explained,
           explained_by, outcome, actor
      FROM stock_drifts
     WHERE (CAST(:sku AS text) IS NULL OR sku = CAST(:sku AS text))
       AND (CAST(:warehouse AS text) IS NULL OR warehouse = CAST(:warehouse AS text))
       AND (CAST(:outcome AS text) IS NULL OR outcome = CAST(:outcome AS text))
       AND (CAST(:run_id AS text) IS NULL OR run_id = CAST(:run_id AS text))
       AND (CAST(:scope AS text[]) IS NULL OR warehouse = ANY(CAST(:scope AS text[])))
       AND (CAST(:before AS bigint) IS NULL OR drift_id < CAST(:before AS bigint))
     ORDER BY drift_id DESC
     LIMIT :limit
""")
_FENCED = text("""
    SELECT sku, warehouse, partition, on_hand, reserved, held, fenced_for
      FROM stock_levels
     WHERE fenced_for IS NOT NULL AND fenced_for <> 'shut'
       AND (CAST(:scope AS text[]) IS NULL OR warehouse = ANY(CAST(:scope AS text[])))
     ORDER BY sku, warehouse, partition
     LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Page:
    """Some findings, and the cursor of those that follow."""

    drifts: tuple[DriftRow, ...]
    next: str | None


def drift_list(
    tx: Transaction, filters: DriftFilters, scope: frozenset[str] | None, most: int = PAGE
) -> Page:
    """The newest findings that fit; `scope`: only in these warehouses.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    if filters.cursor and not (filters.cursor.isascii() and filters.cursor.isdecimal()):
        raise Malformed("cursor: is none that was given out", field="cursor")
    rows = tx.rows(
        _NEWEST,
        sku=filters.q or None,
        warehouse=filters.warehouse or None,
        outcome=filters.outcome,
        run_id=filters.run or None,
        scope=None if scope is None else sorted(scope),
        before=min(int(filters.cursor), 2**62) if filters.cursor else None,
        limit=most + 1,
    )
    found = [DriftRow.model_validate(dict(row._mapping)) for row in rows[:most]]  # noqa: SLF001
    return Page(tuple(found), str(found[-1].drift_id) if len(rows) > most else None)


def fenced_off(tx: Transaction, scope: frozenset[str] | None) -> tuple[FencedRow, ...]:
    """Rows from which nothing is promised, because their figures cannot be right."""
    rows = tx.rows(_FENCED, scope=None if scope is None else sorted(scope), most=MOST_FENCED)
    return tuple(FencedRow.model_validate(dict(row._mapping)) for row in rows)  # noqa: SLF001
