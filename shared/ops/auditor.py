"""What is always true, as queries that find where it is not.

Each rule returns one row for each violation: which thing, what is there and what should be.
The rules are those of DESIGN: balances, conservation, once-only effects, money.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.ops.audit_of_money import MONEY
from shared.platform.db import Transaction
from shared.platform.sql import Statement, text

SHOWN = 100  # violations of one rule; the rest is counted


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold somewhere."""

    rule: str
    subject: str
    found: str
    expected: str


def _rule(sql: str) -> Statement:
    return text(sql)


RULES: Mapping[str, Statement] = MappingProxyType(
    {
        "reserved equals the units in open parcels": text("""
            WITH open_items AS (
                SELECT sku, warehouse, partition, sum(quantity) AS units
                  FROM parcel_items JOIN parcels USING (parcel_id)
                 WHERE state IN ('planned', 'labelling', 'labelled')
                 GROUP BY sku, warehouse, partition)
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   coalesce(reserved, 0)::text AS found, coalesce(units, 0)::text AS expected
              FROM stock_levels FULL JOIN open_items USING (sku, warehouse, partition)
             WHERE coalesce(reserved, 0) <> coalesce(units, 0)
        """),
        # No foreign key says so: who plans parcels has locked the order, and reads the rest.
        "what a parcel refers to is there": text("""
            SELECT parcel_id AS subject,
                   concat_ws(' ', parcels.order_id, parcels.warehouse, rate_card_id) AS found,
                   'an order, a warehouse and a rate card' AS expected
              FROM parcels
              LEFT JOIN orders USING (order_id)
              LEFT JOIN warehouses USING (warehouse)
              LEFT JOIN rate_cards USING (rate_card_id)
             WHERE orders.state IS NULL OR warehouses.lat IS NULL OR rate_cards.version IS NULL
             UNION ALL
            SELECT concat_ws(' line ', parcel_id, line_no), 'an item', 'a parcel'
              FROM parcel_items LEFT JOIN parcels USING (parcel_id)
             WHERE parcels.state IS NULL
        """),
        "held equals the units of open holds": text("""
            WITH open_items AS (
                SELECT sku, warehouse, partition, sum(quantity) AS units
                  FROM stock_hold_items JOIN stock_holds USING (hold_id)
                 WHERE state = 'open'
                 GROUP BY sku, warehouse, partition)
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   coalesce(held, 0)::text AS found, coalesce(units, 0)::text AS expected
              FROM stock_levels FULL JOIN open_items USING (sku, warehouse, partition)
             WHERE coalesce(held, 0) <> coalesce(units, 0)
        """),
        "on-hand equals the sum of movements": text("""
            WITH moved AS (
                SELECT sku, warehouse, partition, sum(quantity) AS units
                  FROM stock_movements GROUP BY sku, warehouse, partition)
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   coalesce(on_hand, 0)::text AS found, coalesce(units, 0)::text AS expected
              FROM stock_levels FULL JOIN moved USING (sku, warehouse, partition)
             WHERE coalesce(on_hand, 0) <> coalesce(units, 0)
        """),
        "no count is of a moment to come": text("""
            SELECT concat_ws(' in ', sku, warehouse) AS subject,
                   counted_at::text AS found, 'now, or earlier' AS expected
              FROM stock_levels
             WHERE counted_at > CAST(:now AS timestamptz)
        """),
        # What was dated back is taken off again at the moment to come.
        "nothing moves at a moment to come": text("""
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   concat_ws(' at ', sum(quantity), occurred_at) AS found,
                   'nothing, or at a moment that has been' AS expected
              FROM stock_movements
             WHERE occurred_at > greatest(recorded_at, CAST(:now AS timestamptz))
             GROUP BY sku, warehouse, partition, occurred_at
            HAVING sum(quantity) <> 0
        """),
        "nothing is oversold": text("""
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   concat_ws(' ', 'reserved', reserved, 'held', held) AS found,
                   'together 0 to ' || on_hand AS expected
              FROM stock_levels
             WHERE reserved < 0 OR held < 0 OR reserved + held > on_hand
        """),
        "the rows of a spread agree": text("""
            SELECT concat_ws(' in ', sku, warehouse, allotment) AS subject,
                   concat_ws(' ', count(*) FILTER (WHERE partition < spread_from + spread),
                             'open rows of', string_agg(DISTINCT spread_from || '+' || spread, ','))
                       AS found,
                   'as many as all of them say' AS expected
              FROM stock_levels
             GROUP BY sku, warehouse, allotment
            HAVING min(spread) <> max(spread) OR min(spread_from) <> max(spread_from)
                OR count(*) FILTER (WHERE partition < spread_from + spread) <> max(spread)
        """),
        "a shut partition promises nothing": text("""
            SELECT concat_ws(' in ', sku, warehouse, partition) AS subject,
                   concat_ws(' ', coalesce(fenced_for, 'not fenced'), 'safety', safety) AS found,
                   CASE WHEN partition < spread_from + spread THEN 'open'
                        ELSE 'fenced, without safety' END AS expected
              FROM stock_levels
             WHERE CASE WHEN partition < spread_from + spread THEN fenced_for = 'shut'
                        ELSE fenced_for IS NULL OR safety <> 0 END
        """),
        "no more comes back of a parcel than was in it": text("""
            WITH came_back AS (
                SELECT reason AS parcel_id, sku, sum(quantity) AS units FROM stock_movements
                 WHERE kind = 'return' AND reason <> '' GROUP BY reason, sku
            ), packed AS (
                SELECT parcel_id, sku, sum(quantity) AS units FROM parcel_items
                 WHERE parcel_id IN (SELECT parcel_id FROM came_back) GROUP BY parcel_id, sku)
            SELECT concat_ws(' ', parcel_id, sku) AS subject, came_back.units::text AS found,
                   'at most ' || coalesce(packed.units, 0) AS expected
              FROM came_back JOIN parcels USING (parcel_id) LEFT JOIN packed USING (parcel_id, sku)
             WHERE came_back.units > coalesce(packed.units, 0)
        """),
        "units laid anew are neither made nor lost": text("""
            SELECT concat_ws(' ', sku, 'in', warehouse, reference) AS subject,
                   sum(quantity)::text AS found, '0' AS expected
              FROM stock_movements WHERE kind = 'repartition'
             GROUP BY sku, warehouse, reference
            HAVING sum(quantity) <> 0
        """),
        "what waits under a cap is what is backordered": text("""
            WITH waiting AS (
                SELECT sku, sum(backordered) AS units FROM order_lines
                 WHERE backordered > 0 GROUP BY sku)
            SELECT sku AS subject, taken::text AS found, coalesce(units, 0)::text AS expected
              FROM backorder_caps LEFT JOIN waiting USING (sku)
             WHERE taken <> coalesce(units, 0)
        """),
        "a kit has no stock of its own": text("""
            SELECT DISTINCT sku AS subject, 'a balance in ' || warehouse AS found,
                   'none: it is a kit' AS expected
              FROM stock_levels JOIN kit_components ON kit = sku
             WHERE on_hand <> 0
        """),
        "allocated units of a line are in its parcels": text("""
            WITH packed AS (
                SELECT item.order_id, line_no, item.sku, sum(quantity) AS units
                  FROM parcel_items AS item JOIN parcels USING (parcel_id)
                 WHERE state <> 'cancelled'
                 GROUP BY item.order_id, line_no, item.sku
            ), needed AS (
                SELECT order_id, line_no, part.sku, allocated * part.units AS units
                  FROM order_lines, LATERAL (
                       SELECT order_lines.sku, 1 AS units WHERE kit IS NULL
                        UNION ALL
                       SELECT key, value::integer FROM jsonb_each_text(kit)) AS part
                 WHERE allocated > 0)
            SELECT concat_ws(' ', order_id, 'line', line_no, sku) AS subject,
                   coalesce(packed.units, 0)::text AS found,
                   coalesce(needed.units, 0)::text AS expected
              FROM needed FULL JOIN packed USING (order_id, line_no, sku)
             WHERE coalesce(packed.units, 0) <> coalesce(needed.units, 0)
        """),
        "every unit stands where its order stands": text("""
            SELECT concat_ws(' line ', order_id, line_no) AS subject,
                   concat_ws(' ', 'allocated', allocated, 'backordered', backordered,
                             'cancelled', cancelled) AS found,
                   concat_ws(' ', 'all', quantity, 'as the order is', state) AS expected
              FROM order_lines JOIN orders USING (order_id)
             WHERE (allocated, backordered, cancelled) <> CASE
                       -- What was cancelled while the rest was sent stays so.
                       WHEN state IN ('placed', 'shipped', 'delivered', 'returned')
                       THEN (quantity - cancelled, 0, cancelled)
                       WHEN state = 'partly_placed' THEN (allocated, backordered, cancelled)
                       -- What was added to it waits to be tried.
                       WHEN state = 'backordered' THEN (0, backordered, cancelled)
                       WHEN state = 'cancelled' THEN (0, 0, quantity)
                       ELSE (0, 0, cancelled) END
        """),
        "of a partly placed order some units have parcels and others wait": text("""
            SELECT order_id AS subject, concat(sum(allocated), ' of ', sum(quantity)) AS found,
                   'some, and not all' AS expected
              FROM order_lines JOIN orders USING (order_id)
             WHERE state = 'partly_placed'
             GROUP BY order_id
            HAVING sum(allocated) = 0 OR sum(quantity - allocated - cancelled) = 0
        """),
        "of a backordered order something waits": text("""
            SELECT order_id AS subject, 'nothing' AS found, 'units that wait' AS expected
              FROM orders
             WHERE state = 'backordered'
               AND NOT EXISTS (SELECT FROM order_lines
                                WHERE order_lines.order_id = orders.order_id AND backordered > 0)
        """),
        "what is kept of an order's parcels is to be placed anew": text("""
            WITH kept AS (
                SELECT for_order AS order_id, sku, sum(quantity) AS units
                  FROM stock_holds JOIN stock_hold_items USING (hold_id)
                 WHERE state = 'open' AND purpose = 'order'
                 GROUP BY for_order, sku
            ), wanted AS (
                SELECT order_id, part.sku, sum(part.units) AS units
                  FROM orders JOIN order_lines USING (order_id), LATERAL (
                       SELECT order_lines.sku, quantity - allocated - cancelled AS units
                        WHERE kit IS NULL
                        UNION ALL
                       SELECT key, value::integer * (quantity - allocated - cancelled)
                         FROM jsonb_each_text(kit)) AS part
                 WHERE order_id IN (SELECT order_id FROM kept)
                   AND state IN ('waiting', 'backordered', 'partly_placed', 'review')
                 GROUP BY order_id, part.sku)
            SELECT concat_ws(' ', order_id, sku) AS subject, kept.units::text AS found,
                   'at most ' || coalesce(wanted.units, 0) AS expected
              FROM kept LEFT JOIN wanted USING (order_id, sku)
             WHERE kept.units > coalesce(wanted.units, 0)
        """),
        "an order owns no hold that it could not claim": text("""
            SELECT hold_id AS subject, 'of order ' || for_order AS found,
                   'of one of its channel that names it' AS expected
              FROM stock_holds
             WHERE state = 'open' AND purpose IN ('cart', 'payment') AND for_order IS NOT NULL
               AND NOT EXISTS (SELECT FROM orders
                                WHERE order_id = for_order
                                  AND (stock_holds.channel IS NULL
                                       OR stock_holds.channel = orders.channel)
                                  AND orders.hold_id IS NOT NULL)
        """),
        "an order stands where its parcels stand": text("""
            SELECT order_id AS subject, state AS found, 'parcels ' || parcel_states AS expected
              FROM orders JOIN (
                   SELECT order_id, string_agg(DISTINCT state, ',' ORDER BY state) AS parcel_states
                     FROM parcels WHERE state <> 'cancelled' GROUP BY order_id) AS sent
                   USING (order_id)
             WHERE CASE state
                   WHEN 'placed' THEN parcel_states ~ 'shipped|delivered|returned'
                   WHEN 'delivered' THEN parcel_states <> 'delivered'
                   WHEN 'returned' THEN parcel_states !~ '^(delivered,)?returned$'
                   WHEN 'shipped' THEN parcel_states !~ 'shipped|delivered|returned'
                                    OR parcel_states !~ 'planned|labelling|labelled|shipped'
                   WHEN 'partly_placed' THEN false
                   ELSE true END
        """),
        "a day of a warehouse has the parcels that leave on it": text("""
            WITH leaving AS (
                SELECT warehouse, ship_on, count(*) AS parcels FROM parcels
                 WHERE ship_on IS NOT NULL AND state <> 'cancelled' GROUP BY warehouse, ship_on)
            SELECT concat_ws(' ', warehouse, ship_on) AS subject,
                   site_days.parcels::text AS found,
                   coalesce(leaving.parcels, 0)::text AS expected
              FROM site_days LEFT JOIN leaving USING (warehouse, ship_on)
             WHERE site_days.parcels <> coalesce(leaving.parcels, 0)
        """),
        "what left the stock is what was shipped": text("""
            WITH left_stock AS (
                SELECT reference AS parcel_id, sku, -sum(quantity) AS units
                  FROM stock_movements WHERE kind = 'shipment' GROUP BY reference, sku
            ), shipped AS (
                SELECT parcel_id, sku, sum(quantity) AS units
                  FROM parcel_items JOIN parcels USING (parcel_id)
                 WHERE shipped_at IS NOT NULL GROUP BY parcel_id, sku)
            SELECT concat_ws(' ', parcel_id, sku) AS subject,
                   coalesce(left_stock.units, 0)::text AS found,
                   coalesce(shipped.units, 0)::text AS expected
              FROM left_stock FULL JOIN shipped USING (parcel_id, sku)
             WHERE coalesce(left_stock.units, 0) <> coalesce(shipped.units, 0)
        """),
        "a transfer holds what was asked for until it leaves": text("""
            WITH asked AS (
                SELECT hold_id, sku, quantity AS units
                  FROM inbounds JOIN inbound_items USING (inbound_id)
                 WHERE state = 'requested' AND origin IS NOT NULL
            ), kept AS (
                SELECT hold_id, sku, sum(quantity) AS units
                  FROM stock_holds JOIN stock_hold_items USING (hold_id)
                 WHERE state = 'open' AND purpose = 'transfer'
                 GROUP BY hold_id, sku)
            SELECT concat_ws(' ', hold_id, sku) AS subject,
                   coalesce(kept.units, 0)::text AS found,
                   coalesce(asked.units, 0)::text AS expected
              FROM asked FULL JOIN kept USING (hold_id, sku)
             WHERE coalesce(kept.units, 0) <> coalesce(asked.units, 0)
        """),
        "what a transfer moved is what was shipped and received": text("""
            WITH moved AS (
                SELECT reference AS inbound_id, sku,
                       sum(CASE WHEN kind = 'transfer_out' THEN -quantity ELSE 0 END) AS shipped,
                       sum(CASE WHEN kind = 'transfer_in' THEN quantity ELSE 0 END) AS received
                  FROM stock_movements WHERE kind IN ('transfer_out', 'transfer_in')
                 GROUP BY reference, sku
            ), told AS (
                SELECT inbound_id, sku, shipped, received
                  FROM inbounds JOIN inbound_items USING (inbound_id)
                 WHERE origin IS NOT NULL)
            SELECT concat_ws(' ', inbound_id, sku) AS subject,
                   concat_ws(' ', 'out', coalesce(moved.shipped, 0),
                             'in', coalesce(moved.received, 0)) AS found,
                   concat_ws(' ', 'out', coalesce(told.shipped, 0),
                             'in', coalesce(told.received, 0)) AS expected
              FROM moved FULL JOIN told USING (inbound_id, sku)
             WHERE coalesce(moved.shipped, 0) <> coalesce(told.shipped, 0)
                OR coalesce(moved.received, 0) <> coalesce(told.received, 0)
        """),
        "a labelled parcel has its one label": text("""
            SELECT parcel_id AS subject, coalesce(labels.tracking_code, 'no label') AS found,
                   coalesce(parcels.tracking_code, 'none') AS expected
              FROM parcels FULL JOIN (SELECT * FROM labels WHERE state <> 'requested') AS labels
                   USING (parcel_id)
             WHERE labels.tracking_code IS DISTINCT FROM parcels.tracking_code
        """),
        # Carriers use a code again after a year or so, never for two parcels at a time.
        "a tracking code is of one parcel at a time": text("""
            SELECT one.tracking_code AS subject, concat_ws(' ', one.parcel_id, other.parcel_id)
                   AS found, 'one parcel' AS expected
              FROM parcels AS one JOIN parcels AS other USING (carrier, tracking_code)
             WHERE one.parcel_id < other.parcel_id
               AND one.state IN ('labelled', 'shipped') AND other.state IN ('labelled', 'shipped')
               AND abs(extract(epoch FROM one.planned_at - other.planned_at)) < 60 * 86400
        """),
        "a label is voided when its parcel is cancelled": text("""
            SELECT parcel_id AS subject, labels.state AS found,
                   'that of a parcel that is ' || parcels.state AS expected
              FROM labels JOIN parcels USING (parcel_id)
             WHERE labels.state <> 'requested'
               AND (parcels.state = 'cancelled') <> (labels.state IN ('void_requested', 'voided'))
        """),
        "only labels that are used are on manifests": text("""
            SELECT label_id AS subject, concat_ws(' ', state, 'on', manifest_id) AS found,
                   'bought, or on none' AS expected
              FROM labels
             WHERE manifest_id IS NOT NULL AND state <> 'bought'
        """),
        "a label is on a manifest of its own carrier, warehouse and day": text("""
            SELECT label_id AS subject,
                   concat_ws(' ', labels.carrier, parcels.warehouse, parcels.ship_on) AS found,
                   concat_ws(' ', manifests.carrier, manifests.warehouse, manifests.ship_on,
                             manifests.state) AS expected
              FROM labels JOIN manifests USING (manifest_id) JOIN parcels USING (parcel_id)
             WHERE (labels.carrier, parcels.warehouse, parcels.ship_on)
                   IS DISTINCT FROM (manifests.carrier, manifests.warehouse, manifests.ship_on)
                OR manifests.state NOT IN ('requested', 'closed')
        """),
        **{name: _rule(sql) for name, sql in MONEY.items()},
    }
)
_SHOWN = {
    name: text(f"SELECT * FROM ({rule.written}) AS violation LIMIT {SHOWN}")  # noqa: S608
    for name, rule in RULES.items()
}


def audit(tx: Transaction) -> tuple[Violation, ...]:
    """Every violation of every rule, at most `SHOWN` of each. None is what there should be."""
    return tuple(
        [
            Violation(name, row.subject, row.found, row.expected)
            for name, rule in _SHOWN.items()
            for row in tx.rows(rule, now=tx.now, warehouses=None)
        ]
    )
