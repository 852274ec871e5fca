"""What has come back of a parcel is found in the ledger."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0031"
down_revision = "0030"

INDEX = """
CREATE INDEX stock_movements_returned ON stock_movements (reason) WHERE kind = 'return';
"""


def upgrade() -> None:
    """Add an index; nothing that is there changes."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(INDEX)
