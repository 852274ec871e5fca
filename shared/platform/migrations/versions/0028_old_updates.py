"""What carriers have sent is found by its age, so that old bodies can be deleted."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0028"
down_revision = "0027"

INDEX = """
CREATE INDEX carrier_updates_by_age ON carrier_updates (received_at);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(INDEX)
