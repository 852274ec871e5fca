"""Indexes by which the stock of a SKU, its deliveries and its drifts are found."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0025"
down_revision = "0024"

# A SKU that few orders have is found among the parcels that have not left by what is in them.
INDEXES = """
CREATE INDEX parcel_items_by_sku ON parcel_items (sku, parcel_id);
CREATE INDEX inbounds_by_time ON inbounds (created_at, inbound_id);
CREATE INDEX stock_drifts_by_sku ON stock_drifts (sku, drift_id);
"""


def upgrade() -> None:
    """Add indexes; nothing that is there changes."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(INDEXES)
