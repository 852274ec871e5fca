"""`drill`: what is restored is what was there, and whatever is missing or wrong is found."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from emulators.laptop import drill as verb
from emulators.laptop.cli import UserMistake
from emulators.laptop.drill import RESTORED, drill
from emulators.laptop.postgres import Server
from emulators.laptop.postgres_binaries import find_binaries
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.sql import text
from tests.support import given

_THERE = "SELECT count(*) FROM pg_database WHERE datname = 'dispatch_drill'"


@pytest.fixture
def environment(config: Config, database: Database) -> dict[str, str]:
    """That of a stack whose database has an order that is placed."""
    if not (find_binaries().folder / "pg_dump").exists():
        pytest.skip("this Postgres comes without pg_dump")
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    assert config.database_url is not None
    return {
        "DISPATCH_ENV": "test",
        "DISPATCH_PROJECT": config.project,
        "DISPATCH_LOCATION": config.location,
        "DISPATCH_DATABASE_URL": config.database_url.get_secret_value(),
        "DISPATCH_OIDC_AUDIENCE": config.oidc_audience,
        "DISPATCH_OIDC_CALLER": config.oidc_caller,
    }


def meddling(what: Callable[[Server], None]) -> Callable[..., None]:
    """Postgres's programs as they are, with something done to what was restored."""
    usual = verb._program

    def run(server: Server, name: str, *words: str) -> None:
        usual(server, name, *words)
        if name == "pg_restore":
            what(server)

    return run


def execute(server: Server, statement: str) -> None:
    connection: Any = server.connect()
    connection.cursor().execute(statement)
    connection.close()


def test_all_is_restored_and_right_and_nothing_is_left(
    environment: dict[str, str], database: Database
) -> None:
    found = drill(environment)

    assert found.passed
    assert found.rows > 10
    assert found.backup_bytes > 0
    assert found.orders_since == 0
    assert given.rows(database, _THERE) == [(0,)]


def test_an_order_that_comes_in_the_midst_of_it_is_counted_and_is_no_difference(
    environment: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        verb, "_program", meddling(lambda _server: given.order(database, "ord_2", {"MUG": 1}))
    )

    found = drill(environment)

    assert (found.passed, found.orders_since) == (True, 1)


def test_a_table_that_lacks_rows_is_named(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        verb, "_program", meddling(lambda server: execute(server, "DELETE FROM outbox"))
    )

    found = drill(environment)

    assert not found.passed
    assert list(found.differences) == ["outbox"]


def test_a_rule_that_is_broken_in_what_was_restored_is_found(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "UPDATE stock_levels SET reserved = reserved - 1"
    monkeypatch.setattr(verb, "_program", meddling(lambda server: execute(server, broken)))

    found = drill(environment)

    assert not found.passed
    assert [one.rule for one in found.violations] == ["reserved equals the units in open parcels"]


def test_what_is_kept_can_be_looked_at_and_is_replaced_by_the_next(
    environment: dict[str, str], database: Database
) -> None:
    drill(environment, keep=True)
    assert given.rows(database, _THERE) == [(1,)]

    assert drill(environment, keep=True).passed
    database.statement(text(f"DROP DATABASE {RESTORED} WITH (FORCE)"))


def test_without_postgres_s_programs_it_says_what_is_missing(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    binaries = find_binaries()
    shutil.copy(binaries.folder / "initdb", tmp_path)
    bare = type(binaries)(tmp_path, binaries.major, binaries.source)
    monkeypatch.setattr(verb, "find_binaries", lambda: bare)

    with pytest.raises(UserMistake, match="pg_dump is not in"):
        drill(environment)
