"""Indexes that are made while others write, and made anew where that was interrupted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from shared.platform import pool
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.migrate import engine_for
from shared.platform.migrations import indexes
from shared.platform.sql import text
from tests.support import given

pytestmark = pytest.mark.slow

BY_COLOUR = "CREATE INDEX mugs_by_colour ON mugs (colour);"
UNIQUE = "CREATE UNIQUE INDEX mugs_by_colour ON mugs (colour);"
PATIENCE_MS = 1_500  # of a statement that makes no index
WAITS_LONGER = f"""
    SELECT count(*) FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONCURRENTLY mugs_by_colour%'
       AND clock_timestamp() - query_start > interval '{PATIENCE_MS + 200} ms'
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('mugs_by_colour')"


@pytest.fixture
def engine(config: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine on the tests' database, which has a table of its own for these tests."""
    monkeypatch.setattr(pool, "SILENCE_S", 0.0)
    found = engine_for(config.model_copy(update={"statement_timeout_ms": PATIENCE_MS}))
    database.statement(text("CREATE TABLE mugs (colour text)"))
    database.statement(text("INSERT INTO mugs VALUES ('blue'), ('blue'), ('red')"))
    yield found
    database.statement(text("DROP TABLE mugs"))


def migrated(engine: Engine, statements: str) -> None:
    """A migration makes these indexes, as Alembic runs it."""
    with engine.connect() as connection:
        options = {"transaction_per_migration": True}
        context = MigrationContext.configure(connection, opts=options)
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            indexes.create(statements)


def test_others_write_while_an_index_is_made(engine: Engine, database: Database) -> None:
    # Goal: the index waits for whoever is older, for longer than a statement may take or a server
    # may be silent, and nobody waits for the index.
    never = Event()
    with ThreadPoolExecutor(max_workers=1) as maker, engine.connect() as older:
        older.exec_driver_sql("INSERT INTO mugs VALUES ('green')")
        made = maker.submit(migrated, engine, BY_COLOUR)
        while given.rows(database, WAITS_LONGER) == [(0,)]:
            assert not made.done(), made.result()
            never.wait(0.01)

        database.statement(text("INSERT INTO mugs VALUES ('white')"))

        assert not made.done()
        older.commit()
        made.result(timeout=30)

    assert given.rows(database, VALID) == [(True,)]


def test_an_index_that_was_interrupted_is_made_anew(engine: Engine, database: Database) -> None:
    with pytest.raises(DBAPIError):
        migrated(engine, UNIQUE)  # two mugs are blue: what is left is not valid
    assert given.rows(database, VALID) == [(False,)]
    database.statement(text("DELETE FROM mugs WHERE colour = 'blue'"))

    migrated(engine, UNIQUE)

    assert given.rows(database, VALID) == [(True,)]


def test_what_is_there_stays(engine: Engine, database: Database) -> None:
    migrated(engine, BY_COLOUR)
    before = given.rows(database, "SELECT to_regclass('mugs_by_colour')::oid")

    migrated(engine, BY_COLOUR + "CREATE INDEX mugs_by_two ON mugs (colour, colour);")

    assert given.rows(database, "SELECT to_regclass('mugs_by_colour')::oid") == before


@pytest.mark.parametrize("statement", ["DROP TABLE mugs", "CREATE INDEX ON mugs (colour)"])
def test_what_makes_no_index_with_a_name_is_refused(engine: Engine, statement: str) -> None:
    with pytest.raises(ValueError, match="not the making of an index"):
        migrated(engine, statement)
