"""What a person prepares before it is published, and indexes by which reports find their days."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0024"
down_revision = "0023"

DRAFTS = """
-- Of each kind everybody has one at a time, and sees only their own.
CREATE TABLE drafts (
    owner       text        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('rates', 'policy')),
    draft_id    text        NOT NULL,  -- another one with every change
    said        jsonb       NOT NULL,  -- what is to be published, and what it follows
    found       jsonb       NOT NULL,  -- what came of the check
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (owner, kind)
);
CREATE INDEX drafts_by_end ON drafts (expires_at);
"""
# Orders come about in this order, so a few pages say where a day is.
DAYS = """
CREATE INDEX orders_by_promised_day ON orders USING brin (promised_at);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(DAYS)
    op.execute(DRAFTS)
