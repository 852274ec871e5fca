"""Orders of which a part is sent while the rest waits for stock."""

from alembic import op

revision = "0011"
down_revision = "0010"

# A check is made anew without looking at the rows that passed the narrower one.
PARTLY_PLACED = """
ALTER TABLE orders ADD COLUMN ship_together boolean;
ALTER TABLE orders DROP CONSTRAINT orders_state_check;
ALTER TABLE orders ADD CONSTRAINT orders_state_check CHECK (state IN (
    'waiting', 'backordered', 'partly_placed', 'review', 'placed', 'shipped', 'delivered',
    'returned', 'cancelled')) NOT VALID;
ALTER TABLE placement_decisions DROP CONSTRAINT known_outcome;
ALTER TABLE placement_decisions ADD CONSTRAINT known_outcome CHECK (
    outcome IN ('placed', 'partly_placed', 'backordered', 'review', 'sold_out')) NOT VALID;
DROP INDEX orders_live;
CREATE INDEX orders_live ON orders (state, priority, promised_at)
    WHERE state IN ('backordered', 'partly_placed', 'review', 'placed', 'shipped');
"""


def upgrade() -> None:
    """Let an order stand between waiting and placed."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(PARTLY_PLACED)
