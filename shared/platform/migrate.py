"""Brings the database's schema up to date: `python -m shared.platform.migrate`.

Old and new code run side by side while a release is tried, so a migration either expands, which old
code does not notice, or contracts: takes away what only old code needed. One that contracts says so
(`phase = "contract"`), and is left for after the release.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Event

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from shared.platform.config import Config, config
from shared.platform.pool import opener

EXPAND, CONTRACT = "expand", "contract"

# Asked for again and again: who waited inside Postgres would be an older transaction there, and one
# that makes an index waits for those.
_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(hashtext('dispatch migrations'))")
# Who guards is idle for as long as the migration takes; the database ends who is so for a minute.
_MAY_BE_IDLE = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_PATIENCE_S, _PAUSE_S = 600.0, 0.2
_QUOTED = text("SELECT quote_ident(:name)")


class OutOfTurn(Exception):
    """A migration that expands comes after one that contracts: they cannot be in one release."""


class StillMigrating(Exception):
    """Somebody else migrates this database, and has done so for long."""


def engine_for(config: Config) -> Engine:
    """An engine, which Alembic asks for, on connections as functions open them."""
    opened = opener(config)
    return create_engine(
        "postgresql+pg8000://", creator=lambda: opened().connection, poolclass=NullPool
    )


def migrate(config: Config, *, until: str = CONTRACT) -> None:
    """Run the migrations that the database lacks; of two at once the second waits.

    Args:
        config: names the database, and the tables' owner.
        until: `expand` leaves out what contracts; `contract` leaves out nothing.

    Raises:
        OutOfTurn, StillMigrating: nothing was changed.
    """
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = engine_for(config)
    with engine.connect() as guard, guard.begin(), engine.connect() as connection:
        _wait_for_others(guard)
        applied = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        settings.attributes["connection"] = connection
        last = last_to_run(ScriptDirectory.from_config(settings), applied, until)
        if last is not None:
            command.upgrade(settings, last)


def _wait_for_others(guard: Connection) -> None:
    guard.execute(_MAY_BE_IDLE)
    end = time.monotonic() + _PATIENCE_S
    while not guard.execute(_ONE_AT_A_TIME).scalar_one():
        if time.monotonic() > end:
            raise StillMigrating("another migration of this database has not come to its end")
        Event().wait(_PAUSE_S)


def grant(config: Config, users: Iterable[str]) -> None:
    """Let `users` read and write every table that is there, and nothing beyond."""
    with engine_for(config).begin() as connection:
        names = [connection.execute(_QUOTED, {"name": user}).scalar_one() for user in users]
        if not names:
            return
        everybody = ", ".join(names)
        for right in ("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES", "USAGE ON ALL SEQUENCES"):
            # Postgres takes no parameters here; the names were quoted by itself.
            connection.exec_driver_sql(f"GRANT {right} IN SCHEMA public TO {everybody}")
        connection.exec_driver_sql(
            f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {everybody}"
        )


def last_to_run(scripts: ScriptDirectory, applied: str | None, until: str) -> str | None:
    """The last migration to run now, after the one that is `applied`; None where there is none.

    An empty database gets them all: no old code looks at it.

    Raises:
        OutOfTurn: what contracts comes before what expands.
    """
    missing = [
        script
        for script in reversed(list(scripts.iterate_revisions("head", applied or "base")))
        if script.revision != applied
    ]
    phases = [getattr(script.module, "phase", EXPAND) for script in missing]
    contracting = phases.index(CONTRACT) if CONTRACT in phases else len(missing)
    if applied is not None and EXPAND in phases[contracting:]:
        raise OutOfTurn(
            f"migration {missing[contracting].revision} contracts and a later one expands;"
            " release what is before the later one first"
        )
    ready = missing if until == CONTRACT or applied is None else missing[:contracting]
    return ready[-1].revision if ready else None


def main(words: Sequence[str] | None = None) -> None:
    """Migrate the database of this process's settings, and grant."""
    parser = argparse.ArgumentParser(prog="migrate", description=__doc__)
    parser.add_argument("--until", choices=(EXPAND, CONTRACT), default=CONTRACT)
    parser.add_argument("--grant", action="append", default=[], metavar="USER")
    arguments = parser.parse_args(words)
    migrate(config(), until=arguments.until)
    grant(config(), arguments.grant)


if __name__ == "__main__":
    main()
