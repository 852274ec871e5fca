"""Decisions by months, so that old ones are dropped as a table, with what explains them."""

from alembic import op

revision = "0015"
down_revision = "0014"

# What is there becomes the part of the past and of the running month, as it is: it is checked, not
# copied. Its rows name no order by a key: a journal outlives what it tells of, and every insert was
# asked for it. Old code writes on, into what has the same name and the same columns.
RECEIPTS = """
ALTER TABLE placement_decisions RENAME TO placement_decisions_before;
ALTER TABLE placement_decisions_before
    DROP CONSTRAINT placement_decisions_pkey,
    ALTER COLUMN decision_id DROP IDENTITY,
    DROP CONSTRAINT placement_decisions_order_id_fkey,
    ADD COLUMN policy_id    text    NOT NULL DEFAULT 'default',
    ADD COLUMN inputs_hash  text    NOT NULL DEFAULT '',
    ADD COLUMN duration_us  integer NOT NULL DEFAULT 0,
    ADD COLUMN decided_by   text    NOT NULL DEFAULT 'engine',  -- or a person, who said why
    ADD COLUMN reason       text    NOT NULL DEFAULT '';
DROP INDEX placement_decisions_by_order;

CREATE SEQUENCE placement_decision_ids;
SELECT setval('placement_decision_ids',
              (SELECT coalesce(max(decision_id), 0) + 1 FROM placement_decisions_before));
CREATE TABLE placement_decisions (
    decision_id  bigint      NOT NULL DEFAULT nextval('placement_decision_ids'),
    order_id     text        NOT NULL,
    decided_at   timestamptz NOT NULL,
    outcome      text        NOT NULL,
    cost_cents   bigint,
    receipt      jsonb       NOT NULL,
    policy_id    text        NOT NULL DEFAULT 'default',
    inputs_hash  text        NOT NULL DEFAULT '',
    duration_us  integer     NOT NULL DEFAULT 0,
    decided_by   text        NOT NULL DEFAULT 'engine',
    reason       text        NOT NULL DEFAULT '',
    CONSTRAINT known_outcome CHECK (
        outcome IN ('placed', 'partly_placed', 'backordered', 'review', 'sold_out')),
    PRIMARY KEY (order_id, decided_at, decision_id)
) PARTITION BY RANGE (decided_at);
CREATE INDEX placement_decisions_by_time ON placement_decisions (decided_at, order_id);
ALTER TABLE placement_decisions_before VALIDATE CONSTRAINT known_outcome;
-- The other part has whatever no month was made for: nothing that is decided is ever refused for
-- want of a table.
DO $$
DECLARE
    newest timestamptz;
BEGIN
    SELECT coalesce(max(decided_at), '2026-01-01Z') INTO newest FROM placement_decisions_before;
    EXECUTE format('ALTER TABLE placement_decisions ATTACH PARTITION placement_decisions_before
                    FOR VALUES FROM (MINVALUE) TO (%L)',
                   date_trunc('month', newest, 'UTC') + interval '1 month');
    EXECUTE 'CREATE TABLE placement_decisions_other PARTITION OF placement_decisions DEFAULT';
END $$;

CREATE FUNCTION keep_placement_decisions(moment timestamptz, since timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month    timestamptz;
    name     text;
    changed  integer := 0;
    part     record;
BEGIN
    FOR ahead IN 1..3 LOOP
        month := date_trunc('month', moment, 'UTC') + make_interval(months => ahead);
        name := 'placement_decisions_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        IF to_regclass(name) IS NULL
           AND NOT EXISTS (SELECT FROM placement_decisions_other WHERE decided_at >= month
                            AND decided_at < month + interval '1 month') THEN
            EXECUTE format('CREATE TABLE %I (LIKE placement_decisions INCLUDING DEFAULTS
                            INCLUDING CONSTRAINTS)', name);
            EXECUTE format('ALTER TABLE placement_decisions ATTACH PARTITION %I
                            FOR VALUES FROM (%L) TO (%L)',
                           name, month, month + interval '1 month');
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR part IN
        SELECT child.relname AS name,
               make_timestamptz(
                   CAST(substring(child.relname FROM '(\\d{4})_\\d{2}$') AS integer),
                   CAST(substring(child.relname FROM '\\d{4}_(\\d{2})$') AS integer),
                   1, 0, 0, 0, 'UTC') + interval '1 month' AS ends_at
          FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
         WHERE inhparent = 'placement_decisions'::regclass
           AND child.relname ~ '^placement_decisions_\\d{4}_\\d{2}$'
    LOOP
        IF part.ends_at <= since THEN
            EXECUTE format('DROP TABLE %I', part.name);
            changed := changed + 1;
        END IF;
    END LOOP;
    DELETE FROM placement_decisions_before WHERE decided_at < since;
    DELETE FROM placement_decisions_other WHERE decided_at < since;
    RETURN changed;
END $$;
"""


def upgrade() -> None:
    """Part the decisions by months."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(RECEIPTS)
