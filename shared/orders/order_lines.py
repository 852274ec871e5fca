"""The table order_lines. Nothing else writes to it."""

import json
from collections.abc import Collection, Mapping, Sequence

from shared.orders import backorder_caps
from shared.orders.types import WAITS_FOR_STOCK, Line, Order, Split
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_INSERT = """
    INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents, kit, allocated,
                             backordered, secured)
    SELECT :order_id, line_no, sku, quantity, unit_price_cents, CAST(kit AS jsonb), allocated,
           backordered, secured
      FROM unnest(CAST(:line_nos AS integer[]), CAST(:skus AS text[]),
                  CAST(:quantities AS integer[]), CAST(:prices AS bigint[]),
                  CAST(:kits AS text[]), CAST(:allocated AS integer[]),
                  CAST(:backordered AS integer[]), CAST(:secured AS integer[]))
        AS line (line_no, sku, quantity, unit_price_cents, kit, allocated, backordered, secured)
 RETURNING 1
"""
_DELETE = text("DELETE FROM order_lines WHERE order_id = :order_id")
_OF_ORDER = text("""
    SELECT line_no, sku, quantity, unit_price_cents, kit, allocated, backordered, cancelled, secured
      FROM order_lines WHERE order_id = :order_id ORDER BY line_no
""")
_MOVE_ALL = """
    UPDATE order_lines
       SET secured     = greatest(secured, allocated + backordered),
           allocated   = CASE WHEN units = 'allocated'   THEN quantity - cancelled ELSE 0 END,
           backordered = CASE WHEN units = 'backordered' THEN quantity - cancelled ELSE 0 END,
           cancelled   = CASE WHEN units = 'cancelled'   THEN quantity ELSE cancelled END
      FROM unnest(CAST(:order_ids AS text[]), CAST(:units AS text[])) AS move (order_id, units)
     WHERE order_lines.order_id = move.order_id
 RETURNING 1
"""
_UNPLACE = """
    UPDATE order_lines
       SET secured = greatest(secured, allocated + backordered), allocated = 0
     WHERE order_id = :order_id
 RETURNING 1
"""
_SPLIT = """
    UPDATE order_lines AS line
       SET secured = greatest(line.secured, line.allocated + line.backordered),
           allocated = split.allocated, backordered = split.backordered,
           cancelled = split.cancelled
      FROM unnest(CAST(:order_ids AS text[]), CAST(:line_nos AS integer[]),
                  CAST(:allocated AS integer[]), CAST(:backordered AS integer[]),
                  CAST(:cancelled AS integer[]))
        AS split (order_id, line_no, allocated, backordered, cancelled)
     WHERE line.order_id = split.order_id AND line.line_no = split.line_no
 RETURNING 1
"""


def insert(order_id: str, lines: Collection[Line]) -> Write:
    """The lines of an order, with where their units stand; none of them is cancelled."""
    return Write(
        _INSERT,
        {
            "order_id": order_id,
            "line_nos": [line.line_no for line in lines],
            "skus": [line.sku for line in lines],
            "quantities": [line.quantity for line in lines],
            "prices": [line.unit_price_cents for line in lines],
            "kits": [None if line.kit is None else json.dumps(dict(line.kit)) for line in lines],
            "allocated": [line.allocated for line in lines],
            "backordered": [line.backordered for line in lines],
            "secured": [line.secured for line in lines],
        },
        rows=len(lines),
    )


def delete(tx: Transaction, order_id: str) -> None:
    """Make room for the order's new lines. What waits under a cap is the caller's to change."""
    tx.rows(_DELETE, order_id=order_id)


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
            row.secured,
        )
        for row in tx.rows(_OF_ORDER, order_id=order_id)
    )


def move_all(order: Order, units: str) -> tuple[Write, ...]:
    """All units of an order become 'allocated', 'backordered', 'waiting' or 'cancelled'.

    What is cancelled stays so.
    What waited for stock under a cap leaves room for others.
    """
    moved = Write(_MOVE_ALL, {"order_ids": [order.order_id], "units": [units]})
    if order.state in WAITS_FOR_STOCK and units != "backordered":
        return (moved, backorder_caps.leave(order.order_id))
    return (moved,)


def unplace(order_id: str) -> Write:
    """What has parcels waits to be placed anew; what waits for stock goes on waiting for it."""
    return Write(_UNPLACE, {"order_id": order_id})


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
