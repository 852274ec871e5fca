"""The schema's history: it can be run again, by two at once, and gives the tables we rely on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
from sqlalchemy.engine import make_url

from shared.drifts.types import Figure, Outcome
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.ops.standing_still import Standstill
from shared.orders.types import OrderState, Priority
from shared.platform.config import Config
from shared.platform.db import Database, connect
from shared.platform.migrate import migrate
from shared.platform.sql import text
from shared.shipments.types import ParcelState
from tests.support import given
from tests.support.database import settings

pytestmark = pytest.mark.slow


@pytest.fixture
def own(config: Config, database: Database) -> Iterator[Config]:
    """Settings of an empty database of its own."""
    assert config.database_url is not None
    name = new_id("migrations")
    database.statement(text(f"CREATE DATABASE {name}"))
    url = make_url(config.database_url.get_secret_value()).set(database=name)
    yield settings(url.render_as_string(hide_password=False))
    database.statement(text(f"DROP DATABASE {name} WITH (FORCE)"))


def tables(own: Config) -> set[str]:
    with closing(connect(own, utc_now)) as database:
        found = given.rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in found}


def test_migrating_again_changes_nothing(own: Config) -> None:
    migrate(own)
    before = tables(own)

    migrate(own)

    assert tables(own) == before
    assert {"orders", "stock_levels", "parcels", "outbox", "alembic_version"} <= before


def test_of_two_migrators_at_once_the_second_waits_and_finds_nothing_to_do(
    own: Config,
) -> None:
    start = Barrier(2)

    def run(_number: int) -> None:
        start.wait(timeout=10)
        migrate(own)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(run, range(2)))

    assert "orders" in tables(own)


def test_every_table_has_a_primary_key(database: Database) -> None:
    assert (
        given.rows(
            database,
            """SELECT relname FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                  AND NOT EXISTS (SELECT FROM pg_constraint
                                   WHERE conrelid = pg_class.oid AND contype = 'p')""",
        )
        == []
    )


def _checked(database: Database, table: str, column: str) -> set[str]:
    """The words that the CHECK of `column` lists."""
    found = given.rows(
        database,
        f"""SELECT match[1] FROM pg_constraint,
                   regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''::text', 'g') AS match
             WHERE conrelid = '{table}'::regclass AND conname = '{table}_{column}_check'""",
    )
    return {word for (word,) in found}


def test_the_states_that_the_database_allows_are_those_of_the_code(database: Database) -> None:
    assert _checked(database, "orders", "state") == set(OrderState)
    assert _checked(database, "orders", "priority") == set(Priority)
    assert _checked(database, "parcels", "state") == set(ParcelState)
    assert _checked(database, "stock_drifts", "figure") == set(Figure)
    assert _checked(database, "stock_drifts", "outcome") == set(Outcome)
    assert _checked(database, "standstills", "kind") == set(Standstill)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE stock_movements SET quantity = 9", "DELETE FROM stock_movements"],
)
def test_the_ledger_of_stock_cannot_be_rewritten(database: Database, statement: str) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(Exception, match="refused a statement"):
        database.statement(text(statement))

    assert given.rows(database, "SELECT quantity FROM stock_movements") == [(5,)]
