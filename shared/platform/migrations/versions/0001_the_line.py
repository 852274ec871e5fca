"""The line: orders, stock, parcels, costs, carriers, tracking and messages."""

from alembic import op

revision = "0001"
down_revision = None

CATALOGUE = """
CREATE TABLE skus (
    sku        text PRIMARY KEY,
    weight_g   integer NOT NULL CHECK (weight_g > 0),
    length_mm  integer CHECK (length_mm > 0),
    width_mm   integer CHECK (width_mm > 0),
    height_mm  integer CHECK (height_mm > 0)
);
CREATE TABLE warehouses (
    warehouse  text PRIMARY KEY,
    address    jsonb NOT NULL,
    lat        double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon        double precision NOT NULL CHECK (lon BETWEEN -180 AND 180)
);
"""

STOCK = """
CREATE TABLE stock_levels (
    sku         text    NOT NULL REFERENCES skus,
    warehouse   text    NOT NULL REFERENCES warehouses,
    on_hand     integer NOT NULL DEFAULT 0,
    reserved    integer NOT NULL DEFAULT 0,
    safety      integer NOT NULL DEFAULT 0,
    counted_at  timestamptz,  -- of the latest count that was applied; an older one is not
    PRIMARY KEY (sku, warehouse),
    CONSTRAINT never_oversold CHECK (0 <= reserved AND reserved <= on_hand),
    CONSTRAINT safety_not_negative CHECK (safety >= 0)
) WITH (fillfactor = 70);  -- room for updates in place: no index mentions the figures

CREATE TABLE stock_movements (
    movement_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku          text        NOT NULL,
    warehouse    text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('receipt', 'count', 'shipment')),
    quantity     integer     NOT NULL,  -- added to on_hand; a count that agrees adds nothing
    reference    text        NOT NULL,
    actor        text        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    FOREIGN KEY (sku, warehouse) REFERENCES stock_levels,
    CONSTRAINT booked_once UNIQUE (sku, warehouse, kind, reference)
);
CREATE INDEX stock_movements_by_time ON stock_movements (sku, warehouse, occurred_at);
CREATE FUNCTION refuse_to_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON stock_movements
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite();
"""

ORDERS = """
CREATE TABLE orders (
    order_id        text PRIMARY KEY,
    channel         text        NOT NULL,
    revision        integer     NOT NULL CHECK (revision >= 1),
    fingerprint     text        NOT NULL,  -- of the submitted body: another body is a conflict
    state           text        NOT NULL CHECK (state IN ('waiting', 'backordered', 'review',
                                    'placed', 'shipped', 'delivered', 'returned', 'cancelled')),
    state_reason    text        NOT NULL DEFAULT '',
    priority        text        NOT NULL CHECK (priority IN ('express', 'standard', 'bulk')),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    destination     jsonb       NOT NULL,
    lat             double precision NOT NULL,
    lon             double precision NOT NULL,
    ordered_at      timestamptz NOT NULL,
    promised_at     timestamptz NOT NULL,
    accepted_at     timestamptz NOT NULL,
    asked_priority  text        NOT NULL,  -- the queue that was asked to place it last, and when
    asked_at        timestamptz NOT NULL,
    placed_at       timestamptz,
    closed_at       timestamptz,
    correlation_id  text        NOT NULL,
    CONSTRAINT placed_when_placed CHECK (
        (placed_at IS NOT NULL) = (state IN ('placed', 'shipped', 'delivered', 'returned'))
        OR state = 'cancelled'),
    CONSTRAINT closed_when_final CHECK (
        (closed_at IS NOT NULL) = (state IN ('delivered', 'returned', 'cancelled')))
);
CREATE INDEX orders_live ON orders (state, priority, promised_at)
    WHERE state NOT IN ('delivered', 'returned', 'cancelled');

CREATE INDEX orders_waiting ON orders (asked_priority, asked_at) WHERE state = 'waiting';
-- An order that has waited for a share of the longest wait in one queue asks the next one too.
CREATE TABLE ageing_rules (
    priority     text PRIMARY KEY CHECK (priority IN ('express', 'standard', 'bulk')),
    share        double precision NOT NULL CHECK (share > 0 AND share <= 1),
    asks         text NOT NULL CHECK (asks IN ('express', 'standard', 'bulk'))
);
INSERT INTO ageing_rules (priority, share, asks)
VALUES ('express', 0.05, 'express'), ('standard', 0.25, 'express'), ('bulk', 0.25, 'standard');

CREATE TABLE order_lines (
    order_id          text    NOT NULL REFERENCES orders,
    line_no           integer NOT NULL CHECK (line_no >= 1),
    sku               text    NOT NULL REFERENCES skus,
    quantity          integer NOT NULL CHECK (quantity >= 1),
    unit_price_cents  bigint  NOT NULL CHECK (unit_price_cents >= 0),
    allocated         integer NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    backordered       integer NOT NULL DEFAULT 0 CHECK (backordered >= 0),
    cancelled         integer NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    PRIMARY KEY (order_id, line_no),
    -- What is in none of the three is waiting.
    CONSTRAINT units_are_conserved CHECK (allocated + backordered + cancelled <= quantity)
);
-- What overtook its order; of several the one that counts: a cancellation, else the newest.
CREATE TABLE early_changes (
    order_id     text PRIMARY KEY,
    type         text        NOT NULL,
    revision     integer     NOT NULL CHECK (revision >= 2),
    body         text        NOT NULL,
    event_id     text        NOT NULL,
    received_at  timestamptz NOT NULL
);
CREATE INDEX early_changes_by_age ON early_changes (received_at);
CREATE INDEX order_lines_backordered ON order_lines (sku) WHERE backordered > 0;
"""

