"""Policies of placement, with their versions."""

from alembic import op

revision = "0012"
down_revision = "0011"

POLICIES = """
CREATE TABLE placement_policies (
    policy_id     text PRIMARY KEY,
    channel       text        NOT NULL,  -- empty: every channel without one of its own
    version       integer     NOT NULL CHECK (version >= 1),
    valid_from    timestamptz NOT NULL,  -- until the channel's next version begins
    document      jsonb       NOT NULL,
    published_at  timestamptz NOT NULL,
    published_by  text        NOT NULL,
    reason        text        NOT NULL,
    UNIQUE (channel, version),
    UNIQUE (channel, valid_from)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON placement_policies
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite();
"""


def upgrade() -> None:
    """Add what shops want of their placements."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(POLICIES)
