"""Those who wait in a queue, in the order in which they are served: the next fifty are one scan."""

from alembic import op

revision = "0010"
down_revision = "0009"

# By the old indexes all that wait had to be sorted for each fifty. The new one is small: it holds
# what waits at the moment. Live orders have an index of their own without them, since the planner,
# whose statistics are from before a flood, would take that and sort.
WAITING = """
CREATE INDEX orders_waiting_in_order ON orders (asked_priority, asked_at, order_id)
    WHERE state = 'waiting';
DROP INDEX orders_waiting;
DROP INDEX orders_live;
CREATE INDEX orders_live ON orders (state, priority, promised_at)
    WHERE state IN ('backordered', 'review', 'placed', 'shipped');
"""


def upgrade() -> None:
    """Other indexes for the same questions."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(WAITING)
