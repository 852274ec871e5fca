"""Counts that found fewer than is promised wait until they can be applied."""

from alembic import op

revision = "0032"
down_revision = "0031"

COUNTS = """
CREATE TABLE open_counts (
    sku         text        NOT NULL,
    warehouse   text        NOT NULL,
    count_id    text        NOT NULL,
    counted_at  timestamptz NOT NULL,
    on_hand     integer     NOT NULL CHECK (on_hand >= 0),  -- at counted_at
    actor       text        NOT NULL,
    PRIMARY KEY (sku, warehouse)
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(COUNTS)
