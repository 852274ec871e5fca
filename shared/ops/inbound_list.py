"""Transfers and suppliers' deliveries as a person looks for them. Writes nothing."""

from dataclasses import dataclass

from shared.contracts.http_ops_warehouses import InboundRow, TransferFilters
from shared.ops.order_list import cursor, read_cursor
from shared.platform.db import Transaction
from shared.platform.sql import text

PAGE = 50

_NEWEST = text("""
    SELECT inbound_id, origin, warehouse, state, created_at, expected_at, shipped_at, received_at,
           skus, units,
           CASE WHEN state IN ('requested', 'shipped') THEN coming ELSE 0 END AS coming,
           CASE WHEN state = 'received' THEN missing ELSE 0 END AS missing,
           state IN ('requested', 'shipped')
           AND coalesce(expected_at < CAST(:now AS timestamptz), false) AS is_overdue
      FROM (SELECT * FROM inbounds
             WHERE (CAST(:inbound_id AS text) IS NULL OR inbound_id = CAST(:inbound_id AS text))
               AND (CAST(:state AS text) IS NULL OR state = CAST(:state AS text))
               AND (CAST(:origin AS text) IS NULL OR origin = CAST(:origin AS text))
               AND (CAST(:warehouse AS text) IS NULL OR warehouse = CAST(:warehouse AS text))
               AND (NOT CAST(:open AS boolean) OR state IN ('requested', 'shipped'))
               AND (NOT CAST(:overdue AS boolean)
                    OR (state IN ('requested', 'shipped')
                        AND expected_at < CAST(:now AS timestamptz)))
               AND (CAST(:scope AS text[]) IS NULL
                    OR warehouse = ANY(CAST(:scope AS text[]))
                    OR origin = ANY(CAST(:scope AS text[])))
               AND (CAST(:after_at AS timestamptz) IS NULL
                    OR (created_at, inbound_id) < (CAST(:after_at AS timestamptz),
                                                   CAST(:after_id AS text)))
             ORDER BY created_at DESC, inbound_id DESC LIMIT :limit) AS inbound,
           LATERAL (
           SELECT count(*) AS skus, coalesce(sum(quantity), 0) AS units,
                  coalesce(sum(greatest(0, CASE state WHEN 'shipped' THEN shipped
                                                      ELSE quantity END - received)), 0) AS coming,
                  coalesce(sum(greatest(0, shipped - received)), 0) AS missing
             FROM inbound_items WHERE inbound_items.inbound_id = inbound.inbound_id) AS item
     ORDER BY created_at DESC, inbound_id DESC
""")


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, and the cursor of those that follow."""

    inbounds: tuple[InboundRow, ...]
    next: str | None


def inbound_list(
    tx: Transaction,
    filters: TransferFilters,
    scope: frozenset[str] | None,
    *,
    is_open: bool = False,
) -> Page:
    """The newest deliveries that fit; `scope`: only what goes to these warehouses or from them.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    after_at, after_id = read_cursor(filters.cursor) if filters.cursor else (None, None)
    rows = tx.rows(
        _NEWEST,
        now=tx.now,
        inbound_id=filters.q.strip() or None,
        state=filters.state,
        origin=filters.origin or None,
        warehouse=filters.warehouse or None,
        open=is_open,
        overdue=filters.overdue,
        scope=None if scope is None else sorted(scope),
        after_at=after_at,
        after_id=after_id,
        limit=PAGE + 1,
    )
    found = [InboundRow.model_validate(dict(row._mapping)) for row in rows[:PAGE]]  # noqa: SLF001
    last = found[-1] if len(rows) > PAGE else None
    return Page(tuple(found), None if last is None else cursor(last.created_at, last.inbound_id))


def one_inbound(
    tx: Transaction, inbound_id: str, scope: frozenset[str] | None
) -> InboundRow | None:
    """A delivery as it would stand in the list; None: there is none, or it is none of theirs."""
    found = inbound_list(tx, TransferFilters(q=inbound_id), scope).inbounds
    return found[0] if found else None
