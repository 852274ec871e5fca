"""A row of the outbox is found by its lane, and forgotten by its lane and its id: one index."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0036"
down_revision = "0035"

IN_LANES = """
CREATE UNIQUE INDEX outbox_in_lanes ON outbox (lane, outbox_id);
"""
INSTEAD = """
ALTER TABLE outbox
    DROP CONSTRAINT outbox_pkey,
    ADD CONSTRAINT outbox_pkey PRIMARY KEY USING INDEX outbox_in_lanes;
DROP INDEX outbox_by_lane;
"""
# What was sent leaves its room to what comes next. Where the file shrinks whenever all is sent,
# plans are made for a table of nothing, which read all of it, and are kept while it grows.
ROOM = """
ALTER TABLE outbox SET (
    vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""


def upgrade() -> None:
    """One index for two. Old code finds what it has to forget without one, among what is left."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(IN_LANES)
    op.execute(INSTEAD)
    op.execute(ROOM)
