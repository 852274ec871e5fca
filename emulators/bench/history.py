"""Two months of a shop: orders in every state, with all that such a time leaves in the tables.

One order is accepted and placed by the product. All others are copies of its rows, made by the
database itself: what makes them differ (when, where to, which SKUs, what became of them) is drawn
there, and every column that is not named is the template's. The books are right afterwards, as the
auditor (shared/ops/auditor.py) sees them.

The newest twentieth waits, as on an afternoon when everybody buys; before it come orders that are
placed, then those on their way, and all that is older has come to its end.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import combinations
from typing import Any

from emulators.bench.history_rows import COPIES, FILLED
from emulators.bench.jobs import placer
from emulators.bench.report import Progress
from emulators.bench.shop import CAUSE, FIRST_SKU, PLACES, Shop
from shared.flows.accept_order import accept_order
from shared.platform.db import Database, Transaction
from shared.platform.sql import Statement, text

TEMPLATE = "past-template"
SAME_PLACES = 6  # the SKU so many further lies in the same two warehouses
SENT = 0.87  # of all orders, the oldest: whatever was not cancelled has left
AT_ONCE = 50_000

_COLUMNS = text("""
    SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = :table
       AND is_identity = 'NO' AND is_generated = 'NEVER'
     ORDER BY ordinal_position
""")
# What a constraint needs stays, and so does what belongs to an index of a table in parts.
_INDEXES = text("""
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made_by
      FROM pg_index JOIN pg_class AS indexed ON indexed.oid = indrelid
     WHERE indexed.relname = ANY(CAST(:tables AS text[]))
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
     ORDER BY 1