PLACEMENT = """
CREATE TABLE placement_decisions (
    decision_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     text        NOT NULL REFERENCES orders,
    decided_at   timestamptz NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('placed', 'backordered', 'review')),
    cost_cents   bigint,
    receipt      jsonb       NOT NULL
);
CREATE INDEX placement_decisions_by_order ON placement_decisions (order_id, decided_at);
"""

COSTING = """
CREATE TABLE rate_cards (
    rate_card_id    text PRIMARY KEY,
    carrier         text        NOT NULL,
    version         integer     NOT NULL CHECK (version >= 1),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    handling_cents  integer     NOT NULL CHECK (handling_cents >= 0),  -- of each parcel
    valid_from      timestamptz NOT NULL,  -- until the next version of the carrier's begins
    UNIQUE (carrier, version),
    UNIQUE (carrier, valid_from)
);
CREATE TABLE rate_card_steps (
    rate_card_id    text    NOT NULL REFERENCES rate_cards,
    max_distance_m  integer NOT NULL CHECK (max_distance_m > 0),
    max_weight_g    integer NOT NULL CHECK (max_weight_g > 0),
    price_cents     integer NOT NULL CHECK (price_cents >= 0),
    PRIMARY KEY (rate_card_id, max_distance_m, max_weight_g)
);
"""

PARCELS = """
CREATE TABLE parcels (
    parcel_id           text PRIMARY KEY,
    order_id            text        NOT NULL REFERENCES orders,
    warehouse           text        NOT NULL REFERENCES warehouses,
    carrier             text        NOT NULL,
    rate_card_id        text        NOT NULL REFERENCES rate_cards,
    state               text        NOT NULL CHECK (state IN ('planned', 'labelling', 'labelled',
                                        'shipped', 'delivered', 'returned', 'cancelled')),
    weight_g            integer     NOT NULL CHECK (weight_g > 0),
    distance_m          integer     NOT NULL CHECK (distance_m >= 0),
    quoted_cents        bigint      NOT NULL CHECK (quoted_cents >= 0),
    planned_at          timestamptz NOT NULL,
    tracking_code       text,
    tracking_status     text        NOT NULL DEFAULT 'pending',
    tracking_status_at  timestamptz,
    last_update_at      timestamptz,
    shipped_at          timestamptz,
    delivered_at        timestamptz,
    returned_at         timestamptz,
    cancelled_at        timestamptz,
    CONSTRAINT tracked_when_labelled CHECK (
        (tracking_code IS NOT NULL) = (state IN ('labelled', 'shipped', 'delivered', 'returned'))),
    CONSTRAINT shipped_when_shipped CHECK (
        (shipped_at IS NOT NULL) = (state IN ('shipped', 'delivered', 'returned'))),
    CONSTRAINT delivered_when_delivered CHECK (delivered_at IS NOT NULL OR state <> 'delivered'),
    CONSTRAINT returned_when_returned CHECK ((returned_at IS NOT NULL) = (state = 'returned')),
    CONSTRAINT cancelled_when_cancelled CHECK ((cancelled_at IS NOT NULL) = (state = 'cancelled'))
);
CREATE INDEX parcels_by_order ON parcels (order_id);
CREATE UNIQUE INDEX parcels_by_tracking_code ON parcels (tracking_code)
    WHERE tracking_code IS NOT NULL;

CREATE TABLE parcel_items (
    parcel_id  text    NOT NULL REFERENCES parcels,
    line_no    integer NOT NULL,
    order_id   text    NOT NULL,
    sku        text    NOT NULL,
    quantity   integer NOT NULL CHECK (quantity >= 1),
    PRIMARY KEY (parcel_id, line_no)
);
CREATE INDEX parcel_items_by_order ON parcel_items (order_id);

CREATE TABLE charges (
    parcel_id     text        NOT NULL REFERENCES parcels,
    order_id      text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('handling', 'freight')),
    entry         text        NOT NULL CHECK (entry IN ('charge', 'reversal')),
    amount_cents  bigint      NOT NULL,
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    rate_card_id  text        NOT NULL REFERENCES rate_cards,
    charged_at    timestamptz NOT NULL,
    PRIMARY KEY (parcel_id, kind, entry),
    CONSTRAINT reversals_take_back CHECK ((entry = 'reversal') = (amount_cents < 0)
                                          OR amount_cents = 0)
);
CREATE INDEX charges_by_order ON charges (order_id);
"""

