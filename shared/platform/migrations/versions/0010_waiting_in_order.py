"""Those who wait in a queue, in the order in which they are served: the next fifty are one scan."""

from alembic import op

revision = "0010"
down_revision = "0009"

# By their old index all that wait had to be sorted. It is small: it holds what waits at the moment.
WAITING = """
CREATE INDEX orders_waiting_in_order ON orders (asked_priority, asked_at, order_id)
    WHERE state = 'waiting';
DROP INDEX orders_waiting;
"""


def upgrade() -> None:
    """Another index for the same questions."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(WAITING)
