"""Holds over HTTP are known by what was asked for, and units are kept for who waits for them."""

from alembic import op

revision = "0006"
down_revision = "0005"

# The fingerprint has a default for what code from before this migration leaves out.
HOLDS = """
ALTER TABLE stock_holds
    ADD COLUMN fingerprint text NOT NULL DEFAULT '',
    DROP CONSTRAINT stock_holds_purpose_check,
    ADD CONSTRAINT known_purpose CHECK (purpose IN ('cart', 'payment', 'waitlist', 'quarantine',
                                                    'transfer')),
    DROP CONSTRAINT customers_holds_end,
    ADD CONSTRAINT customers_holds_end CHECK (
        (expires_at IS NOT NULL) = (purpose IN ('cart', 'payment', 'waitlist')));
CREATE INDEX stock_holds_of_waitlist ON stock_holds (reference, created_at)
    WHERE purpose = 'waitlist';
"""


def upgrade() -> None:
    """Widen one table."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(HOLDS)