CARRIERS = """
CREATE TABLE labels (
    label_id            text PRIMARY KEY,  -- also the idempotency key towards the vendor
    parcel_id           text        NOT NULL REFERENCES parcels,
    carrier             text        NOT NULL,
    state               text        NOT NULL CHECK (state IN ('requested', 'bought')),
    requested_at        timestamptz NOT NULL,
    leased_until        timestamptz,  -- one purchase at a time; the vendor promises no such thing
    bought_at           timestamptz,
    vendor_shipment_id  text,
    tracking_code       text,
    document_url        text,
    amount_cents        bigint,
    currency            text,
    CONSTRAINT complete_when_bought CHECK ((state = 'bought') = (bought_at IS NOT NULL
        AND vendor_shipment_id IS NOT NULL AND tracking_code IS NOT NULL
        AND amount_cents IS NOT NULL AND currency IS NOT NULL))
);
CREATE UNIQUE INDEX one_label_a_parcel ON labels (parcel_id);
"""

TRACKING = """
CREATE TABLE carrier_updates (
    update_id    text PRIMARY KEY,  -- derived from vendor and body: the same body is one update
    vendor       text        NOT NULL,
    body         text        NOT NULL,
    received_at  timestamptz NOT NULL
);
CREATE TABLE tracking_events (
    parcel_id    text        NOT NULL REFERENCES parcels,
    content_id   text        NOT NULL,  -- derived from the content: full histories merge
    status       text        NOT NULL,
    raw_status   text        NOT NULL,
    detail       text        NOT NULL,
    message      text        NOT NULL,
    location     jsonb       NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (parcel_id, content_id)
);
"""

MESSAGES = """
CREATE TABLE outbox (
    outbox_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane           text        NOT NULL,  -- destination and ordering key: what keeps order
    kind           text        NOT NULL CHECK (kind IN ('topic', 'queue')),
    destination    text        NOT NULL,
    ordering_key   text        NOT NULL,
    event_id       text        NOT NULL,
    attributes     jsonb       NOT NULL,
    body           text        NOT NULL,
    created_at     timestamptz NOT NULL,
    claimed_until  timestamptz
);
CREATE INDEX outbox_by_lane ON outbox (lane, outbox_id);
CREATE TABLE inbox (
    consumer     text        NOT NULL,
    event_id     text        NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE TABLE dead_letters (
    dead_letter_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source          text        NOT NULL,
    message_id      text        NOT NULL,
    code            text        NOT NULL,
    reason          text        NOT NULL,
    facts           jsonb       NOT NULL,
    attributes      jsonb       NOT NULL,
    payload         bytea       NOT NULL,
    attempts        integer     NOT NULL,
    correlation_id  text        NOT NULL,
    parked_at       timestamptz NOT NULL,
    UNIQUE (source, message_id)
);
"""


def upgrade() -> None:
    """Make everything; there was nothing before."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (
        CATALOGUE,
        STOCK,
        ORDERS,
        PLACEMENT,
        COSTING,
        PARCELS,
        CARRIERS,
        TRACKING,
        MESSAGES,
    ):
        op.execute(part)
