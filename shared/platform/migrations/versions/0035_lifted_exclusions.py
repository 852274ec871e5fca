"""A warehouse that could not pick a SKU for an order may be asked again."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0035"
down_revision = "0034"

EXCLUSIONS = """
ALTER TABLE order_exclusions  -- it is asked again from then on
    ADD COLUMN IF NOT EXISTS lifted_at timestamptz;
"""
INDEX = """
CREATE INDEX order_exclusions_standing ON order_exclusions (warehouse, sku)
    WHERE lifted_at IS NULL;
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(EXCLUSIONS)
    indexes.create(INDEX)
