"""Indexes on tables that are in use, made while others write.

CREATE INDEX stops writes to its table for as long as it takes, which is seconds for a million rows
and longer than anybody waits. CONCURRENTLY it takes twice as long and stops nobody, but is no part
of a transaction: what it leaves where it is interrupted is an index that is not valid.
Source: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

import re

from alembic import op
from sqlalchemy import text

from shared.platform import driver

# Each waits for older transactions, behind which nobody waits for it, and reads its table twice.
_PATIENCE_S = 1_800
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?=(\w+) ON )")
_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create(statements: str) -> None:
    """Make the indexes of these CREATE INDEX statements, each ended by a semicolon.

    What is there stays, and what was interrupted is made anew, so that the migration can run again.
    What the migration did before is committed by this, and has to bear being repeated.

    Raises:
        ValueError: one of them is no CREATE INDEX that names its index.
    """
    connection = op.get_bind().connection.dbapi_connection
    with op.get_context().autocommit_block(), driver.long_silence(connection, _PATIENCE_S):
        op.execute("COMMIT")  # of what Alembic asked the connection just before
        op.execute(f"SET lock_timeout = '{_PATIENCE_S}s'")
        op.execute(f"SET statement_timeout = '{_PATIENCE_S}s'")
        for statement in filter(None, map(str.strip, statements.split(";"))):
            found = _INDEX.match(statement)
            if found is None:
                raise ValueError(f"not the making of an index: {statement}")
            is_valid = op.get_bind().execute(_IS_VALID, {"name": found[1]}).scalar()
            if is_valid is False:
                op.execute(f"DROP INDEX CONCURRENTLY {found[1]}")
            if not is_valid:
                op.execute(f"{found[0]}CONCURRENTLY {statement[found.end() :]}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
    op.execute("SET LOCAL lock_timeout = '3s'")
