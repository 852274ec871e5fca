"""What has changed a moment ago, so that pages can show it without being asked to."""

from alembic import op

revision = "0027"
down_revision = "0026"

# Old code announces without rooms: until it is gone, what it does shows when a page is loaded.
ROOMS = """
ALTER TABLE outbox ADD COLUMN rooms text[] NOT NULL DEFAULT '{}';
"""

CHANGES = """
CREATE TABLE live_changes (
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),  -- of whoever told it
    change_id  bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    rooms      text[]      NOT NULL,
    PRIMARY KEY (xid, change_id)
);
"""

NOTES = """
CREATE TABLE order_notes (
    note_id   text PRIMARY KEY,
    order_id  text        NOT NULL REFERENCES orders,
    at        timestamptz NOT NULL,
    author    text        NOT NULL,
    body      text        NOT NULL CHECK (body <> '')
);
CREATE INDEX order_notes_by_order ON order_notes (order_id, at);
"""


def upgrade() -> None:
    """Rooms of what is announced, what was heard of them, and notes on orders."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (ROOMS, CHANGES, NOTES):
        op.execute(part)
