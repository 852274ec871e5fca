"""What a placed order costs Postgres: rows that are written and read, not time, which others share.

Whoever adds a message, a row, an index or a foreign key to what every order pays finds it here.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial

from shared.contracts.work import PlaceOrder
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.support import given

MANY = 2_000
COPY = f"""
    INSERT INTO orders
    SELECT copied.*
      FROM orders AS template, generate_series(1, {MANY}) AS number,
           jsonb_populate_record(template, jsonb_build_object(
               'order_id', 'like-' || number, 'tracking_token', NULL)) AS copied
     WHERE template.order_id = 'ord_1'
"""
# What this connection has counted and not told yet, of the transactions before this one as well.
COUNTED = text("""
    SELECT relname AS name, n_tup_ins AS new, n_tup_upd - n_tup_hot_upd AS changed,
           n_tup_hot_upd AS in_page, n_tup_del AS gone, seq_tup_read AS read_in_a_row
      FROM pg_stat_xact_user_tables
""")
# A part of a table has indexes of its own; a BRIN has one entry for many rows.
INDEXES = """
    SELECT indexrelid::regclass::text, relid::regclass::text,
           coalesce(pg_get_expr(indpred, indrelid), 'true')
      FROM (SELECT CAST('{table}' AS regclass) AS relid
             UNION SELECT inhrelid FROM pg_inherits
                    WHERE inhparent = '{table}'::regclass) AS part
      JOIN pg_index ON indrelid = relid
      JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
     WHERE relkind = 'i' AND amname <> 'brin'
"""
# Tables into which a placed order writes rows that every index hears of.
INDEXED = {
    "orders": "order_id = 'ord_2'",
    "parcels": "order_id = 'ord_2'",
    "parcel_items": "order_id = 'ord_2'",
    "placement_decisions": "order_id = 'ord_2'",
    "outbox": "true",
}
NAMES = ("new", "changed", "in_page", "gone", "read_in_a_row")
MONTH = re.compile(r"_(other|before|\d{4}_\d{2})(?=_|$)")


def ready(database: Database) -> None:
    """A shop in which `ord_2`, for two SKUs of one warehouse, is to be placed."""
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 9}})
    given.order(database, "ord_2", {"MUG": 1, "PEN": 2})
    given.silence(database)


def place(tx: Transaction, order_id: str, most: int = 1) -> None:
    place_order(tx, PlaceOrder(order_id=order_id, priority="standard"), Rules(), most=most)


def counted(tx: Transaction, order_id: str, most: int = 1) -> Mapping[str, Mapping[str, int]]:
    """By table, what is written and read while this order is placed; what is not is left out."""

    def now() -> Mapping[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for row in tx.rows(COUNTED):
            found[MONTH.sub("", row.name)] += Counter({name: row._mapping[name] for name in NAMES})
        return found

    before = now()
    place(tx, order_id, most)
    return {
        table: dict(after - before.get(table, Counter()))
        for table, after in now().items()
        if after != before.get(table)
    }


def entries(database: Database) -> Counter[str]:
    """In which indexes the rows of `ord_2` stand, and how often."""
    found: Counter[str] = Counter()
    for table, condition in INDEXED.items():
        for index, part, predicate in given.rows(database, INDEXES.format(table=table)):
            ((rows,),) = given.rows(
                database, f"SELECT count(*) FROM {part} WHERE {condition} AND ({predicate})"
            )
            found[MONTH.sub("", index)] += rows
    return +found


def test_a_placed_order_writes_twelve_rows(database: Database) -> None:
    # Goal: two lines in one parcel, why, and three messages: the order, its parcel, its label. Of
    # what is changed no index hears but those of the order.
    ready(database)

    counts = database.run(partial(counted, order_id="ord_2"), given.cause())

    rows = {
        table: {name: number for name, number in found.items() if name != "read_in_a_row"}
        for table, found in counts.items()
    }
    assert {table: found for table, found in rows.items() if found} == {
        "orders": {"changed": 1},
        "order_lines": {"in_page": 2},
        "stock_levels": {"in_page": 2},
        "parcels": {"new": 1},
        "parcel_items": {"new": 2},
        "placement_decisions": {"new": 1},
        "outbox": {"new": 3},
    }


def test_a_placed_order_has_twenty_five_index_entries(database: Database) -> None:
    ready(database)

    database.run(lambda tx: place(tx, "ord_2"), given.cause())

    assert entries(database) == {
        "orders_pkey": 1,
        "orders_by_tracking_token": 1,
        "orders_by_prefix": 1,
        "orders_by_postcode": 1,
        "orders_by_city": 1,
        "orders_by_time": 1,
        "orders_by_state": 1,
        "orders_by_promise": 1,
        "orders_live": 1,
        "parcels_pkey": 1,
        "parcels_by_order": 1,
        "parcels_by_state": 1,
        "parcels_by_warehouse": 1,
        "parcels_by_ship_day": 1,
        "parcels_newest": 1,
        "parcels_unlabelled": 1,
        "parcel_items_pkey": 2,
        "parcel_items_by_sku": 2,
        "placement_decisions_pkey": 1,
        "placement_decisions_decided_at_order_id_idx": 1,
        "outbox_pkey": 3,
    }


def test_no_foreign_key_is_asked_for_what_a_placed_order_brings(database: Database) -> None:
    # Goal: each would lock what it refers to, and of a rate card or a warehouse that is one row
    # for all who place orders. The audit looks instead.
    found = given.rows(
        database,
        """SELECT conname FROM pg_constraint
            WHERE contype = 'f' AND conrelid::regclass::text
                  IN ('parcels', 'parcel_items', 'placement_decisions', 'outbox')""",
    )

    assert found == []


def test_nobody_walks_through_all_orders_to_find_who_waits_too(database: Database) -> None:
    # Goal: many wait in one queue and nobody in the more urgent one, as on a day of a sale; plans
    # that are made then are kept.
    given.catalogue(database, {"BER": {"MUG": 99}})
    given.order(database, "ord_1", {"MUG": 1})
    database.statement(text(COPY))
    database.statement(text("ANALYZE orders"))

    for most in (1, 2):
        given.order(database, f"ord_of_{most}", {"MUG": 1})
        step = partial(counted, order_id=f"ord_of_{most}", most=most)
        assert "read_in_a_row" not in database.run(step, given.cause())["orders"]
