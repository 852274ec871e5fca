"""Idempotency keys, and a way to find what is old enough to be forgotten."""

from alembic import op

revision = "0002"
down_revision = "0001"

KEYS = """
CREATE TABLE idempotency_keys (
    caller       text        NOT NULL,  -- two callers may choose the same key
    key          text        NOT NULL,
    fingerprint  text        NOT NULL,  -- of the request: another one is a conflict
    status       integer     NOT NULL,
    headers      jsonb       NOT NULL,
    body         text        NOT NULL,
    answered_at  timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (answered_at);
"""
# Writers of the inbox wait while it is built, about a second for each million rows; who waits for
# longer than a lock may take is delivered again. CONCURRENTLY would wait for whoever waits to
# migrate, who waits for us.
INBOX = "CREATE INDEX inbox_by_age ON inbox (received_at)"


def upgrade() -> None:
    """Add the table, and an index each for those who forget."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(KEYS)
    op.execute(INBOX)
