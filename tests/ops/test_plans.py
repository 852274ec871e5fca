"""No page reads a whole table of what ever happened, however it is planned for any parameters."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url

from emulators.bench import history
from emulators.bench.shop import CAUSE, Shop
from shared.contracts.http_ops import OrderFilters
from shared.contracts.http_ops_letters import LetterFilters
from shared.contracts.http_ops_parcels import ParcelFilters, StandingFilters
from shared.contracts.http_ops_people import AuditFilters
from shared.contracts.http_ops_reports import CostsAsked, ReportDays
from shared.contracts.http_ops_stock import MovementFilters, StockFilters
from shared.flows.keep_reports import keep_reports
from shared.flows.show_order import show_order
from shared.flows.show_overview import show_overview
from shared.flows.show_parcel import show_parcel
from shared.flows.show_reports import show_costs, show_placements, show_promises, show_refusals
from shared.flows.show_sku import show_movements, show_sku
from shared.flows.show_standing import PAGE, show_standing
from shared.flows.show_warehouses import show_warehouse, show_warehouses
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.ops.audit_list import audit_list
from shared.ops.letter_list import letter_list
from shared.ops.order_list import order_list
from shared.ops.parcel_list import parcel_list
from shared.ops.standing_still import standing_still
from shared.ops.stock_list import stock_list
from shared.people.permissions import Action, Who
from shared.people.types import ActorKind
from shared.platform.config import Config
from shared.platform.db import Database, Transaction, connect
from shared.platform.sql import text
from shared.tracking.standstill_rules import USUAL
from tests.support.database import settings

pytestmark = pytest.mark.slow

ORDERS = 12_000
WHO = Who(ActorKind.USER, "ops", "Ops", frozenset(Action), None)
# What grows with every order. What this transaction has read of each of them from end to end.
READ_WHOLE = text("""
    SELECT relname AS name, CAST(seq_tup_read AS integer) AS rows FROM pg_stat_xact_user_tables
     WHERE seq_tup_read > 1000
       AND (relname IN ('orders', 'order_lines', 'order_charges', 'parcels', 'parcel_items',
                        'charges', 'actual_charges', 'labels', 'tracking_events',
                        'carrier_updates', 'stock_movements', 'sku_cost_days')
            OR relname LIKE 'placement_decisions%')
""")
ROWS_READ = text("""
    SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read AS rows
      FROM pg_stat_xact_user_tables WHERE relname = :table
""")
HOT = "SKU-100000"
SHIPPED = "past-parcel-000001000"


@pytest.fixture(scope="module")
def past(config: Config) -> Iterator[Database]:
    """Two months of orders with the days that are over added up, planned for as in production."""
    assert config.database_url is not None
    name = new_id("plans")
    url = make_url(config.database_url.get_secret_value())
    with closing(connect(config, utc_now)) as server:
        server.statement(text(f"CREATE DATABASE {name} TEMPLATE dispatch"))
        reached = settings(url.set(database=name).render_as_string(hide_password=False))
        with closing(connect(reached, utc_now)) as found:
            shop = Shop(found, 240)
            shop.fill()
            history.store(found, shop, ORDERS, lambda _: None)
            while keep_reports(lambda step: found.run(step, CAUSE)):
                pass
            yield found
        server.statement(text(f"DROP DATABASE {name} WITH (FORCE)"))


def rows_read(past: Database, table: str, look: Callable[[Transaction], object]) -> int:
    """How many rows of a table somebody's look reads; what an index says by itself is none."""

    def step(tx: Transaction) -> int:
        (before,) = tx.rows(ROWS_READ, table=table)
        look(tx)
        (after,) = tx.rows(ROWS_READ, table=table)
        return int(after.rows - before.rows)

    return past.run(step, CAUSE)


def costs(tx: Transaction, **asked: object) -> object:
    return show_costs(tx, CostsAsked.model_validate(asked), None)


def quarter(tx: Transaction) -> ReportDays:
    return ReportDays(since=tx.now.date() - timedelta(days=91))


