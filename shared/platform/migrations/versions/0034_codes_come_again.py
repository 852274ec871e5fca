"""A tracking code is no name for ever: carriers use theirs again, and another's may be the same."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0034"
down_revision = "0033"

# Beside the old one until that goes, so that nobody looks a code up without an index.
BY_CODE = """
CREATE INDEX parcels_by_code ON parcels (tracking_code, planned_at)
    WHERE tracking_code IS NOT NULL;
"""


def upgrade() -> None:
    """Let a code be there twice. Old code finds one of its parcels."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(BY_CODE)
    op.execute("DROP INDEX IF EXISTS parcels_by_tracking_code")
