"""Orders as a person looks for them. Writes nothing.

A page is 50 orders in the order of an index, behind a cursor; how many there are is not counted.
What is not asked for is not part of the statement, so that each combination has a plan of its own.
A word is looked up in every way that has an index, and each way ends after a page.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from shared.contracts.http_ops import OrderFilters, OrderRow
from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.platform.sql import Statement, text

PAGE = 50
MANY = 7_000  # orders of a SKU

_NEWEST = ("accepted_at", "DESC", "<")
_LATEST = ("promised_at", "ASC", ">")

# In which ways an order may be meant by a word. A list that is found first keeps the planner from
# walking through all orders in the hope that one fits soon; what many orders have is found by that
# walk, because one does fit soon. Of a million orders each way reads some 7,000 at that border.
# OFFSET keeps the planner, who expects few of any SKU, from taking the other way.
_IS_IN_MANY = (
    """(SELECT count(*) = :many FROM (SELECT FROM order_lines WHERE sku = :q LIMIT :many) AS few)"""
)
_WORDS = (
    """order_id = ANY(ARRAY(SELECT order_id FROM orders
                             WHERE order_id ~>=~ CAST(:q AS text) AND order_id ~<~ :q_end
                             ORDER BY order_id USING ~<~ LIMIT 500))""",
    "order_id = ANY(ARRAY(SELECT order_id FROM parcels WHERE parcel_id = :q))",
    "order_id = ANY(ARRAY(SELECT order_id FROM parcels WHERE tracking_code = :q))",
    f"""NOT {_IS_IN_MANY}
        AND order_id = ANY(ARRAY(SELECT order_id FROM order_lines WHERE sku = :q LIMIT :many))""",  # noqa: S608
    f"""{_IS_IN_MANY} AND EXISTS (SELECT FROM order_lines
                             WHERE order_lines.order_id = orders.order_id AND sku = :q
                            OFFSET 0)""",
    "destination->>'postcode' = :q",
    "lower(destination->>'city') = lower(CAST(:q AS text))",
)
_LAST_CHARACTER = chr(0x10FFFF)  # behind all others, so that a word with it ends what begins so
# Orders that concern the warehouses of a scope; what has no parcel yet is everybody's.
THEIRS = """(NOT EXISTS (SELECT FROM parcels WHERE parcels.order_id = orders.order_id
                              AND parcels.state <> 'cancelled')
             OR EXISTS (SELECT FROM parcels WHERE parcels.order_id = orders.order_id
                           AND parcels.state <> 'cancelled'
                           AND warehouse = ANY(CAST(:scope AS text[]))))"""
_CONDITIONS = {
    "state": "state = :state",
    "priority": "priority = :priority",
    "channel": "channel = :channel",
    "warehouse": """EXISTS (SELECT FROM warehouses WHERE warehouse = :warehouse)
          AND EXISTS (SELECT FROM parcels WHERE parcels.order_id = orders.order_id
                       AND warehouse = :warehouse AND parcels.state <> 'cancelled')""",
    "late": """promised_at < CAST(:now AS timestamptz)
          AND state NOT IN ('delivered', 'returned', 'cancelled')""",
    "scope": THEIRS,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders, and the cursor of those that follow."""

    orders: tuple[OrderRow, ...]
    next: str | None


def order_list(tx: Transaction, filters: OrderFilters, scope: frozenset[str] | None) -> Page:
    """The next page of the orders that fit; `scope`: only what concerns these warehouses.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    asked = [
        name
        for name in ("state", "priority", "channel", "warehouse", "late")
        if getattr(filters, name)
    ]
    if scope is not None:
        asked.append("scope")
    word = filters.q.strip()
    parameters: dict[str, object] = {
        **{name: getattr(filters, name) for name in asked if name not in {"late", "scope"}},
        "now": tx.now,
    }
    if scope is not None:
        parameters["scope"] = sorted(scope)
    if word:
        parameters |= {"q": word, "q_end": word + _LAST_CHARACTER, "many": MANY}
    if filters.cursor:
        parameters["after_at"], parameters["after_id"] = read_cursor(filters.cursor)
    statement = _statement(
        tuple(asked), has_word=bool(word), is_behind=bool(filters.cursor), is_late=filters.late
    )
    rows = tx.rows(statement, **parameters)
    found = [OrderRow.model_validate(dict(row._mapping)) for row in rows[:PAGE]]  # noqa: SLF001
    last = found[-1] if len(rows) > PAGE else None
    if last is None:
        return Page(tuple(found), None)
    at = last.promised_at if filters.late else last.accepted_at
    return Page(tuple(found), cursor(at, last.order_id))


def cursor(at: datetime, order_id: str) -> str:
    """Where a page ended: opaque to whoever gets it."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{order_id}".encode()).decode().rstrip("=")


def read_cursor(given: str) -> tuple[datetime, str]:
    """Where the page before ended.

    Raises:
        Malformed: it is none of ours.
    """
    try:
        said = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
        at, _, order_id = said.partition("|")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error):
        moment, order_id = None, ""
    if moment is None or moment.tzinfo is None or not order_id or "\0" in order_id:
        raise Malformed("cursor: is none that was given out", field="cursor")
    return moment, order_id


@lru_cache(maxsize=256)
def _statement(
    asked: tuple[str, ...], *, has_word: bool, is_behind: bool, is_late: bool
) -> Statement:
    by, direction, behind = _LATEST if is_late else _NEWEST
    conditions = [_CONDITIONS[name] for name in asked]
    if is_behind:
        conditions.append(
            f"({by}, order_id) {behind} (CAST(:after_at AS timestamptz), CAST(:after_id AS text))"
        )
    ways = [[word, *conditions] for word in _WORDS] if has_word else [conditions or ["true"]]
    chosen = " UNION ".join(
        f"(SELECT order_id, {by} AS at FROM orders WHERE {' AND '.join(way)}"  # noqa: S608
        f" ORDER BY {by} {direction}, order_id {direction} LIMIT {PAGE + 1})"
        for way in ways
    )
    # Of constants of this module alone; what was asked for travels as parameters.
    return text(f"""
        WITH found AS (SELECT * FROM ({chosen}) AS way
                        ORDER BY at {direction}, order_id {direction} LIMIT {PAGE + 1})
        SELECT orders.order_id, channel, state, state_reason, priority, accepted_at, promised_at,
               expected_at,
               promised_at < CAST(:now AS timestamptz)
               AND state NOT IN ('delivered', 'returned', 'cancelled') AS is_late,
               destination->>'postcode' AS postcode, destination->>'city' AS city,
               destination->>'country' AS country,
               (SELECT coalesce(sum(quantity), 0) FROM order_lines
                 WHERE order_lines.order_id = orders.order_id) AS units,
               (SELECT coalesce(array_agg(DISTINCT warehouse), '{{}}') FROM parcels
                 WHERE parcels.order_id = orders.order_id AND parcels.state <> 'cancelled')
                   AS warehouses,
               (SELECT coalesce(array_agg(DISTINCT carrier), '{{}}') FROM parcels
                 WHERE parcels.order_id = orders.order_id AND parcels.state <> 'cancelled')
                   AS carriers
          FROM found JOIN orders USING (order_id)
         ORDER BY at {direction}, orders.order_id {direction}
    """)  # noqa: S608