PAGES: Mapping[str, Callable[[Transaction], object]] = {
    "overview": lambda tx: show_overview(tx, None),
    "orders": lambda tx: order_list(tx, OrderFilters(), None),
    "orders of a state": lambda tx: order_list(tx, OrderFilters(state="cancelled"), None),
    "orders late": lambda tx: order_list(tx, OrderFilters(late=True), None),
    "orders by id": lambda tx: order_list(tx, OrderFilters(q="past-000000123"), None),
    "orders by place": lambda tx: order_list(tx, OrderFilters(q="town 3"), None),
    "an order": lambda tx: show_order(tx, "past-000001000", WHO),
    "parcels": lambda tx: parcel_list(tx, ParcelFilters(), None),
    "a parcel": lambda tx: show_parcel(tx, SHIPPED, WHO),
    "parcels that stand still": lambda tx: show_standing(tx, StandingFilters(), WHO),
    "silent parcels": lambda tx: show_standing(tx, StandingFilters(kind="silent"), WHO),
    "stock": lambda tx: stock_list(tx, StockFilters(), None),
    "a SKU": lambda tx: show_sku(tx, HOT, WHO),
    "its movements": lambda tx: show_movements(tx, HOT, MovementFilters(), WHO),
    "warehouses": lambda tx: show_warehouses(tx, WHO),
    "a warehouse": lambda tx: show_warehouse(tx, "BER", WHO),
    "letters": lambda tx: letter_list(tx, LetterFilters(), None),
    "audit": lambda tx: audit_list(tx, AuditFilters(), None, "ops"),
    "costs by day": lambda tx: costs(tx, since=tx.now.date() - timedelta(days=91)),
    "costs by SKU": lambda tx: costs(tx, by="sku"),
    "costs by order": lambda tx: costs(tx, by="order"),
    "placements": lambda tx: show_placements(tx, quarter(tx)),
    "promises": lambda tx: show_promises(tx, quarter(tx)),
    "refusals": lambda tx: show_refusals(tx, quarter(tx), None),
}


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reads_a_table_of_what_happened_from_end_to_end(past: Database, page: str) -> None:
    # Goal: as quick with a long past as with a short one. What was read is counted by Postgres, by
    # the plans that production has: for any parameters, and of tables with statistics.
    def look(tx: Transaction) -> dict[str, int]:
        before = {row.name: row.rows for row in tx.rows(READ_WHOLE)}
        PAGES[page](tx)
        return {
            row.name: row.rows for row in tx.rows(READ_WHOLE) if row.rows > before.get(row.name, 0)
        }

    assert past.run(look, CAUSE) == {}


def test_of_all_parcels_under_way_those_that_stand_are_read(past: Database) -> None:
    # Goal: a good day costs nothing, however much is on its way.
    ((under_way,),) = past.statement(
        text("SELECT count(*) FROM parcels WHERE state IN ('labelled', 'shipped')")
    )
    usual = USUAL.stand_hours
    standing = past.run(lambda tx: len(standing_still(tx, usual, limit=ORDERS)), CAUSE)

    assert 0 < standing < under_way / 4
    read = rows_read(past, "parcels", PAGES["parcels that stand still"])
    assert read <= standing + 2 * PAGE


def test_what_moved_of_a_sku_that_sells_well_is_told_without_its_ledger(past: Database) -> None:
    ((moved,),) = past.statement(
        text("SELECT count(*) FROM stock_movements WHERE sku = :sku AND occurred_at > :since"),
        sku=HOT,
        since=past.now() - timedelta(days=13),
    )

    assert moved > 100
    assert rows_read(past, "stock_movements", PAGES["a SKU"]) < moved / 2


def test_a_plan_that_reads_all_of_it_is_found(past: Database) -> None:
    # It asks for what came after a moment, of which the planner expects a third of all there is.
    asked = text("SELECT priority, count(*) FROM orders WHERE accepted_at > :at GROUP BY priority")

    def look(tx: Transaction) -> set[str]:
        tx.rows(asked, at=tx.now)
        return {row.name for row in tx.rows(READ_WHOLE)}

    assert past.run(look, CAUSE) == {"orders"}
