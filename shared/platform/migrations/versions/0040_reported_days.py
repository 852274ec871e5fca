"""Days of reports, added up once, and what says that one of them has changed since."""

from alembic import op

from shared.platform.migrations import indexes

revision = "0040"
down_revision = "0039"

# A day before the horizon may have been added up, so whoever changes one of those leaves a mark
# with the change. A mark is a row of its own: nobody waits for anybody, and it is seen when the
# change is.
MARKS = """
CREATE TABLE report_horizon (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    until     date NOT NULL
);
CREATE TABLE report_marks (
    mark_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('costs', 'decisions', 'promises', 'refusals')),
    day      date NOT NULL
);
CREATE INDEX report_marks_by_day ON report_marks (kind, day);
CREATE TABLE report_days (  -- those that are added up; one without a row below had nothing to add
    kind  text NOT NULL CHECK (kind IN ('costs', 'decisions', 'promises', 'refusals')),
    day   date NOT NULL,
    PRIMARY KEY (kind, day)
);
"""

# Days are in UTC. Amounts are cents, and software is billionths of a US dollar; NULL: nothing is
# known, as in shared/ops/cost_reports.py.
DAYS = """
CREATE TABLE cost_days (  -- of the parcels that were planned on it
    day                date   NOT NULL,
    warehouse          text   NOT NULL,
    carrier            text   NOT NULL,
    service            text   NOT NULL,
    currency           text   NOT NULL,
    parcels            bigint NOT NULL,
    quoted_cents       bigint NOT NULL,
    charged_cents      bigint NOT NULL,
    freight_cents      bigint NOT NULL,
    surcharges_cents   bigint NOT NULL,
    handling_cents     bigint NOT NULL,
    carrier_cents      bigint,
    actual_cents       bigint,
    difference_cents   bigint,
    software_nano_usd  bigint,
    PRIMARY KEY (day, warehouse, carrier, service, currency)
);
CREATE TABLE sku_cost_days (  -- the same amounts, by what was in the parcels
    day                date   NOT NULL,
    warehouse          text   NOT NULL,
    sku                text   NOT NULL,
    currency           text   NOT NULL,
    parcels            bigint NOT NULL,
    quoted_cents       bigint NOT NULL,
    charged_cents      bigint NOT NULL,
    freight_cents      bigint NOT NULL,
    surcharges_cents   bigint NOT NULL,
    handling_cents     bigint NOT NULL,
    carrier_cents      bigint,
    actual_cents       bigint,
    difference_cents   bigint,
    software_nano_usd  bigint,
    PRIMARY KEY (day, warehouse, sku, currency)
);
CREATE TABLE decision_days (
    day            date PRIMARY KEY,
    decisions      bigint NOT NULL,
    by_hand        bigint NOT NULL,
    placed         bigint NOT NULL,
    partly_placed  bigint NOT NULL,
    backordered    bigint NOT NULL,
    review         bigint NOT NULL,
    p95_us         bigint NOT NULL
);
CREATE TABLE promise_days (  -- orders that were promised for it and not cancelled
    day     date PRIMARY KEY,
    orders  bigint NOT NULL,
    kept    bigint NOT NULL,
    late    bigint NOT NULL
);
-- Orders that a warehouse was given on the day, or refused something of. `earlier` is the last day
-- before on which the same happened to the same order: in days that begin after it they are new.
CREATE TABLE refusal_days (
    day        date   NOT NULL,
    warehouse  text   NOT NULL,
    earlier    date   NOT NULL,  -- -infinity: never before
    orders     bigint NOT NULL,
    refused    bigint NOT NULL,
    PRIMARY KEY (day, warehouse, earlier)
);
"""