""")
_SETTINGS = text("SET LOCAL maintenance_work_mem = '512MB'")
# Rows of one table name rows of another by what they were drawn from: nothing is to be looked up.
_TRUST = text("SET LOCAL session_replication_role = 'replica'")
_SEED = text("SELECT setseed(:seed)")

# What differs between the orders. `rest` is the share of all that is newer. A few SKUs are in many
# orders, most in few; both of an order lie in the same two warehouses.
_DRAW = text("""
    CREATE TEMPORARY TABLE drawn ON COMMIT DROP AS
    WITH numbered AS (
        SELECT number, CAST(:orders - number AS float8) / :orders AS rest,
               random() AS fate, random() AS luck, random() AS haste,
               CAST(floor(:skus * power(random(), 3)) AS integer) AS first_sku,
               1 + CAST(floor(least(40, CAST(:skus AS float8) / :same_places - 1)
                              * random()) AS integer) AS apart,
               CAST(floor(60 * power(random(), 2)) AS integer) AS town,
               CAST(floor(2 * random()) AS integer) AS side
          FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS number
    ), aged AS (
        SELECT *,
               CASE WHEN rest < 0.05 AND fate < 0.98 THEN 'waiting'
                    WHEN rest < 0.05 THEN 'review'
                    WHEN rest < 0.08 AND fate < 0.1 THEN 'backordered'
                    WHEN rest < 0.08 THEN 'placed'
                    WHEN rest < 0.13 THEN 'shipped'
                    WHEN fate < 0.06 THEN 'cancelled'
                    WHEN fate < 0.08 THEN 'returned'
                    WHEN fate < 0.0802 THEN 'shipped'  -- nobody knows where
                    ELSE 'delivered' END AS state,
               CASE WHEN haste < 0.1 THEN 'express'
                    WHEN haste < 0.7 THEN 'standard' ELSE 'bulk' END AS priority,
               CAST(:now AS timestamptz)
               - CASE WHEN rest < 0.05 THEN rest / 0.05 * interval '2 hours'
                      WHEN rest < 0.08
                      THEN interval '2 hours' + (rest - 0.05) / 0.03 * interval '1 day'
                      WHEN rest < 0.13
                      THEN interval '26 hours' + (rest - 0.08) / 0.05 * interval '4 days'
                      ELSE interval '122 hours' + (rest - 0.13) / 0.87 * interval '55 days'
                 END AS accepted_at
          FROM numbered
    ), gone AS (
        SELECT *,
               accepted_at + interval '1 minute' AS planned_at,
               CASE WHEN state IN ('shipped', 'delivered', 'returned')
                    THEN accepted_at + interval '22 hours' END AS shipped_at,
               CASE WHEN state = 'delivered'
                    THEN accepted_at + interval '3 days' + luck * interval '2 days'
                    END AS delivered_at,
               CASE WHEN state = 'returned'
                    THEN accepted_at + interval '4 days' + luck * interval '1 day'
                    END AS returned_at,
               CASE state WHEN 'placed' THEN CASE WHEN luck < 0.3 THEN 'planned'
                                                  WHEN luck < 0.4 THEN 'labelling'
                                                  ELSE 'labelled' END
                          WHEN 'waiting' THEN NULL WHEN 'review' THEN NULL
                          WHEN 'backordered' THEN NULL
                          ELSE state END AS parcel_state
          FROM aged)
    SELECT number, state, priority, accepted_at, planned_at, shipped_at, delivered_at, returned_at,
           parcel_state, fate, luck, town, quantity,
           'past-' || lpad(CAST(number AS text), 9, '0') AS order_id,
           'past-parcel-' || lpad(CAST(number AS text), 9, '0') AS parcel_id,
           CASE WHEN parcel_state IN ('labelled', 'shipped', 'delivered', 'returned')
                THEN 'PAST' || lpad(CAST(number AS text), 9, '0') END AS tracking_code,
           'SKU-' || (:first_name + first_sku) AS first_sku,
           'SKU-' || (:first_name + (first_sku + :same_places * apart) % :skus) AS second_sku,
           (ARRAY[(CAST(:lefts AS text[]))[first_sku % :same_places + 1],
                  (CAST(:rights AS text[]))[first_sku % :same_places + 1]])[side + 1] AS warehouse,
           accepted_at + CASE WHEN fate > 0.97 THEN interval '12 hours'
                              WHEN priority = 'express' THEN interval '3 days'
                              WHEN priority = 'standard' THEN interval '6 days'
                              ELSE interval '10 days' END AS promised_at,
           coalesce(delivered_at, returned_at,
                    CASE WHEN state = 'cancelled' THEN accepted_at + interval '1 hour' END)
               AS closed_at,
           CASE WHEN state = 'shipped'
                THEN CASE WHEN luck < 0.02 THEN 'ready_for_pickup'
                          WHEN luck < 0.03 THEN 'delivery_failed'
                          WHEN luck < 0.04 THEN 'on_hold' ELSE 'in_transit' END
                WHEN state = 'delivered' THEN 'delivered'
                WHEN state = 'returned' THEN 'return_to_sender'
                ELSE 'pending' END AS status,
           CASE WHEN shipped_at IS NULL THEN NULL
                ELSE coalesce(delivered_at, returned_at,
                              CASE WHEN fate BETWEEN 0.08 AND 0.11 THEN shipped_at
                                   ELSE greatest(shipped_at, CAST(:now AS timestamptz)
                                                             - luck * interval '1 day') END)
                END AS heard_at
      FROM gone, LATERAL (VALUES (1 + CAST(haste < 0.05 AS integer))) AS wanted (quantity)
""")
# What was shipped had come before, and what is promised lies there.
_RESTOCK = text("""
    WITH gone AS (
        SELECT sku, warehouse, -sum(quantity) AS units FROM stock_movements
         WHERE kind = 'shipment' GROUP BY sku, warehouse
    ), promised AS (
        SELECT sku, warehouse, sum(quantity) AS units
          FROM parcels JOIN parcel_items USING (parcel_id)
         WHERE state IN ('planned', 'labelling', 'labelled') GROUP BY sku, warehouse
    ), wanted AS (
        SELECT sku, warehouse, coalesce(gone.units, 0) AS gone,
               coalesce(promised.units, 0) AS promised
          FROM gone FULL JOIN promised USING (sku, warehouse)
    ), came AS (
        INSERT INTO stock_movements (sku, warehouse, kind, quantity, reference, actor, occurred_at,
                                     recorded_at)
        SELECT sku, warehouse, 'receipt', gone + promised, 'past', 'bench',
               CAST(:now AS timestamptz) - interval '61 days',
               CAST(:now AS timestamptz) - interval '61 days'
          FROM wanted)
    UPDATE stock_levels
       SET on_hand = on_hand + promised, reserved = promised
      FROM wanted
     WHERE stock_levels.sku = wanted.sku AND stock_levels.warehouse = wanted.warehouse
