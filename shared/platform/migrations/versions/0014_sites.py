"""When warehouses work, how much they can send in a day, and how often they cannot pick."""

from alembic import op

revision = "0014"
down_revision = "0013"

SITES = """
ALTER TABLE skus ADD COLUMN needs text[] NOT NULL DEFAULT '{}';  -- capabilities, such as hazmat
ALTER TABLE warehouses
    ADD COLUMN time_zone       text       NOT NULL DEFAULT 'UTC',
    ADD COLUMN cut_off_minute  integer    NOT NULL DEFAULT 1440
        CHECK (cut_off_minute BETWEEN 0 AND 1440),  -- after its midnight
    ADD COLUMN working_days    smallint[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}',  -- ISO, Monday is 1
    ADD COLUMN closed_on       date[]     NOT NULL DEFAULT '{}',
    ADD COLUMN closed_for      text,      -- why nothing can be sent, until it is said otherwise
    ADD COLUMN daily_parcels   integer CHECK (daily_parcels >= 0),  -- NULL: any number
    ADD COLUMN capabilities    text[]     NOT NULL DEFAULT '{}';
ALTER TABLE parcels
    ADD COLUMN ship_on     date,  -- NULL: planned before this was known
    ADD COLUMN arrives_on  date;  -- NULL: its rate card does not say how long it takes
CREATE INDEX parcels_by_ship_day ON parcels (warehouse, ship_on)
    WHERE ship_on IS NOT NULL AND state <> 'cancelled';

-- Only of days on which a warehouse had an end to what it can send.
CREATE TABLE site_days (
    warehouse  text    NOT NULL REFERENCES warehouses,
    ship_on    date    NOT NULL,
    parcels    integer NOT NULL CHECK (parcels >= 0),
    PRIMARY KEY (warehouse, ship_on)
);
-- Of the last weeks: how many orders a warehouse was given, and of how many it missed something.
CREATE TABLE warehouse_refusals (
    warehouse   text PRIMARY KEY REFERENCES warehouses,
    orders      integer     NOT NULL CHECK (orders >= 0),
    refused     integer     NOT NULL CHECK (refused >= 0),
    counted_at  timestamptz NOT NULL
);
CREATE INDEX order_exclusions_by_time ON order_exclusions (excluded_at);
-- Parcels come in the order of their time, so that a few bytes for each stretch of them are enough.
CREATE INDEX parcels_by_time ON parcels USING brin (planned_at);
"""


def upgrade() -> None:
    """Add what the choice of a warehouse depends on beside its stock."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(SITES)
