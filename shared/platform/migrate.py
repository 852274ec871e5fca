"""Brings the database's schema up to date: `python -m shared.platform.migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Engine, text

from shared.platform.config import config
from shared.platform.db import engine_for

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('dispatch migrations'))")


def migrate(engine: Engine) -> None:
    """Run the migrations that the database lacks; of two at once the second waits."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as guard, guard.begin(), engine.connect() as connection:
        guard.execute(_ONE_AT_A_TIME)
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


if __name__ == "__main__":
    migrate(engine_for(config()))
