"""What every placed order writes and nobody reads is gone: indexes, and checks twice made."""

from alembic import op

revision = "0037"
down_revision = "0036"

# In the order of those who place orders, or they and this would wait for one another.
LOCKS = """
LOCK TABLE warehouses, rate_cards, orders, order_lines, parcels, parcel_items
    IN ACCESS EXCLUSIVE MODE;
"""
# What parcels_by_time finds is found by parcels_newest, and what parcels_open finds by
# parcels_by_state; nobody looks for items by their order.
INDEXES = """
DROP INDEX parcels_by_time;
DROP INDEX parcels_open;
DROP INDEX parcel_items_by_order;
"""
# The statement that plans a parcel holds them by itself, and nothing is deleted of the four tables.
# Each cost a query a row and a lock of the row that is referred to; of a rate card or a warehouse
# that is one row for all who place orders at this moment.
CHECKS = """
ALTER TABLE parcel_items DROP CONSTRAINT parcel_items_parcel_id_fkey;
ALTER TABLE parcels
    DROP CONSTRAINT parcels_order_id_fkey,
    DROP CONSTRAINT parcels_warehouse_fkey,
    DROP CONSTRAINT parcels_rate_card_id_fkey;
"""
# A line is changed when its order is placed, which is written to no index where its page has room.
ROOM = """
ALTER TABLE order_lines SET (fillfactor = 70);
"""


def upgrade() -> None:
    """Take away what old code does not miss."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (LOCKS, INDEXES, CHECKS, ROOM):
        op.execute(part)
