"""Who sells labels: a vendor for each carrier, and what adapters note before they spend money."""

from alembic import op

revision = "0018"
down_revision = "0017"

# A carrier without a row is sold as it was before: by EasyPost, under its own name.
ACCOUNTS = """
CREATE TABLE carrier_accounts (
    carrier         text PRIMARY KEY,
    vendor          text        NOT NULL,
    vendor_carrier  text        NOT NULL,  -- the vendor's name of the carrier
    vendor_account  text,  -- the vendor's id of our account; NULL: whichever the vendor takes
    label_format    text        NOT NULL CHECK (label_format IN ('pdf', 'png', 'zpl')),
    is_enabled      boolean     NOT NULL,
    changed_at      timestamptz NOT NULL,
    changed_by      text        NOT NULL
);
"""
# Old code knows one vendor, which the default names.
LABELS = """
ALTER TABLE labels ADD COLUMN vendor text NOT NULL DEFAULT 'easypost';
ALTER TABLE abandoned_labels ADD COLUMN vendor text NOT NULL DEFAULT 'easypost';
"""
NOTES = """
CREATE TABLE vendor_notes (
    subject   text PRIMARY KEY,  -- a label's id, or a manifest's
    note      text        NOT NULL,  -- in the vendor's words: where it is found again
    noted_at  timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (ACCOUNTS, LABELS, NOTES):
        op.execute(part)
