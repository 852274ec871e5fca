"""Whose failure opened a breaker: the carrier's own, or that of the vendor of its labels."""

from alembic import op

revision = "0033"
down_revision = "0032"

# Where old code opens a breaker nobody is named, and parcels are rerouted as they were by it.
VENDOR = """
ALTER TABLE carrier_breakers
    ADD COLUMN IF NOT EXISTS vendor text;  -- that failed last; NULL: no vendor, the carrier itself
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(VENDOR)
