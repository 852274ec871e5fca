"""Webhooks for those without Pub/Sub: who wants them, what they are sent, and each attempt."""

from alembic import op

revision = "0020"
down_revision = "0019"

SUBSCRIBERS = """
CREATE TABLE webhook_subscribers (
    subscriber_id    text PRIMARY KEY,
    name             text        NOT NULL UNIQUE,
    url              text        NOT NULL,
    event_types      text[]      CHECK (event_types <> '{}'),  -- NULL: all that are offered
    channel          text,  -- NULL: the orders of every channel
    state            text        NOT NULL CHECK (state IN ('enabled', 'disabled')),
    disabled_at      timestamptz,
    disabled_because text,
    added_at         timestamptz NOT NULL,
    added_by         text        NOT NULL,
    changed_at       timestamptz NOT NULL,
    changed_by       text        NOT NULL,
    -- Which secret it has; the secret itself is derived when it is needed.
    secret_version   integer     NOT NULL CHECK (secret_version >= 1),
    key_id           text        NOT NULL,  -- of the key that it is derived from
    previous_key_id  text,  -- the same for the version before
    previous_until   timestamptz,  -- until when that one signs too
    -- How its calls go.
    failures         integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),  -- in a row
    failed_at        timestamptz,  -- the last of them
    failing_since    timestamptz,  -- the first of them
    delivered_at     timestamptz,  -- its last success
    CONSTRAINT disabled_when_disabled
        CHECK ((state = 'disabled') = (disabled_at IS NOT NULL)
           AND (state = 'disabled') = (disabled_because IS NOT NULL)),
    CONSTRAINT previous_has_an_end CHECK ((previous_key_id IS NULL) = (previous_until IS NULL)),
    CONSTRAINT failing_when_failed CHECK ((failures > 0) = (failing_since IS NOT NULL)
                                      AND (failures > 0) = (failed_at IS NOT NULL))
);
"""
DELIVERIES = """
CREATE TABLE webhook_deliveries (
    delivery_id    text PRIMARY KEY,
    sequence       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    subscriber_id  text        NOT NULL REFERENCES webhook_subscribers,
    event_id       text        NOT NULL,
    event_type     text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    data           text        NOT NULL,  -- the event's body
    state          text        NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts       integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),  -- all there ever were
    attempts_left  integer     NOT NULL CHECK (attempts_left >= 0),
    leased_until   timestamptz,  -- an attempt is under way
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    UNIQUE (subscriber_id, event_id),
    CONSTRAINT ended_when_ended CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT leased_while_waiting CHECK (leased_until IS NULL OR state = 'waiting')
);
CREATE INDEX webhook_deliveries_of_subscriber ON webhook_deliveries (subscriber_id, sequence);
CREATE INDEX webhook_deliveries_undelivered
    ON webhook_deliveries (subscriber_id, state, sequence) WHERE state <> 'delivered';
CREATE INDEX webhook_deliveries_under_way
    ON webhook_deliveries (subscriber_id) WHERE leased_until IS NOT NULL;
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);
"""
ATTEMPTS = """
CREATE TABLE webhook_attempts (
    delivery_id  text        NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number       integer     NOT NULL CHECK (number >= 1),
    started_at   timestamptz NOT NULL,
    duration_ms  integer     CHECK (duration_ms >= 0),  -- NULL: nobody saw its end
    status       integer,  -- of the answer; NULL: there was none
    error        text,  -- why there was none
    PRIMARY KEY (delivery_id, number)
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (SUBSCRIBERS, DELIVERIES, ATTEMPTS):
        op.execute(part)
