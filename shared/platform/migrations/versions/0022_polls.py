"""Parcels that a carrier is asked about because nothing is heard of them."""

from alembic import op

revision = "0022"
down_revision = "0021"

# Old code leaves the new columns alone, so its rules go on with the usual hours.
RULES = """
ALTER TABLE standstill_rules
    ADD COLUMN poll_after_hours integer NOT NULL DEFAULT 12 CHECK (poll_after_hours >= 1),
    ADD COLUMN poll_every_hours integer NOT NULL DEFAULT 12 CHECK (poll_every_hours >= 1);
"""
POLLS = """
CREATE TABLE parcel_polls (
    parcel_id      text PRIMARY KEY REFERENCES parcels,
    asked_at       timestamptz NOT NULL,  -- when its carrier was last to be asked
    times          integer     NOT NULL CHECK (times >= 1),
    answered_at    timestamptz,
    unknown_times  integer     NOT NULL DEFAULT 0 CHECK (unknown_times >= 0),  -- in a row
    unknown_since  timestamptz,
    given_up_at    timestamptz,
    CONSTRAINT unknown_since_a_moment CHECK ((unknown_times > 0) = (unknown_since IS NOT NULL)),
    CONSTRAINT given_up_when_unknown CHECK (given_up_at IS NULL OR unknown_times > 0)
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(RULES)
    op.execute(POLLS)
