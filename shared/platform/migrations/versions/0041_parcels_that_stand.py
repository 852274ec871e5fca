"""Parcels that stand still are found by indexes, one for each way to stand."""

from alembic import op
from sqlalchemy import text

from shared.platform.migrations import indexes

revision = "0041"
down_revision = "0040"

AT_ONCE = 2_000

# What an order promised is what its parcels were promised: it is there with what is said of when
# they come. Who plans a parcel need not know of it, and a promise does not change. It has a name of
# its own, since who reads orders with their parcels means the order's.
PROMISE = """
ALTER TABLE parcels ADD COLUMN IF NOT EXISTS order_promised_at timestamptz;  -- NULL: ended before
CREATE OR REPLACE FUNCTION promise_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT promised_at INTO NEW.order_promised_at FROM orders WHERE order_id = NEW.order_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER promise_of_order BEFORE INSERT ON parcels
    FOR EACH ROW EXECUTE FUNCTION promise_of_order();
CREATE OR REPLACE FUNCTION promise_to_parcels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE parcels SET order_promised_at = NEW.promised_at WHERE order_id = NEW.order_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_to_parcels AFTER UPDATE OF promised_at ON orders
    FOR EACH ROW WHEN (OLD.promised_at <> NEW.promised_at)
    EXECUTE FUNCTION promise_to_parcels();
"""
OF_BEFORE = text("""
    UPDATE parcels SET order_promised_at = orders.promised_at
      FROM orders
     WHERE orders.order_id = parcels.order_id
       AND parcel_id IN (SELECT parcel_id FROM parcels
                          WHERE state IN ('planned', 'labelling', 'labelled', 'shipped')
                            AND order_promised_at IS NULL
                          ORDER BY parcel_id LIMIT :limit
                            FOR NO KEY UPDATE)
""")
# As shared/ops/standing_still.py asks. What has its label leaves in time for its promise until a
# day that is known; what has left comes on a day that is known.
INDEXES = """
CREATE INDEX parcels_promised ON parcels (order_promised_at, parcel_id)
    WHERE state IN ('labelled', 'shipped');
CREATE INDEX parcels_not_handed_over ON parcels
    (greatest(planned_at, ship_on::timestamp AT TIME ZONE 'UTC'), parcel_id)
    WHERE state = 'labelled';
CREATE INDEX parcels_silent ON parcels (coalesce(last_update_at, shipped_at), parcel_id)
    WHERE state = 'shipped' AND tracking_status <> 'ready_for_pickup';
CREATE INDEX parcels_not_collected ON parcels (tracking_status_at, parcel_id)
    WHERE state = 'shipped' AND tracking_status = 'ready_for_pickup';
CREATE INDEX parcels_coming_late ON parcels (planned_at, parcel_id)
    WHERE state = 'shipped'
      AND arrives_on + greatest(0, (shipped_at AT TIME ZONE 'UTC')::date - ship_on)
          > (order_promised_at AT TIME ZONE 'UTC')::date;
CREATE INDEX parcels_leaving_late ON parcels
    ((CASE WHEN arrives_on > (order_promised_at AT TIME ZONE 'UTC')::date THEN '-infinity'
           ELSE ship_on + ((order_promised_at AT TIME ZONE 'UTC')::date - arrives_on) END))
    WHERE state = 'labelled';
"""


def upgrade() -> None:
    """Add what old code does without; it goes on to fill it."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(PROMISE)
    with op.get_context().autocommit_block():
        while op.get_bind().execute(OF_BEFORE, {"limit": AT_ONCE}).rowcount:
            pass
    indexes.create(INDEXES)
    op.execute("DROP INDEX IF EXISTS parcels_under_way")
