"""Dead letters get their story, a state and their order; attempts that failed are noted."""

from alembic import op

revision = "0003"
down_revision = "0002"

# What code from before this migration leaves out has a default, or may be NULL.
DEAD_LETTERS = """
ALTER TABLE dead_letters
    ADD COLUMN failure          text NOT NULL DEFAULT 'rejected',
    ADD COLUMN ordering_key     text NOT NULL DEFAULT '',
    ADD COLUMN order_id         text,
    ADD COLUMN first_failed_at  timestamptz,  -- NULL: when it was parked
    ADD COLUMN last_failed_at   timestamptz,
    ADD COLUMN state            text NOT NULL DEFAULT 'open',
    ADD COLUMN settled_at       timestamptz,
    ADD COLUMN settled_by       text,
    ADD COLUMN settled_why      text,
    ADD COLUMN history          jsonb NOT NULL DEFAULT '[]',  -- how it was settled before
    ADD CONSTRAINT known_failure CHECK (failure IN ('rejected', 'not_yet', 'fault')),
    ADD CONSTRAINT known_state CHECK (state IN ('open', 'retried', 'discarded')),
    ADD CONSTRAINT settled_by_somebody CHECK (
        CASE WHEN state = 'open'
             THEN settled_at IS NULL AND settled_by IS NULL AND settled_why IS NULL
             ELSE settled_at IS NOT NULL AND settled_by IS NOT NULL AND settled_why IS NOT NULL
        END);
UPDATE dead_letters SET order_id = facts->>'order_id';
UPDATE dead_letters SET failure = 'fault' WHERE code IN ('fault', 'undeliverable');
CREATE INDEX dead_letters_by_order ON dead_letters (order_id, dead_letter_id)
    WHERE order_id IS NOT NULL;
CREATE INDEX dead_letters_open ON dead_letters (dead_letter_id) WHERE state = 'open';
"""

FAILED_ATTEMPTS = """
CREATE TABLE failed_attempts (
    source           text        NOT NULL,
    message_id       text        NOT NULL,
    failure          text        NOT NULL CHECK (failure IN ('not_yet', 'fault')),
    code             text        NOT NULL,
    reason           text        NOT NULL,
    facts            jsonb       NOT NULL,
    attempts         integer     NOT NULL,
    first_failed_at  timestamptz NOT NULL,
    last_failed_at   timestamptz NOT NULL,
    PRIMARY KEY (source, message_id)
);
"""


def upgrade() -> None:
    """Widen one table and make another."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(DEAD_LETTERS)
    op.execute(FAILED_ATTEMPTS)
