"""Rate cards of services, with zones and surcharges; what labels really cost; customers' shipping.

Code from before this migration goes on: it publishes distance bands into rate_card_steps, and a
trigger copies them; it does not see the cards that newer code publishes.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

CARDS = """
ALTER TABLE rate_cards
    ADD COLUMN service                text    NOT NULL DEFAULT 'standard',
    ADD COLUMN packaging_cents        integer NOT NULL DEFAULT 0 CHECK (packaging_cents >= 0),
    ADD COLUMN volume_divisor         integer NOT NULL DEFAULT 0 CHECK (volume_divisor >= 0),
    ADD COLUMN fuel_basis_points      integer NOT NULL DEFAULT 0 CHECK (fuel_basis_points >= 0),
    ADD COLUMN minimum_freight_cents  integer NOT NULL DEFAULT 0
                                      CHECK (minimum_freight_cents >= 0),
    ADD COLUMN oversize_mm            integer CHECK (oversize_mm > 0),
    ADD COLUMN oversize_cents         integer NOT NULL DEFAULT 0 CHECK (oversize_cents >= 0),
    ADD COLUMN residential_cents      integer NOT NULL DEFAULT 0 CHECK (residential_cents >= 0),
    ADD COLUMN max_length_mm          integer CHECK (max_length_mm > 0),
    ADD COLUMN carries                text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN published_by           text    NOT NULL DEFAULT '',
    ADD COLUMN reason                 text    NOT NULL DEFAULT '',
    ADD CONSTRAINT one_version_a_number UNIQUE (carrier, service, version),
    ADD CONSTRAINT one_version_a_moment UNIQUE (carrier, service, valid_from),
    DROP CONSTRAINT rate_cards_carrier_version_key,
    DROP CONSTRAINT rate_cards_carrier_valid_from_key;
"""
ZONES = """
CREATE TABLE rate_card_zones (
    rate_card_id       text    NOT NULL REFERENCES rate_cards,
    zone               text    NOT NULL,
    per_kg_cents       integer CHECK (per_kg_cents >= 0),  -- of a started kg beyond the last step
    max_weight_g       integer CHECK (max_weight_g > 0),
    transit_days       integer CHECK (transit_days >= 0),
    remote_area_cents  integer NOT NULL DEFAULT 0 CHECK (remote_area_cents >= 0),
    PRIMARY KEY (rate_card_id, zone),
    CONSTRAINT kilograms_end CHECK ((per_kg_cents IS NULL) = (max_weight_g IS NULL))
);
-- Which zone a parcel is of: '' is any country, and any prefix.
CREATE TABLE rate_card_rules (
    rate_card_id    text    NOT NULL,
    zone            text    NOT NULL,
    from_country    text    NOT NULL,
    from_postcode   text    NOT NULL,
    to_country      text    NOT NULL,
    to_postcode     text    NOT NULL,
    max_distance_m  integer NOT NULL CHECK (max_distance_m > 0),
    -- Without the zone: two zones with one rule would leave open which of them counts.
    PRIMARY KEY (rate_card_id, from_country, from_postcode, to_country, to_postcode,
                 max_distance_m),
    FOREIGN KEY (rate_card_id, zone) REFERENCES rate_card_zones,
    CONSTRAINT prefixes_are_of_a_country CHECK (
        (from_postcode = '' OR from_country <> '') AND (to_postcode = '' OR to_country <> ''))
);
CREATE TABLE rate_card_prices (
    rate_card_id  text    NOT NULL,
    zone          text    NOT NULL,
    max_weight_g  integer NOT NULL CHECK (max_weight_g > 0),
    price_cents   integer NOT NULL CHECK (price_cents >= 0),
    PRIMARY KEY (rate_card_id, zone, max_weight_g),
    FOREIGN KEY (rate_card_id, zone) REFERENCES rate_card_zones
);
"""
# A zone for each distance bound. Of the bands that reach as far the narrowest counts, and wider
# ones fill in the weights that it has not: as shared/costing/bands.py does for new cards. A price
# below that of a lighter parcel becomes as high: from here on placement relies on it.
COPIED = """
CREATE FUNCTION zones_of_bands(of_cards text[]) RETURNS void LANGUAGE sql AS $$
    WITH bands AS (
        SELECT DISTINCT rate_card_id, max_distance_m AS bound_m,
               CASE max_distance_m WHEN 2147483647 THEN 'any-distance'
                    ELSE 'to-' || max_distance_m || '-m' END AS zone
          FROM rate_card_steps WHERE rate_card_id = ANY(of_cards)
    ), zones AS (
        INSERT INTO rate_card_zones (rate_card_id, zone) SELECT rate_card_id, zone FROM bands
    ), rules AS (
        INSERT INTO rate_card_rules
        SELECT rate_card_id, zone, '', '', '', '', bound_m FROM bands)
    INSERT INTO rate_card_prices (rate_card_id, zone, max_weight_g, price_cents)
    SELECT rate_card_id, zone, max_weight_g,
           max(price_cents) OVER (PARTITION BY rate_card_id, zone ORDER BY max_weight_g)
      FROM (SELECT DISTINCT ON (rate_card_id, zone, max_weight_g)
                   rate_card_id, zone, max_weight_g, price_cents
              FROM bands JOIN rate_card_steps AS step USING (rate_card_id)
             WHERE step.max_distance_m >= bound_m
             ORDER BY rate_card_id, zone, max_weight_g, step.max_distance_m) AS nearest
