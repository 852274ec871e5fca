"""A hold is of one order, an edited order keeps what it had, and no cap takes that from it."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0038"
down_revision = "0037"

LINES = """
ALTER TABLE order_lines  -- units that were promised once: no cap says that they may not wait
    ADD COLUMN IF NOT EXISTS secured integer NOT NULL DEFAULT 0;
ALTER TABLE order_lines DROP CONSTRAINT IF EXISTS secured_is_of_the_line;
ALTER TABLE order_lines
    ADD CONSTRAINT secured_is_of_the_line CHECK (secured BETWEEN 0 AND quantity) NOT VALID;
"""
# What old code keeps for who waits has no owner here; it ends within minutes.
HOLDS = """
ALTER TABLE stock_holds  -- the order whose units these are
    ADD COLUMN IF NOT EXISTS for_order text;
ALTER TABLE stock_holds DROP CONSTRAINT known_purpose;
ALTER TABLE stock_holds
    ADD CONSTRAINT known_purpose CHECK (purpose IN ('cart', 'payment', 'waitlist', 'order',
                                                    'quarantine', 'transfer')) NOT VALID;
ALTER TABLE stock_holds DROP CONSTRAINT IF EXISTS an_orders_hold_names_it;
ALTER TABLE stock_holds
    ADD CONSTRAINT an_orders_hold_names_it CHECK (
        purpose <> 'order' OR for_order IS NOT NULL) NOT VALID;
"""
INDEX = """
CREATE INDEX stock_holds_of_orders ON stock_holds (for_order) WHERE state = 'open';
"""
# What waits keeps what it has; of several orders that name a cart's hold the first has it.
OWNERS = """
UPDATE stock_holds SET for_order = reference
 WHERE state = 'open' AND purpose = 'waitlist' AND for_order IS NULL;
UPDATE stock_holds SET for_order = first.order_id
  FROM (SELECT DISTINCT ON (hold_id) hold_id, order_id
          FROM orders JOIN stock_holds AS named USING (hold_id)
         WHERE orders.state IN ('waiting', 'backordered', 'review')
           AND named.state = 'open' AND named.purpose IN ('cart', 'payment')
           AND (named.channel IS NULL OR named.channel = orders.channel)
         ORDER BY hold_id, accepted_at, order_id) AS first
 WHERE stock_holds.hold_id = first.hold_id AND for_order IS NULL;
"""


def upgrade() -> None:
    """Widen what is there, and say whose what is held already is."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(LINES)
    op.execute(HOLDS)
    indexes.create(INDEX)
    op.execute(OWNERS)
