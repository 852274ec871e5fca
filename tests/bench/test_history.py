"""A past that is made up is one that the product could have had: its books are right."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from emulators.bench import history, history_rows
from emulators.bench.shop import CAUSE, Shop
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.ops.auditor import audit
from shared.orders.types import OrderState
from shared.platform.config import Config
from shared.platform.db import Database, connect
from shared.platform.sql import text
from tests.support.database import settings

ORDERS = 2_000
# Months of decisions get tables of their own, with the indexes of the whole.
_INDEXES = text("""
    SELECT indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename !~ '^placement_decisions_' ORDER BY 1
""")
_NOT_VALID = text("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")


@pytest.fixture
def own(config: Config, database: Database) -> Iterator[Database]:
    """A migrated database of this test's own, whose indexes are dropped and made anew."""
    assert config.database_url is not None
    name = new_id("history")
    database.statement(text(f"CREATE DATABASE {name} TEMPLATE dispatch"))
    url = make_url(config.database_url.get_secret_value()).set(database=name)
    reached = settings(url.render_as_string(hide_password=False))
    found = connect(reached, utc_now)
    yield found
    found.close()
    database.statement(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.mark.slow
def test_two_months_of_orders_are_right_in_every_book(own: Database) -> None:
    shop = Shop(own, 240)
    shop.fill()
    before = own.statement(_INDEXES)

    history.store(own, shop, ORDERS, lambda _: None)

    assert own.run(audit, CAUSE) == ()
    states = own.statement(text("SELECT state, count(*) AS orders FROM orders GROUP BY state"))
    counts = {row.state: row.orders for row in states}
    assert counts.keys() == set(OrderState) - {OrderState.PARTLY_PLACED}
    assert sum(counts.values()) == ORDERS + 2  # the shop's template and the past's
    assert 80 <= counts["waiting"] <= 100
    for table in history_rows.FILLED:
        assert own.statement(text(f"SELECT 1 FROM {table} LIMIT 1")), table
    assert own.statement(_INDEXES) == before
    assert own.statement(_NOT_VALID) == []
