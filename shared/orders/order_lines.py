"""The table order_lines. Nothing else writes to it."""

import json
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text

from shared.orders import backorder_caps
from shared.orders.types import WAITS_FOR_STOCK, Line, Order, Split
from shared.platform.db import Transaction, Write

_INSERT = """
    INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents, kit)
    SELECT :order_id, line_no, sku, quantity, unit_price_cents, CAST(kit AS jsonb)
      FROM unnest(CAST(:line_nos AS integer[]), CAST(:skus AS text[]),
                  CAST(:quantities AS integer[]), CAST(:prices AS bigint[]),
                  CAST(:kits AS text[]))
        AS line (line_no, sku, quantity, unit_price_cents, kit)
 RETURNING 1
"""
_DELETE = text("DELETE FROM order_lines WHERE order_id = :order_id RETURNING sku, backordered")
_OF_ORDER = text("""
    SELECT line_no, sku, quantity, unit_price_cents, kit, allocated, backordered, cancelled
      FROM order_lines WHERE order_id = :order_id ORDER BY line_no
""")
_MOVE_ALL = """
    UPDATE order_lines
       SET allocated   = CASE WHEN units = 'allocated'   THEN quantity ELSE 0 END,
           backordered = CASE WHEN units = 'backordered' THEN quantity ELSE 0 END,
           cancelled   = CASE WHEN units = 'cancelled'   THEN quantity ELSE 0 END
      FROM unnest(CAST(:order_ids AS text[]), CAST(:units AS text[])) AS move (order_id, units)
     WHERE order_lines.order_id = move.order_id
 RETURNING 1
"""
_SPLIT = """
    UPDATE order_lines AS line
       SET allocated = split.allocated, backordered = split.backordered,
           cancelled = split.cancelled
      FROM unnest(CAST(:order_ids AS text[]), CAST(:line_nos AS integer[]),
                  CAST(:allocated AS integer[]), CAST(:backordered AS integer[]),
                  CAST(:cancelled AS integer[]))
        AS split (order_id, line_no, allocated, backordered, cancelled)
     WHERE line.order_id = split.order_id AND line.line_no = split.line_no
 RETURNING 1
"""


def insert(order_id: str, lines: Collection[Line]) -> Write:
    """The lines of an order, all their units waiting."""
    return Write(
        _INSERT,
        {
            "order_id": order_id,
            "line_nos": [line.line_no for line in lines],
            "skus": [line.sku for line in lines],
            "quantities": [line.quantity for line in lines],
            "prices": [line.unit_price_cents for line in lines],
            "kits": [None if line.kit is None else json.dumps(dict(line.kit)) for line in lines],
        },
        rows=len(lines),
    )


def delete(tx: Transaction, order_id: str) -> None:
    """Make room for the order's new lines."""
    waited: dict[str, int] = {}
    for row in tx.rows(_DELETE, order_id=order_id):
        waited[row.sku] = waited.get(row.sku, 0) - row.backordered
    tx.write(backorder_caps.change(waited))


def of_order(tx: Transaction, order_id: str) -> tuple[Line, ...]:
    """The lines of an order by number; the order is locked."""
    return tuple(
        Line(
            row.line_no,
            row.sku,
            row.quantity,
            row.unit_price_cents,
            row.kit,
            row.allocated,
            row.backordered,
            row.cancelled,
        )
        for row in tx.rows(_OF_ORDER, order_id=order_id)
    )


def move_all(order: Order, units: str) -> tuple[Write, ...]:
    """All units of an order become 'allocated', 'backordered', 'waiting' or 'cancelled'.

    What waited for stock under a cap leaves room for others.
    """
    moved = Write(_MOVE_ALL, {"order_ids": [order.order_id], "units": [units]})
    if order.state in WAITS_FOR_STOCK and units != "backordered":
        return (moved, backorder_caps.leave(order.order_id))
    return (moved,)


def split(splits: Sequence[Split]) -> Write:
    """Where the units of lines stand now; what is in none of the three places waits."""
    return Write(
        _SPLIT,
        {
            "order_ids": [split.order_id for split in splits],
            "line_nos": [split.line_no for split in splits],
            "allocated": [split.allocated for split in splits],
            "backordered": [split.backordered for split in splits],
            "cancelled": [split.cancelled for split in splits],
        },
        rows=len(splits),
    )


def waits_more(lines: Collection[Line], splits: Collection[Split]) -> Mapping[str, int]:
    """SKU -> how many more of its units wait for stock after these splits; fewer: below zero."""
    before = {line.line_no: line for line in lines}
    more: dict[str, int] = {}
    for split in splits:
        line = before[split.line_no]
        more[line.sku] = more.get(line.sku, 0) + split.backordered - line.backordered
    return more
