"""Orders of the past: a million of them tell whether the line becomes slower with its history.

They are copies of one order that the product accepted, placed and cancelled, made by the database
itself, each with its lines, its parcel, what was in it and the decision. Only the SKUs differ.
"""

from collections.abc import Sequence
from functools import partial
from random import Random

from emulators.bench.jobs import placer
from emulators.bench.report import Progress
from emulators.bench.shop import CAUSE, Shop
from shared.contracts.orders import OrderCancelled
from shared.flows.accept_order import accept_order
from shared.flows.cancel_order import cancel_order
from shared.platform.db import Database, Transaction
from shared.platform.sql import text

TEMPLATE = "past-template"
SAME_PLACES = 6  # the SKU so many further lies in the same two warehouses
LINE_NOS = (1, 2)
AT_ONCE = 20_000

_COPY_ORDERS = text("""
    INSERT INTO orders
    SELECT copied.*
      FROM orders AS template, unnest(CAST(:order_ids AS text[])) AS wanted (order_id),
           jsonb_populate_record(template, jsonb_build_object(
               'order_id', wanted.order_id,
               'tracking_token', NULL)) AS copied
     WHERE template.order_id = :template
""")
_COPY_LINES = text("""
    INSERT INTO order_lines
    SELECT copied.*
      FROM order_lines AS template
      JOIN unnest(CAST(:line_order_ids AS text[]), CAST(:line_nos AS integer[]),
                  CAST(:skus AS text[])) AS wanted (order_id, line_no, sku) USING (line_no),
           jsonb_populate_record(template, to_jsonb(wanted)) AS copied
     WHERE template.order_id = :template
""")
_COPY_PARCELS = text("""
    INSERT INTO parcels
    SELECT copied.*
      FROM parcels AS template,
           unnest(CAST(:order_ids AS text[]), CAST(:parcel_ids AS text[]))
               AS wanted (order_id, parcel_id),
           jsonb_populate_record(template, to_jsonb(wanted)) AS copied
     WHERE template.order_id = :template
""")
_COPY_ITEMS = text("""
    INSERT INTO parcel_items
    SELECT copied.*
      FROM parcel_items AS template
      JOIN unnest(CAST(:line_order_ids AS text[]), CAST(:line_parcel_ids AS text[]),
                  CAST(:line_nos AS integer[]), CAST(:skus AS text[]))
               AS wanted (order_id, parcel_id, line_no, sku) USING (line_no),
           jsonb_populate_record(template, to_jsonb(wanted)) AS copied
     WHERE template.order_id = :template
""")
_COPY_DECISIONS = text("""
    INSERT INTO placement_decisions
    SELECT copied.*
      FROM placement_decisions AS template, unnest(CAST(:order_ids AS text[])) AS wanted (order_id),
           jsonb_populate_record(template, jsonb_build_object(
               'order_id', wanted.order_id,
               'decision_id', nextval('placement_decision_ids'))) AS copied
     WHERE template.order_id = :template
""")
_COPIES = (_COPY_ORDERS, _COPY_LINES, _COPY_PARCELS, _COPY_ITEMS, _COPY_DECISIONS)


def store(database: Database, shop: Shop, orders: int, progress: Progress, seed: int = 1) -> None:
    """Have so many orders of the past in the database."""
    random = Random(seed)  # noqa: S311  a script, not a secret
    _make_template(database, shop)
    for first in range(1, orders + 1, AT_ONCE):
        numbers = range(first, min(orders + 1, first + AT_ONCE))
        skus = [random.choice(shop.skus) for _ in numbers for _ in LINE_NOS]
        database.run(partial(_copy, numbers=numbers, skus=skus), CAUSE)
        progress(f"{numbers[-1]:,} of {orders:,} past orders are stored")


def _make_template(database: Database, shop: Shop) -> None:
    skus = (shop.skus[0], shop.skus[SAME_PLACES])  # both fit into one parcel
    database.run(lambda tx: accept_order(tx, shop.submission(TEMPLATE, skus, tx.now)), CAUSE)
    placer(database)(TEMPLATE)
    cancelled = OrderCancelled(order_id=TEMPLATE, reason="past")
    database.run(lambda tx: cancel_order(tx, cancelled), CAUSE)


def _copy(tx: Transaction, numbers: Sequence[int], skus: Sequence[str]) -> None:
    order_ids = [f"past-{number:09}" for number in numbers]
    parcel_ids = [f"past-parcel-{number:09}" for number in numbers]
    words = {
        "template": TEMPLATE,
        "order_ids": order_ids,
        "parcel_ids": parcel_ids,
        "line_order_ids": [order_id for order_id in order_ids for _ in LINE_NOS],
        "line_parcel_ids": [parcel_id for parcel_id in parcel_ids for _ in LINE_NOS],
        "line_nos": list(LINE_NOS) * len(order_ids),
        "skus": skus,
    }
    for statement in _COPIES:
        named = {name: words[name] for name in statement.names}
        tx.rows(statement, **named)
