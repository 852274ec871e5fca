"""The tests' database."""

from sqlalchemy import text

from shared.platform.config import Config
from shared.platform.db import Database

_TABLES = text("""
    SELECT string_agg(quote_ident(tablename), ', ' ORDER BY tablename) AS names
      FROM pg_tables
     WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'ageing_rules')
""")


def settings(url: str, **others: object) -> Config:
    """Settings for a process that talks to the database at `url`."""
    return Config.model_validate(
        {
            "env": "test",
            "project": "dispatch-test",
            "location": "europe-west1",
            "database_url": url,
            "pool_size": 16,
            "oidc_audience": "https://dispatch.test",
            "oidc_caller": "event-caller@dispatch-test.iam.gserviceaccount.com",
            **others,
        }
    )


def empty(database: Database) -> None:
    """Take every row out of every table, but for what the migrations put there."""
    (row,) = database.statement(_TABLES)
    database.statement(text(f"TRUNCATE {row.names} RESTART IDENTITY"))
