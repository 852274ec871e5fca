"""Inbound: what is on its way to a warehouse, and what was told of what can be promised."""

from alembic import op

revision = "0007"
down_revision = "0004"

INBOUNDS = """
CREATE TABLE inbounds (
    inbound_id    text PRIMARY KEY,
    origin        text REFERENCES warehouses,  -- none: a supplier
    warehouse     text        NOT NULL REFERENCES warehouses,
    state         text        NOT NULL CHECK (state IN ('requested', 'shipped', 'received',
                                                        'cancelled')),
    state_reason  text        NOT NULL DEFAULT '',
    hold_id       text REFERENCES stock_holds,  -- what keeps a transfer's units at the origin
    expected_at   timestamptz,  -- not known while a receipt is all that is known of it
    announced_at  timestamptz,  -- by the supplier; an older announcement is not applied
    shipped_at    timestamptz,
    received_at   timestamptz,
    created_at    timestamptz NOT NULL,
    closed_at     timestamptz,
    CONSTRAINT no_transfer_to_itself CHECK (origin <> warehouse),
    CONSTRAINT transfers_have_a_hold CHECK ((hold_id IS NOT NULL) = (origin IS NOT NULL)),
    CONSTRAINT shipped_when_shipped CHECK (
        (shipped_at IS NOT NULL) = (origin IS NOT NULL AND state IN ('shipped', 'received'))),
    CONSTRAINT closed_when_ended CHECK (
        (closed_at IS NOT NULL) = (state IN ('received', 'cancelled')))
);
CREATE INDEX inbounds_open ON inbounds (expected_at) WHERE state IN ('requested', 'shipped');
CREATE TABLE inbound_items (
    inbound_id  text    NOT NULL REFERENCES inbounds,
    sku         text    NOT NULL REFERENCES skus,
    quantity    integer NOT NULL CHECK (quantity >= 0),  -- asked for; 0: came unannounced
    shipped     integer NOT NULL DEFAULT 0,
    received    integer NOT NULL DEFAULT 0 CHECK (received >= 0),
    PRIMARY KEY (inbound_id, sku),
    CONSTRAINT no_more_than_asked CHECK (shipped BETWEEN 0 AND quantity)
);
"""

# What was told last of each SKU; what was never told of has nothing that can be promised.
ANNOUNCED = """
CREATE TABLE stock_announced (
    sku           text PRIMARY KEY REFERENCES skus,
    available     bigint      NOT NULL CHECK (available >= 0),
    announced_at  timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX skus_unreleased ON skus (released_at) WHERE released_at IS NOT NULL;
"""


def upgrade() -> None:
    """Make room for what is new; nothing that is there changes."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (INBOUNDS, ANNOUNCED):
        op.execute(part)
