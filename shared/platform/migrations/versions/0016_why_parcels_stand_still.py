"""Why a parcel does not go its usual way, and which ones stand still."""

from alembic import op

revision = "0016"
down_revision = "0015"

REASONS = """
ALTER TABLE tracking_events ADD COLUMN reason text;  -- NULL: as usual, or its carrier does not say
"""

STANDSTILLS = """
-- How long a parcel may stand before somebody is told. The most special row counts: carrier and
-- service, carrier alone, service alone, none of them; without any, what the code has.
CREATE TABLE standstill_rules (
    carrier                text    NOT NULL,  -- '*': any
    service                text    NOT NULL,  -- '*': any
    not_handed_over_hours  integer NOT NULL CHECK (not_handed_over_hours >= 1),
    silent_hours           integer NOT NULL CHECK (silent_hours >= 1),
    not_collected_hours    integer NOT NULL CHECK (not_collected_hours >= 1),
    overdue_hours          integer NOT NULL CHECK (overdue_hours >= 0),
    changed_at             timestamptz NOT NULL,
    changed_by             text    NOT NULL,
    PRIMARY KEY (carrier, service)
);

-- What somebody was told, once: the same parcel stands still anew when it has moved meanwhile.
CREATE TABLE standstills (
    parcel_id  text        NOT NULL REFERENCES parcels,
    kind       text        NOT NULL CHECK (kind IN ('not_handed_over', 'silent', 'not_collected',
                                                    'expected_late', 'overdue')),
    since      timestamptz NOT NULL,
    told_at    timestamptz NOT NULL,
    PRIMARY KEY (parcel_id, kind, since)
);
CREATE INDEX parcels_under_way ON parcels (parcel_id) WHERE state IN ('labelled', 'shipped');
"""


def upgrade() -> None:
    """Add the reason to what carriers report, and what is known of parcels that stand still."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(REASONS)
    op.execute(STANDSTILLS)
