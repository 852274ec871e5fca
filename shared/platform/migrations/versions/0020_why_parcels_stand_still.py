"""Why a parcel does not go its usual way."""

from alembic import op

revision = "0020"
down_revision = "0014"

REASONS = """
ALTER TABLE tracking_events ADD COLUMN reason text;  -- NULL: as usual, or its carrier does not say
"""


def upgrade() -> None:
    """Add the reason to what carriers report."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(REASONS)
