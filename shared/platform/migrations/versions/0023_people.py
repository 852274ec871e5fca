"""Who may do what in the console, who did it, and indexes by which orders are found."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0023"
down_revision = "0022"

PEOPLE = """
CREATE TABLE users (
    user_id        text PRIMARY KEY,
    email          text        NOT NULL,
    name           text        NOT NULL,
    password_hash  text        NOT NULL,  -- empty: no password opens it
    role           text        NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    warehouses     text[],  -- NULL: all
    language       text        NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2}(-[A-Z]{2})?$'),
    totp_secret    text,  -- NULL: a password is enough
    totp_step      bigint      NOT NULL DEFAULT 0,  -- the last that was used: a code is good once
    disabled_at    timestamptz,
    created_at     timestamptz NOT NULL,
    CONSTRAINT email_in_lower_case CHECK (email = lower(email) AND email LIKE '%_@_%')
);
CREATE UNIQUE INDEX users_by_email ON users (email);

CREATE TABLE sessions (
    token_hash    bytea PRIMARY KEY,  -- the token itself is with the browser alone
    user_id       text        NOT NULL REFERENCES users,
    is_complete   boolean     NOT NULL,  -- false: the second factor is still to come
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL  -- however much it is used
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Failures in a row, of an account or of an address; what opens forgets them.
CREATE TABLE sign_in_attempts (
    subject   text PRIMARY KEY,
    failures  integer     NOT NULL CHECK (failures >= 1),
    since     timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (since);

CREATE TABLE api_keys (
    key_id        text PRIMARY KEY,
    name          text        NOT NULL,
    secret_hash   bytea       NOT NULL,
    actions       text[]      NOT NULL,
    warehouses    text[],  -- NULL: all
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    revoked_at    timestamptz
);
"""

AUDIT = """
CREATE TABLE audit_log (
    audit_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    actor_kind      text        NOT NULL CHECK (actor_kind IN ('user', 'key', 'command', 'job')),
    actor           text        NOT NULL,
    action          text        NOT NULL,
    subject_kind    text        NOT NULL,
    subject_id      text        NOT NULL,
    reason          text        NOT NULL,
    before          jsonb       NOT NULL,  -- what changed: by row, only the columns that did
    after           jsonb       NOT NULL,
    correlation_id  text        NOT NULL
);
CREATE INDEX audit_log_by_subject ON audit_log (subject_kind, subject_id, audit_id);
CREATE INDEX audit_log_by_actor ON audit_log (actor, audit_id);
CREATE INDEX audit_log_by_time ON audit_log USING brin (at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite();
"""

# The newest first, in all states or in one, and those by promise that are still to be fulfilled.
# What a caller says is looked up by itself: the end of a list is never counted.
ORDERS = """
CREATE INDEX orders_by_time ON orders (accepted_at, order_id);
CREATE INDEX orders_by_state ON orders (state, accepted_at, order_id);
CREATE INDEX orders_by_promise ON orders (promised_at, order_id)
    WHERE state NOT IN ('delivered', 'returned', 'cancelled');
CREATE INDEX orders_by_prefix ON orders (order_id text_pattern_ops);
CREATE INDEX orders_by_postcode ON orders ((destination->>'postcode'), accepted_at, order_id);
CREATE INDEX orders_by_city ON orders (lower(destination->>'city'), accepted_at, order_id);
CREATE INDEX order_lines_by_sku ON order_lines (sku, order_id);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(ORDERS)
    for part in (PEOPLE, AUDIT):
        op.execute(part)
