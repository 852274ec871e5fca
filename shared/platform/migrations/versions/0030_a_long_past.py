"""Indexes by which the console stays quick with a long past."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0030"
down_revision = "0029"

# The first is as the index of before, and what was promised to those who wait is told without the
# orders. Most of a ledger are shipments: one of another kind is not found soon among them.
INDEXES = """
CREATE INDEX orders_waiting_by_queue ON orders (asked_priority, asked_at, order_id)
    INCLUDE (promised_at) WHERE state = 'waiting';
CREATE INDEX parcels_unlabelled ON parcels (carrier, planned_at, parcel_id)
    WHERE state IN ('planned', 'labelling');
CREATE INDEX labels_to_void ON labels (carrier) WHERE state = 'void_requested';
CREATE INDEX abandoned_labels_to_void ON abandoned_labels (carrier)
    WHERE state = 'void_requested';
CREATE INDEX stock_movements_by_kind ON stock_movements
    (sku, warehouse, kind, occurred_at, movement_id) WHERE kind <> 'shipment';
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(INDEXES)
    op.execute("DROP INDEX IF EXISTS orders_waiting_in_order")