$$;
SELECT zones_of_bands(ARRAY(SELECT rate_card_id FROM rate_cards));

CREATE FUNCTION copy_bands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM zones_of_bands(ARRAY(SELECT DISTINCT rate_card_id FROM added));
    RETURN NULL;
END $$;
CREATE TRIGGER bands_of_older_code AFTER INSERT ON rate_card_steps
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION copy_bands();
"""
PARCELS = """
ALTER TABLE parcels
    ADD COLUMN service     text    NOT NULL DEFAULT 'standard',
    ADD COLUMN zone        text,  -- of its rate card; NULL: planned when distance alone decided
    ADD COLUMN volume_mm3  bigint  NOT NULL DEFAULT 0 CHECK (volume_mm3 >= 0),  -- 0: not known
    ADD COLUMN longest_mm  integer NOT NULL DEFAULT 0 CHECK (longest_mm >= 0);
"""
# What comes later has its kind here already, for a CHECK of a large table is dear to change.
CHARGES = """
ALTER TABLE charges
    DROP CONSTRAINT charges_kind_check,
    ADD CONSTRAINT charges_kind_check CHECK (kind IN (
        'handling', 'packaging', 'freight', 'minimum_top_up', 'fuel', 'remote_area', 'residential',
        'oversize', 'fallback_difference'));
-- What carriers really took for labels, in a table of its own: charges are what was agreed.
CREATE TABLE actual_charges (
    parcel_id     text        NOT NULL REFERENCES parcels,
    order_id      text        NOT NULL,
    entry         text        NOT NULL CHECK (entry IN ('actual', 'refund')),
    amount_cents  bigint      NOT NULL,
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    booked_at     timestamptz NOT NULL,
    PRIMARY KEY (parcel_id, entry),
    CONSTRAINT refunds_take_back CHECK ((entry = 'refund') = (amount_cents < 0)
                                        OR amount_cents = 0)
);
CREATE INDEX actual_charges_by_order ON actual_charges (order_id);
INSERT INTO actual_charges (parcel_id, order_id, entry, amount_cents, currency, booked_at)
SELECT parcel_id, order_id, entry, sign * amount_cents, currency, booked_at
  FROM labels JOIN parcels USING (parcel_id), LATERAL (
       VALUES ('actual', 1, bought_at), ('refund', -1, voided_at)) AS book (entry, sign, booked_at)
 WHERE bought_at IS NOT NULL AND booked_at IS NOT NULL;
"""
# What the customer pays for shipping. One row an order: however many times the order is sent in
# parts, changed or placed anew, it is charged once.
ORDER_CHARGES = """
CREATE TABLE order_charges (
    order_id      text PRIMARY KEY REFERENCES orders,
    amount_cents  bigint      NOT NULL CHECK (amount_cents >= 0),
    currency      text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    charged_at    timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Add what old code does without."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (CARDS, ZONES, COPIED, PARCELS, CHARGES, ORDER_CHARGES):
        op.execute(part)
