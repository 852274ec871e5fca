"""Partitions can be reshaped under load, and what reconciliation finds is kept."""

from alembic import op

revision = "0008"
down_revision = "0007"

# A statement that waits for a lock does not see rows that were added meanwhile. The layout changes
# whenever units are laid anew over the rows of a balance, so who has waited can tell, and looks
# again.
# Few rows are fenced off, spread or allotted, so their indexes are small and updates stay in place.
LEVELS = """
ALTER TABLE stock_levels ADD COLUMN layout integer NOT NULL DEFAULT 0;
CREATE INDEX stock_levels_fenced ON stock_levels (sku, warehouse) WHERE fenced_for IS NOT NULL;
CREATE INDEX stock_levels_spread ON stock_levels (sku, warehouse) WHERE spread > 1;
CREATE INDEX stock_levels_allotted ON stock_levels (allotment) WHERE allotment IS NOT NULL;
"""

# Of all parcels there ever were few have not left: what they promise is looked up every night, and
# every minute what was planned last, which says which SKUs are hot.
PARCELS = """
CREATE INDEX parcels_open ON parcels (planned_at)
    WHERE state IN ('planned', 'labelling', 'labelled');
"""

DRIFTS = """
CREATE TABLE stock_drifts (
    drift_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     text        NOT NULL,  -- the reconciliation that found it
    found_at   timestamptz NOT NULL,
    sku        text        NOT NULL,
    warehouse  text        NOT NULL,
    partition  smallint    NOT NULL,
    figure     text        NOT NULL CHECK (figure IN ('on_hand', 'reserved', 'held', 'promised')),
    found      bigint      NOT NULL,
    explained  bigint      NOT NULL,  -- what the figure should be by what explains it
    explained_by text      NOT NULL,
    outcome    text        NOT NULL CHECK (outcome IN ('repaired', 'fenced')),
    actor      text        NOT NULL,
    CONSTRAINT found_once UNIQUE (run_id, sku, warehouse, partition, figure)
);
"""


def upgrade() -> None:
    """Widen one table, and make room for findings."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (LEVELS, PARCELS, DRIFTS):
        op.execute(part)
