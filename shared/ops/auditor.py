"""What is always true, as queries that find where it is not.

Each rule returns one row for each violation: which thing, what is there and what should be.
The rules are those of DESIGN: balances, conservation, once-only effects, money.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import TextClause, text

from shared.platform.db import Transaction

SHOWN = 100  # violations of one rule; the rest is counted


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold somewhere."""

    rule: str
    subject: str
    found: str
    expected: str


def _rule(sql: str) -> TextClause:
    return text(sql)


RULES: Mapping[str, TextClause] = MappingProxyType(
    {
        "reserved equals the units in open parcels": _rule("""
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
        "held equals the units of open holds": _rule("""
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
        "on-hand equals the sum of movements": _rule("""
            WITH moved AS (
                SELECT sku, warehouse, partition, sum(quantity) AS units
                  FROM stock_movements GROUP BY sku, warehouse, partition)
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   coalesce(on_hand, 0)::text AS found, coalesce(units, 0)::text AS expected
              FROM stock_levels FULL JOIN moved USING (sku, warehouse, partition)
             WHERE coalesce(on_hand, 0) <> coalesce(units, 0)
        """),
        "nothing is oversold": _rule("""
            SELECT concat_ws(' in ', sku, warehouse, nullif(partition, 0)) AS subject,
                   concat_ws(' ', 'reserved', reserved, 'held', held) AS found,
                   'together 0 to ' || on_hand AS expected
              FROM stock_levels
             WHERE reserved < 0 OR held < 0 OR reserved + held > on_hand
        """),
        "the rows of a spread agree": _rule("""
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
        "a shut partition promises nothing": _rule("""
            SELECT concat_ws(' in ', sku, warehouse, partition) AS subject,
                   concat_ws(' ', coalesce(fenced_for, 'not fenced'), 'safety', safety) AS found,
                   CASE WHEN partition < spread_from + spread THEN 'open'
                        ELSE 'fenced, without safety' END AS expected
              FROM stock_levels
             WHERE CASE WHEN partition < spread_from + spread THEN fenced_for = 'shut'
                        ELSE fenced_for IS NULL OR safety <> 0 END
        """),
        "units laid anew are neither made nor lost": _rule("""
            SELECT concat_ws(' ', sku, 'in', warehouse, reference) AS subject,
                   sum(quantity)::text AS found, '0' AS expected
              FROM stock_movements WHERE kind = 'repartition'
             GROUP BY sku, warehouse, reference
            HAVING sum(quantity) <> 0
        """),
        "what waits under a cap is what is backordered": _rule("""
            WITH waiting AS (
                SELECT sku, sum(backordered) AS units FROM order_lines
                 WHERE backordered > 0 GROUP BY sku)
            SELECT sku AS subject, taken::text AS found, coalesce(units, 0)::text AS expected
              FROM backorder_caps LEFT JOIN waiting USING (sku)
             WHERE taken <> coalesce(units, 0)
        """),
        "a kit has no stock of its own": _rule("""
            SELECT DISTINCT sku AS subject, 'a balance in ' || warehouse AS found,
                   'none: it is a kit' AS expected
              FROM stock_levels JOIN kit_components ON kit = sku
             WHERE on_hand <> 0
        """),
        "allocated units of a line are in its parcels": _rule("""
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
        "every unit stands where its order stands": _rule("""
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
                       WHEN state = 'backordered' THEN (0, quantity, 0)
                       WHEN state = 'cancelled' THEN (0, 0, quantity)
                       ELSE (0, 0, 0) END
        """),
        "of a partly placed order some units have parcels and others wait": _rule("""
            SELECT order_id AS subject, concat(sum(allocated), ' of ', sum(quantity)) AS found,
                   'some, and not all' AS expected
              FROM order_lines JOIN orders USING (order_id)
             WHERE state = 'partly_placed'
             GROUP BY order_id
            HAVING sum(allocated) = 0 OR sum(quantity - allocated - cancelled) = 0
        """),
        "an order stands where its parcels stand": _rule("""
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
        "a day of a warehouse has the parcels that leave on it": _rule("""
            WITH leaving AS (
                SELECT warehouse, ship_on, count(*) AS parcels FROM parcels
                 WHERE ship_on IS NOT NULL AND state <> 'cancelled' GROUP BY warehouse, ship_on)
            SELECT concat_ws(' ', warehouse, ship_on) AS subject,
                   site_days.parcels::text AS found,
                   coalesce(leaving.parcels, 0)::text AS expected
              FROM site_days LEFT JOIN leaving USING (warehouse, ship_on)
             WHERE site_days.parcels <> coalesce(leaving.parcels, 0)
        """),
        "what left the stock is what was shipped": _rule("""
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
        "a transfer holds what was asked for until it leaves": _rule("""
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
        "what a transfer moved is what was shipped and received": _rule("""
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
        "a labelled parcel has its one label": _rule("""
            SELECT parcel_id AS subject, coalesce(labels.tracking_code, 'no label') AS found,
                   coalesce(parcels.tracking_code, 'none') AS expected
              FROM parcels FULL JOIN (SELECT * FROM labels WHERE state <> 'requested') AS labels
                   USING (parcel_id)
             WHERE labels.tracking_code IS DISTINCT FROM parcels.tracking_code
        """),
        "a label is voided when its parcel is cancelled": _rule("""
            SELECT parcel_id AS subject, labels.state AS found,
                   'that of a parcel that is ' || parcels.state AS expected
              FROM labels JOIN parcels USING (parcel_id)
             WHERE labels.state <> 'requested'
               AND (parcels.state = 'cancelled') <> (labels.state IN ('void_requested', 'voided'))
        """),
        "a decision costs what its parcels were quoted": _rule("""
            WITH decided AS (
                SELECT order_id, decided_at AS moment, sum(cost_cents) AS cents
                  FROM placement_decisions WHERE outcome IN ('placed', 'partly_placed')
                 GROUP BY order_id, decided_at
            ), planned AS (
                SELECT order_id, planned_at AS moment, sum(quoted_cents) AS cents
                  FROM parcels GROUP BY order_id, planned_at)
            SELECT concat_ws(' at ', order_id, moment) AS subject, decided.cents::text AS found,
                   planned.cents::text AS expected
              FROM decided JOIN planned USING (order_id, moment)
             WHERE decided.cents <> planned.cents
        """),
        # With the two around it: an order costs the sum of its charges, which is what it was
        # decided for. Charge by charge, for sums of all orders would take long.
        "an order is charged for its own parcels": _rule("""
            SELECT concat_ws(' ', parcel_id, kind, entry) AS subject,
                   charges.order_id AS found, parcels.order_id AS expected
              FROM charges JOIN parcels USING (parcel_id)
             WHERE charges.order_id <> parcels.order_id
        """),
        # Labels that older code bought may have no booking.
        "what is booked for a label is what it cost": _rule("""
            WITH paid AS (
                SELECT parcel_id, currency, sum(amount_cents) AS cents
                  FROM actual_charges GROUP BY parcel_id, currency
            ), sold AS (
                SELECT parcel_id, currency,
                       CASE state WHEN 'voided' THEN 0 ELSE amount_cents END AS cents
                  FROM labels)
            SELECT parcel_id AS subject, concat_ws(' ', paid.cents, paid.currency) AS found,
                   concat_ws(' ', sold.cents, sold.currency) AS expected
              FROM paid JOIN sold USING (parcel_id)
             WHERE (paid.cents, paid.currency) IS DISTINCT FROM (sold.cents, sold.currency)
        """),
        "a charge agrees with the quote of its parcel": _rule("""
            SELECT parcel_id AS subject, sum(amount_cents)::text AS found,
                   quoted_cents::text AS expected
              FROM charges JOIN parcels USING (parcel_id)
             WHERE entry = 'charge' AND kind <> 'fallback_difference'
             GROUP BY parcel_id, quoted_cents
            HAVING sum(amount_cents) <> quoted_cents
        """),
        "a fallback difference is what another carrier costs more": _rule("""
            WITH rerouted AS (
                SELECT parcel_id, sum(difference_cents) AS cents
                  FROM parcel_reroutes GROUP BY parcel_id
            ), booked AS (
                SELECT parcel_id, amount_cents AS cents FROM charges
                 WHERE kind = 'fallback_difference' AND entry = 'charge')
            SELECT parcel_id AS subject, coalesce(booked.cents::text, 'not booked') AS found,
                   coalesce(rerouted.cents::text, 'none: not rerouted') AS expected
              FROM rerouted FULL JOIN booked USING (parcel_id)
             WHERE booked.cents IS DISTINCT FROM rerouted.cents
        """),
        "a rerouted parcel goes by the carrier it was given": _rule("""
            SELECT parcel_id AS subject,
                   concat_ws(' ', carrier, service, rate_card_id) AS found,
                   concat_ws(' ', to_carrier, to_service, to_rate_card_id) AS expected
              FROM parcels JOIN (
                   SELECT DISTINCT ON (parcel_id) * FROM parcel_reroutes
                    ORDER BY parcel_id, number DESC) AS latest USING (parcel_id)
             WHERE (carrier, service, rate_card_id)
                   <> (to_carrier, to_service, to_rate_card_id)
        """),
        "a label that was left behind is not used": _rule("""
            SELECT label_id AS subject, concat_ws(' ', 'label of', parcel_id) AS found,
                   'to be voided' AS expected
              FROM abandoned_labels JOIN labels USING (label_id, parcel_id)
        """),
        "a cancelled parcel costs nothing": _rule("""
            SELECT parcel_id AS subject, sum(amount_cents)::text AS found, '0' AS expected
              FROM charges
             WHERE EXISTS (SELECT FROM charges AS back
                            WHERE back.parcel_id = charges.parcel_id AND back.entry = 'reversal')
             GROUP BY parcel_id
            HAVING sum(amount_cents) <> 0
        """),
    }
)


def audit(tx: Transaction) -> tuple[Violation, ...]:
    """Every violation of every rule, at most `SHOWN` of each. None is what there should be."""
    found = []
    for name, rule in RULES.items():
        limited = text(f"SELECT * FROM ({rule.text}) AS violation LIMIT :shown")  # noqa: S608
        found += [
            Violation(name, row.subject, row.found, row.expected)
            for row in tx.rows(limited, shown=SHOWN)
        ]
    return tuple(found)
