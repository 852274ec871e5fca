"""How promises stood, minute by minute."""

from alembic import op

revision = "0043"
down_revision = "0042"

SAMPLES = """
CREATE TABLE promise_samples (
    sampled_at  timestamptz PRIMARY KEY,  -- to the minute
    unshipped   integer NOT NULL,  -- orders that no carrier has yet
    at_risk     integer NOT NULL CHECK (at_risk >= 0),
    broken      integer NOT NULL CHECK (broken >= 0),
    CHECK (at_risk + broken <= unshipped)
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(SAMPLES)
