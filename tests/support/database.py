"""The tests' database."""

from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.driver import Asked
from shared.platform.sql import text

# Rows are deleted, which costs a tenth of TRUNCATE, until what deletions leave behind would slow
# tests down. As a replica of itself the session runs no triggers: some tables let nobody delete.
_EMPTY = text("""
    DO $$
    DECLARE
        it record;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR it IN
            SELECT oid, quote_ident(relname) AS name, pg_relation_size(oid) AS bytes
              FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
               AND relname NOT IN ('alembic_version', 'ageing_rules')
        LOOP
            IF it.bytes > 65536 THEN
                EXECUTE 'TRUNCATE ' || it.name || ' CASCADE';
            ELSIF it.bytes > 0 THEN
                EXECUTE 'DELETE FROM ' || it.name;
            END IF;
        END LOOP;
        PERFORM setval(seqrelid, seqstart, false)
           FROM pg_sequence
          WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
    END $$
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
    """Take every row out of every table, but for what the migrations put there.

    Not by the connection that a test is given next: whoever becomes a replica forgets its plans,
    and to plan what a small test asks costs as much as to run it. Those given back last are taken
    first, so it is the second of them.
    """
    pool = database._pool
    with pool.session(), pool.session() as second:
        second.run([Asked(*_EMPTY.bound({}))], alone=True)