""")
# Counted once a month, and right each time.
_COUNT = text("""
    INSERT INTO stock_movements (sku, warehouse, kind, quantity, reference, actor, occurred_at,
                                 recorded_at)
    SELECT sku, warehouse, 'count', 0, 'past-count-' || month, 'wms', at, at
      FROM stock_levels, generate_series(1, 2) AS month,
           LATERAL (VALUES (CAST(:now AS timestamptz) - month * interval '29 days'))
               AS counted (at)
""")
_STEPS_COST = text("""
    INSERT INTO software_costs (day, function, steps, nano_usd)
    SELECT CAST(CAST(:now AS timestamptz) AT TIME ZONE 'UTC' AS date) - ago, function, 20000,
           900000000
      FROM generate_series(0, 60) AS ago,
           unnest(ARRAY['order_intake', 'placement_worker', 'order_costing', 'label_purchase',
                        'order_tracking']) AS function
""")
_MONTHS = text("""
    SELECT keep_placement_decisions(CAST(:now AS timestamptz) - ago * interval '30 days',
                                    '-infinity')
      FROM generate_series(0, 3) AS ago ORDER BY ago DESC
""")


def store(database: Database, shop: Shop, orders: int, progress: Progress) -> None:
    """Have so many orders of two months in the database, which has no others."""
    now = database.now()
    database.statement(_MONTHS, now=now)
    skus = (shop.skus[0], shop.skus[SAME_PLACES])  # both fit into one parcel
    database.run(lambda tx: accept_order(tx, shop.submission(TEMPLATE, skus, tx.now)), CAUSE)
    placer(database)(TEMPLATE)
    pairs = list(combinations(PLACES, 2))
    words = {
        "orders": orders,
        "now": now,
        "template": TEMPLATE,
        "skus": len(shop.skus) // SAME_PLACES * SAME_PLACES,
        "first_name": FIRST_SKU,
        "same_places": SAME_PLACES,
        "lefts": [left for left, _ in pairs],
        "rights": [right for _, right in pairs],
    }
    with _without_indexes(database, progress):
        for first in range(1, orders + 1, AT_ONCE):
            last = min(orders, first + AT_ONCE - 1)
            database.run(partial(_copy, words={**words, "first": first, "last": last}), CAUSE)
            progress(f"{last:,} of {orders:,} orders of the past are stored")
        database.run(partial(_settle, words=words), CAUSE)
    for table in (*FILLED, "stock_levels"):
        database.statement(text(f"VACUUM (FREEZE, ANALYZE) {table}"))
    progress("The tables are as autovacuum would leave them")


def _copy(tx: Transaction, words: Mapping[str, Any]) -> None:
    tx.rows(_TRUST)
    tx.rows(_SEED, seed=words["first"] / (words["orders"] + 1))
    _run(tx, _DRAW, words)
    for table, source, given in COPIES:
        columns = [row.name for row in tx.rows(_COLUMNS, table=table)]
        is_copied = "AS template" in source
        named = [name for name in columns if is_copied or name in given]
        chosen = ", ".join(given.get(name, f"template.{name}") for name in named)
        copy = f"INSERT INTO {table} ({', '.join(named)}) SELECT {chosen} FROM {source}"  # noqa: S608
        _run(tx, text(copy), words)


def _settle(tx: Transaction, words: Mapping[str, Any]) -> None:
    for statement in (_RESTOCK, _COUNT, _STEPS_COST):
        _run(tx, statement, words)


def _run(tx: Transaction, statement: Statement, words: Mapping[str, Any]) -> None:
    tx.rows(statement, **{name: words[name] for name in statement.names})


@contextmanager
def _without_indexes(database: Database, progress: Progress) -> Iterator[None]:
    """To fill tables and index them afterwards takes a third of the time."""
    indexes = database.statement(_INDEXES, tables=list(FILLED))
    for index in indexes:
        database.statement(text(f"DROP INDEX {index.name}"))
    yield
    for number, index in enumerate(indexes, start=1):
        made_by = index.made_by.replace(" ON ONLY ", " ON ")

        def make(tx: Transaction, made_by: str = made_by) -> None:
            tx.rows(_SETTINGS)
            tx.rows(text(made_by))

        database.run(make, CAUSE)
        progress(f"{number} of {len(indexes)} indexes are made: {index.name}")
