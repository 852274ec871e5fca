"""How the schema changes around a release: what expands before it, what contracts after it."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.exc import DatabaseError

from shared.kit.ids import new_id
from shared.platform import migrate
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.migrate import CONTRACT, EXPAND, OutOfTurn, engine_for, grant, last_to_run
from shared.platform.sql import text
from tests.support import given
from tests.support.database import settings


def scripts(folder: Path, *phases: str) -> ScriptDirectory:
    """Migrations 1, 2, 3, … of these phases."""
    (folder / "versions").mkdir()
    for number, phase in enumerate(phases, start=1):
        before = repr(str(number - 1)) if number > 1 else None
        (folder / f"versions/{number}.py").write_text(
            f'revision = "{number}"\ndown_revision = {before}\n'
            + (f'phase = "{phase}"\n' if phase == CONTRACT else "")
        )
    found = AlembicConfig()
    found.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(found)


@pytest.mark.parametrize(
    ("phases", "applied", "before", "after"),
    [
        ((EXPAND, EXPAND, EXPAND), "1", "3", "3"),
        ((EXPAND, EXPAND, CONTRACT), "1", "2", "3"),
        ((EXPAND, CONTRACT), "1", None, "2"),
        ((EXPAND, CONTRACT, CONTRACT), "1", None, "3"),
        ((EXPAND, CONTRACT, EXPAND), "2", "3", "3"),
        ((EXPAND, EXPAND), "2", None, None),
        ((EXPAND, CONTRACT, EXPAND), None, "3", "3"),
    ],
)
def test_what_contracts_is_left_for_after_the_release(
    tmp_path: Path,
    phases: tuple[str, ...],
    applied: str | None,
    before: str | None,
    after: str | None,
) -> None:
    found = scripts(tmp_path, *phases)

    assert last_to_run(found, applied, EXPAND) == before
    assert last_to_run(found, applied, CONTRACT) == after


@pytest.mark.parametrize("until", [EXPAND, CONTRACT])
def test_what_expands_after_what_contracts_is_another_release(tmp_path: Path, until: str) -> None:
    found = scripts(tmp_path, EXPAND, CONTRACT, EXPAND)

    with pytest.raises(OutOfTurn, match="migration 2 contracts and a later one expands"):
        last_to_run(found, "1", until)


def test_a_release_without_migrations_changes_nothing(
    config: Config, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(migrate, "config", lambda: config)
    before = given.rows(database, "SELECT version_num FROM alembic_version")

    migrate.main(["--until", EXPAND])
    migrate.main(["--until", CONTRACT])

    assert given.rows(database, "SELECT version_num FROM alembic_version") == before


def test_a_migration_may_take_longer_than_a_session_may_be_idle(
    config: Config, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    # Goal: production ends who is idle in a transaction, and the guard is while others work.
    def upgrade(settings: AlembicConfig, _until: str) -> None:
        settings.attributes["connection"].exec_driver_sql("SELECT pg_sleep(0.3)")

    monkeypatch.setattr(migrate, "last_to_run", lambda *_: "head")
    monkeypatch.setattr(command, "upgrade", upgrade)
    ((name,),) = given.rows(database, "SELECT quote_ident(current_database())")
    setting = f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout"
    database.statement(text(f"{setting} = '50ms'"))
    try:
        migrate.migrate(config)
    finally:
        database.statement(text(f"{setting} TO DEFAULT"))


def test_who_is_granted_reads_and_writes_rows_and_changes_no_table(
    config: Config, database: Database
) -> None:
    # Goal: the identity of a function, stolen, cannot take a table away.
    user = f"fn-{new_id('test')}@dispatch-test.iam"
    assert config.database_url is not None
    database.statement(text(f"CREATE ROLE \"{user}\" LOGIN PASSWORD 'test'"))
    url = make_url(config.database_url.get_secret_value()).set(username=user, password="test")
    function = engine_for(settings(url.render_as_string(hide_password=False)))
    try:
        grant(config, [user])

        with function.begin() as connection:
            connection.exec_driver_sql("DELETE FROM failed_attempts")
            connection.exec_driver_sql("SELECT * FROM outbox")
        for forbidden in (
            "DROP TABLE outbox",
            "TRUNCATE outbox",
            "CREATE TABLE mugs ()",
            "UPDATE alembic_version SET version_num = '0'",
        ):
            with pytest.raises(DatabaseError, match="42501"), function.begin() as connection:
                connection.exec_driver_sql(forbidden)
    finally:
        database.statement(text(f'DROP OWNED BY "{user}"'))
        database.statement(text(f'DROP ROLE "{user}"'))
