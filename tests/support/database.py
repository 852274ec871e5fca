"""The tests' database."""

from sqlalchemy import text

from shared.platform.config import Config
from shared.platform.db import Database

# A table that was ever written to has a size; one whose number generator was used may have none.
_USED = text("""
    SELECT string_agg(quote_ident(relname), ', ' ORDER BY relname) AS names
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       AND relname NOT IN ('alembic_version', 'ageing_rules')
       AND (pg_relation_size(oid) > 0
            OR EXISTS (SELECT 1
                         FROM pg_depend
                         JOIN pg_sequence ON seqrelid = objid
                        WHERE refobjid = pg_class.oid AND deptype = 'i'
                          AND pg_sequence_last_value(seqrelid) IS NOT NULL))
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
    (row,) = database.statement(_USED)
    if row.names is not None:  # each truncated table costs a millisecond, used or not
        database.statement(text(f"TRUNCATE {row.names} RESTART IDENTITY CASCADE"))
