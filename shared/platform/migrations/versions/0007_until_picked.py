"""Orders change until they are picked, come back after, and labels that are not used are voided."""

from alembic import op

revision = "0007"
down_revision = "0006"

ORDERS = """
ALTER TABLE orders ADD COLUMN return_wanted_at timestamptz;  -- cancelled after the pick
"""
PARCELS = """
ALTER TABLE parcels ADD COLUMN picked_at timestamptz;  -- from here on it cannot be taken back
"""
# A label may be voided of which nobody knows whether it was bought: its answer never came.
LABELS = """
ALTER TABLE labels
    ADD COLUMN voided_at timestamptz,
    DROP CONSTRAINT labels_state_check,
    ADD CONSTRAINT known_state CHECK (
        state IN ('requested', 'bought', 'void_requested', 'voided')),
    DROP CONSTRAINT complete_when_bought,
    ADD CONSTRAINT complete_when_bought CHECK (
        CASE state WHEN 'requested' THEN false
                   WHEN 'bought' THEN true
                   ELSE bought_at IS NOT NULL END
        = (bought_at IS NOT NULL AND vendor_shipment_id IS NOT NULL AND tracking_code IS NOT NULL
           AND amount_cents IS NOT NULL AND currency IS NOT NULL)),
    ADD CONSTRAINT voided_when_voided CHECK ((voided_at IS NOT NULL) = (state = 'voided'));
"""


def upgrade() -> None:
    """Widen what is there."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (ORDERS, PARCELS, LABELS):
        op.execute(part)
