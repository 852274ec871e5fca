"""What was dated ahead of now is found and dated back, and that is kept like every drift."""

from alembic import op

revision = "0039"
down_revision = "0038"

DRIFTS = """
ALTER TABLE stock_drifts
    DROP CONSTRAINT stock_drifts_figure_check,
    ADD CONSTRAINT stock_drifts_figure_check CHECK (
        figure IN ('on_hand', 'reserved', 'held', 'promised', 'moment')) NOT VALID;
"""


def upgrade() -> None:
    """Widen what old code writes."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(DRIFTS)
