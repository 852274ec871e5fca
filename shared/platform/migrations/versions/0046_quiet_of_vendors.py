"""How long each vendor wants no calls about a carrier, apart from whether the carrier answers."""

from alembic import op

revision = "0046"
down_revision = "0045"

# Old code keeps the pause in quiet_until, which new code takes for that of a failure alone: at the
# worst a vendor is asked once more while both run, and says so again.
BREAKERS = """
ALTER TABLE carrier_breakers
    ADD COLUMN quiet_of jsonb NOT NULL DEFAULT '{}';  -- vendor -> until when it wants no calls
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(BREAKERS)