# Whoever reads the horizon keeps it from being raised until the change is there or not. What is
# done all day asks for it in a single statement, which costs little more than a foreign key.
TRIGGERS = """
CREATE FUNCTION mark_report_day(of_kind text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_marks (kind, day)
    SELECT of_kind, CAST(at AT TIME ZONE 'UTC' AS date)
      FROM report_horizon WHERE CAST(at AT TIME ZONE 'UTC' AS date) < until;
END $$;

-- What was planned earlier is new to every later day of the same order and warehouse, or no more.
CREATE FUNCTION mark_refusals(of_order text, at_warehouse text, first_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM report_horizon
                WHERE CAST(first_at AT TIME ZONE 'UTC' AS date) < until) THEN
        PERFORM mark_report_day('refusals', first_at);
        PERFORM mark_report_day('refusals', at)
           FROM (SELECT planned_at AS at FROM parcels
                  WHERE order_id = of_order AND warehouse = at_warehouse
                  UNION
                 SELECT excluded_at FROM order_exclusions
                  WHERE order_id = of_order AND warehouse = at_warehouse) AS other
          WHERE at > first_at;
    END IF;
END $$;

CREATE FUNCTION mark_planned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT FROM report_horizon
                    WHERE CAST(NEW.planned_at AT TIME ZONE 'UTC' AS date) < until) THEN
            PERFORM mark_report_day('costs', NEW.planned_at);
            PERFORM mark_refusals(NEW.order_id, NEW.warehouse, NEW.planned_at);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM mark_report_day('costs', NEW.planned_at);
    IF (OLD.order_id, OLD.warehouse, OLD.planned_at)
          IS DISTINCT FROM (NEW.order_id, NEW.warehouse, NEW.planned_at) THEN
        PERFORM mark_report_day('costs', OLD.planned_at);
        PERFORM mark_refusals(OLD.order_id, OLD.warehouse, OLD.planned_at);
        PERFORM mark_refusals(NEW.order_id, NEW.warehouse, NEW.planned_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER planned_for_reports AFTER INSERT ON parcels
    FOR EACH ROW EXECUTE FUNCTION mark_planned();
CREATE TRIGGER replanned_for_reports
    AFTER UPDATE OF order_id, warehouse, carrier, service, rate_card_id, state, planned_at,
                    quoted_cents ON parcels
    FOR EACH ROW
    WHEN ((OLD.state = 'cancelled') <> (NEW.state = 'cancelled')
          OR (OLD.order_id, OLD.warehouse, OLD.carrier, OLD.service, OLD.rate_card_id,
              OLD.planned_at, OLD.quoted_cents)
             IS DISTINCT FROM (NEW.order_id, NEW.warehouse, NEW.carrier, NEW.service,
                               NEW.rate_card_id, NEW.planned_at, NEW.quoted_cents))
    EXECUTE FUNCTION mark_planned();

CREATE FUNCTION mark_delivered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_report_day('promises', promised_at) FROM orders WHERE order_id = NEW.order_id;
    RETURN NULL;
END $$;
CREATE TRIGGER delivered_for_reports AFTER UPDATE OF delivered_at ON parcels
    FOR EACH ROW WHEN (OLD.delivered_at IS DISTINCT FROM NEW.delivered_at)
    EXECUTE FUNCTION mark_delivered();

CREATE FUNCTION mark_booked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_marks (kind, day)
    SELECT 'costs', CAST(planned_at AT TIME ZONE 'UTC' AS date)
      FROM parcels JOIN report_horizon ON CAST(planned_at AT TIME ZONE 'UTC' AS date) < until
     WHERE parcel_id = NEW.parcel_id;
    RETURN NULL;
END $$;
CREATE TRIGGER booked_for_reports AFTER INSERT OR UPDATE ON charges
    FOR EACH ROW EXECUTE FUNCTION mark_booked();
CREATE TRIGGER booked_for_reports AFTER INSERT OR UPDATE ON actual_charges
    FOR EACH ROW EXECUTE FUNCTION mark_booked();

CREATE FUNCTION mark_metered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_report_day('costs', CAST(NEW.day AS timestamp) AT TIME ZONE 'UTC');
    RETURN NULL;
END $$;
CREATE TRIGGER metered_for_reports AFTER INSERT OR UPDATE ON software_costs
    FOR EACH ROW EXECUTE FUNCTION mark_metered();

CREATE FUNCTION mark_promised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_marks (kind, day)
    SELECT 'promises', CAST(NEW.promised_at AT TIME ZONE 'UTC' AS date)
      FROM report_horizon WHERE CAST(NEW.promised_at AT TIME ZONE 'UTC' AS date) < until;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.promised_at <> NEW.promised_at THEN
            PERFORM mark_report_day('promises', OLD.promised_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER promised_for_reports AFTER INSERT ON orders
    FOR EACH ROW EXECUTE FUNCTION mark_promised();
CREATE TRIGGER settled_for_reports AFTER UPDATE OF state, promised_at ON orders
    FOR EACH ROW
    WHEN (OLD.promised_at <> NEW.promised_at
          OR (OLD.state = 'cancelled') <> (NEW.state = 'cancelled')
          OR (OLD.state IN ('delivered', 'returned')) <> (NEW.state IN ('delivered', 'returned')))
    EXECUTE FUNCTION mark_promised();

CREATE FUNCTION mark_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_marks (kind, day)
    SELECT 'decisions', CAST(NEW.decided_at AT TIME ZONE 'UTC' AS date)
      FROM report_horizon WHERE CAST(NEW.decided_at AT TIME ZONE 'UTC' AS date) < until;
    RETURN NULL;
END $$;
CREATE TRIGGER decided_for_reports AFTER INSERT ON placement_decisions
    FOR EACH ROW EXECUTE FUNCTION mark_decided();

CREATE FUNCTION mark_excluded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_refusals(NEW.order_id, NEW.warehouse, NEW.excluded_at);
    IF TG_OP = 'UPDATE' THEN
        PERFORM mark_refusals(OLD.order_id, OLD.warehouse, OLD.excluded_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER excluded_for_reports AFTER INSERT OR UPDATE OF excluded_at ON order_exclusions
    FOR EACH ROW EXECUTE FUNCTION mark_excluded();
"""
# Beside the index of those that are open. It is written once an order, and says where a promised
# day is; the few pages of orders_by_promised_day said that it is nearly everywhere.
CAME = """
CREATE INDEX orders_came_by_promise ON orders (promised_at, order_id)
    WHERE state IN ('delivered', 'returned');
"""


def upgrade() -> None:
    """Add what old code does without; from here on what it changes leaves marks too."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    indexes.create(CAME)
    op.execute("DROP INDEX IF EXISTS orders_by_promised_day")
    op.execute(MARKS)
    op.execute(DAYS)
    op.execute(TRIGGERS)
