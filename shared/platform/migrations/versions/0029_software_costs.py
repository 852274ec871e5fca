"""What the steps of functions cost, by day."""

from alembic import op

revision = "0029"
down_revision = "0028"

COSTS = """
CREATE TABLE software_costs (
    day       date   NOT NULL,  -- in UTC
    function  text   NOT NULL,
    steps     bigint NOT NULL CHECK (steps >= 1),
    nano_usd  bigint NOT NULL CHECK (nano_usd >= 0),  -- at list prices, at most
    PRIMARY KEY (day, function)
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(COSTS)
