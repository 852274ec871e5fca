"""Indexes by which parcels and the audit trail are listed, and passwords that are good once."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0026"
down_revision = "0025"

# The newest first: all, those in a state, those of a warehouse. Of what carriers say, only what
# is not the usual way has an index: the usual is found soon among the newest.
PARCELS = """
CREATE INDEX parcels_newest ON parcels (planned_at, parcel_id);
CREATE INDEX parcels_by_state ON parcels (state, planned_at, parcel_id);
CREATE INDEX parcels_by_warehouse ON parcels (warehouse, planned_at, parcel_id);
CREATE INDEX parcels_unusual ON parcels (tracking_status, planned_at, parcel_id)
    WHERE tracking_status IN ('ready_for_pickup', 'delivery_failed', 'delivery_delayed', 'on_hold',
                              'return_to_sender', 'cancelled', 'unknown');
"""

# NULL: from before it was kept; then only its body says which parcel it is about.
UPDATES = """
ALTER TABLE carrier_updates ADD COLUMN IF NOT EXISTS tracking_code text;
"""
BY_CODE = """
CREATE INDEX carrier_updates_by_code ON carrier_updates (tracking_code, received_at)
    WHERE tracking_code IS NOT NULL;
"""

AUDIT = """
CREATE INDEX audit_log_by_action ON audit_log (action, audit_id);
CREATE INDEX audit_log_by_subject_id ON audit_log (subject_id, audit_id);
"""

PASSWORDS = """
ALTER TABLE users ADD COLUMN password_is_temporary boolean NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(UPDATES)
    for part in (PARCELS, BY_CODE, AUDIT):
        indexes.create(part)
    op.execute(PASSWORDS)
