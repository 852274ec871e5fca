"""Stock: partitions, holds, kits, channels, caps, and a ledger with every type of movement."""

from alembic import op

revision = "0004"
down_revision = "0003"

# Code from before this migration knows one partition of each balance and no holds: it names
# neither, and the defaults say so.
LEVELS = """
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_sku_warehouse_fkey;
ALTER TABLE stock_levels
    ADD COLUMN partition    smallint NOT NULL DEFAULT 0 CHECK (partition >= 0),
    ADD COLUMN spread_from  smallint NOT NULL DEFAULT 0,  -- a spread is `spread` rows from here on
    ADD COLUMN spread       smallint NOT NULL DEFAULT 1 CHECK (spread >= 1),
    ADD COLUMN held         integer  NOT NULL DEFAULT 0,
    ADD COLUMN allotment    text,     -- the sale that alone may take from this row
    ADD COLUMN fenced_for   text,     -- why nothing is promised from this row
    DROP CONSTRAINT stock_levels_pkey,
    ADD PRIMARY KEY (sku, warehouse, partition),
    DROP CONSTRAINT never_oversold,
    ADD CONSTRAINT never_oversold CHECK (
        0 <= reserved AND 0 <= held AND reserved + held <= on_hand),
    ADD CONSTRAINT within_its_spread CHECK (
        partition >= spread_from AND (fenced_for IS NOT NULL OR partition < spread_from + spread));
ALTER TABLE stock_movements
    ADD COLUMN partition  smallint NOT NULL DEFAULT 0,
    ADD COLUMN reason     text NOT NULL DEFAULT '',
    ADD FOREIGN KEY (sku, warehouse, partition) REFERENCES stock_levels,
    DROP CONSTRAINT booked_once,
    ADD CONSTRAINT booked_once UNIQUE (sku, warehouse, partition, kind, reference),
    DROP CONSTRAINT stock_movements_kind_check,
    ADD CONSTRAINT known_kind CHECK (kind IN ('receipt', 'shipment', 'return', 'count',
        'adjustment', 'short_pick', 'transfer_out', 'transfer_in', 'write_off', 'repartition',
        'repair'));
"""

CATALOGUE = """
ALTER TABLE skus ADD COLUMN released_at timestamptz;  -- before it, orders wait as pre-orders
CREATE TABLE kit_components (
    kit        text    NOT NULL REFERENCES skus,
    component  text    NOT NULL REFERENCES skus,
    quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    PRIMARY KEY (kit, component),
    CONSTRAINT no_kit_of_itself CHECK (kit <> component)
);
CREATE INDEX kit_components_by_component ON kit_components (component);
"""

PARCELS = """
ALTER TABLE parcel_items
    ADD COLUMN partition smallint NOT NULL DEFAULT 0,
    DROP CONSTRAINT parcel_items_pkey,
    ADD PRIMARY KEY (parcel_id, line_no, sku, partition);
ALTER TABLE parcels
    DROP CONSTRAINT tracked_when_labelled,
    ADD CONSTRAINT tracked_when_labelled CHECK (
        (tracking_code IS NOT NULL) = (state IN ('labelled', 'shipped', 'delivered', 'returned'))
        OR state = 'cancelled');
"""

ORDERS = """
ALTER TABLE orders
    ADD COLUMN hold_id      text,         -- the hold of the cart that became this order
    ADD COLUMN sale         text,         -- whose allotment it may take from
    ADD COLUMN expected_at  timestamptz;  -- when a backordered order can probably be placed
ALTER TABLE placement_decisions
    DROP CONSTRAINT placement_decisions_outcome_check,
    ADD CONSTRAINT known_outcome CHECK (
        outcome IN ('placed', 'backordered', 'review', 'sold_out'));
ALTER TABLE order_lines ADD COLUMN kit jsonb;  -- component -> units of it in one unit
CREATE INDEX order_lines_backordered_kits ON order_lines (order_id)
    WHERE backordered > 0 AND kit IS NOT NULL;
CREATE TABLE channel_warehouses (  -- a channel that is not named may sell everything
    channel        text    NOT NULL,
    warehouse      text    NOT NULL REFERENCES warehouses,
    share_percent  integer NOT NULL CHECK (share_percent BETWEEN 1 AND 100),
    PRIMARY KEY (channel, warehouse)
);
CREATE TABLE order_exclusions (  -- who could not pick what of an order, and is not asked again
    order_id    text        NOT NULL REFERENCES orders,
    sku         text        NOT NULL,
    warehouse   text        NOT NULL,
    reason      text        NOT NULL,
    excluded_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, sku, warehouse)
);
CREATE TABLE backorder_caps (  -- a SKU that is not named has none
    sku    text PRIMARY KEY REFERENCES skus,
    cap    integer NOT NULL CHECK (cap >= 0),
    taken  integer NOT NULL DEFAULT 0 CHECK (taken >= 0)  -- units that wait
);
"""

HOLDS = """
CREATE TABLE stock_holds (
    hold_id     text PRIMARY KEY,
    purpose     text        NOT NULL CHECK (purpose IN ('cart', 'payment', 'quarantine',
                                                        'transfer')),
    reference   text        NOT NULL,  -- the cart, order, return or transfer
    channel     text,
    sale        text,
    state       text        NOT NULL CHECK (state IN ('open', 'consumed', 'released', 'expired')),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,           -- when its owner loses it
    release_at  timestamptz,           -- when its units are given back: a little later, spread out
    closed_at   timestamptz,
    CONSTRAINT closed_when_not_open CHECK ((closed_at IS NULL) = (state = 'open')),
    CONSTRAINT customers_holds_end CHECK (
        (expires_at IS NOT NULL) = (purpose IN ('cart', 'payment'))),
    CONSTRAINT released_after_the_end CHECK (
        (release_at IS NULL) = (expires_at IS NULL) AND release_at >= expires_at)
);
CREATE INDEX stock_holds_ending ON stock_holds (release_at) WHERE state = 'open';
CREATE INDEX stock_holds_by_reference ON stock_holds (reference) WHERE state = 'open';
CREATE TABLE stock_hold_items (
    hold_id    text     NOT NULL REFERENCES stock_holds,
    sku        text     NOT NULL,
    warehouse  text     NOT NULL,
    partition  smallint NOT NULL,
    quantity   integer  NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (hold_id, sku, warehouse, partition),
    FOREIGN KEY (sku, warehouse, partition) REFERENCES stock_levels
);
"""


def upgrade() -> None:
    """Widen what is there, and make room for what is new."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (LEVELS, CATALOGUE, PARCELS, ORDERS, HOLDS):
        op.execute(part)
