"""What must be true besides what the auditor says, as queries that find where it is not.

Each finds (subject, found, expected). `simulation.announced` remembers all that was ever announced.
"""

from collections.abc import Mapping

# At any moment: what happens and what is announced of it are one transaction.
ALWAYS: Mapping[str, str] = {
    "what an event causes is announced once": """
        SELECT ordering_key || ' ' || type || ' because of ' || cause, count(*)::text, 'once'
          FROM simulation.announced
         WHERE cause IS NOT NULL
         GROUP BY cause, ordering_key, type, body
        HAVING count(*) > 1
    """,
    "an order is announced as accepted once": """
        SELECT coalesce(order_id, ordering_key), coalesce(times, 0)::text, 'once'
          FROM orders FULL JOIN (
               SELECT ordering_key, count(*) AS times FROM simulation.announced
                WHERE type = 'dispatch.order.accepted.v1' GROUP BY 1) AS told
               ON ordering_key = order_id
         WHERE order_id IS NULL OR times IS DISTINCT FROM 1
    """,
    "every decision is announced": """
        WITH told AS (
            SELECT ordering_key AS order_id, split_part(type, '.', 3) AS outcome,
                   count(*) AS times
              FROM simulation.announced
             WHERE type IN ('dispatch.order.placed.v1', 'dispatch.order.partly_placed.v1',
                            'dispatch.order.backordered.v1')
             GROUP BY 1, 2
        ), decided AS (
            SELECT order_id, outcome, count(*) AS times FROM placement_decisions
             WHERE outcome IN ('placed', 'partly_placed', 'backordered') GROUP BY 1, 2)
        SELECT order_id || ' ' || outcome, told.times::text, decided.times::text
          FROM told FULL JOIN decided USING (order_id, outcome)
         WHERE told.times IS DISTINCT FROM decided.times
    """,
    "what happens to a parcel is announced once": """
        WITH told AS (
            SELECT body->>'parcel_id' AS parcel_id, type, count(*) AS times
              FROM simulation.announced
             WHERE type IN ('dispatch.parcel.planned.v1', 'dispatch.parcel.cancelled.v1',
                            'dispatch.parcel.labelled.v1', 'dispatch.parcel.rerouted.v1')
             GROUP BY 1, 2
        ), happened AS (
            SELECT parcel_id, 'dispatch.parcel.planned.v1' AS type, 1 AS times FROM parcels
             UNION ALL
            SELECT parcel_id, 'dispatch.parcel.cancelled.v1', 1 FROM parcels
             WHERE state = 'cancelled'
             UNION ALL
            SELECT parcel_id, 'dispatch.parcel.labelled.v1', 1 FROM parcels
             WHERE tracking_code IS NOT NULL
             UNION ALL
            SELECT parcel_id, 'dispatch.parcel.rerouted.v1', count(*) FROM parcel_reroutes
             GROUP BY parcel_id)
        SELECT parcel_id || ' ' || type, told.times::text, happened.times::text
          FROM told FULL JOIN happened USING (parcel_id, type)
         WHERE told.times IS DISTINCT FROM happened.times
    """,
    "the end of an order is announced as it is": """
        WITH told AS (
            SELECT DISTINCT ON (ordering_key) ordering_key AS order_id, body->>'state' AS state
              FROM simulation.announced WHERE type = 'dispatch.order.closed.v1'
             ORDER BY ordering_key, outbox_id DESC
        ), closed AS (SELECT order_id, state FROM orders WHERE closed_at IS NOT NULL)
        SELECT order_id, told.state, closed.state
          FROM told FULL JOIN closed USING (order_id)
         WHERE told.state IS DISTINCT FROM closed.state
    """,
    "the latest status of a parcel is announced": """
        WITH told AS (
            SELECT DISTINCT ON (body->>'parcel_id') body->>'parcel_id' AS parcel_id,
                   body->>'status' AS status
              FROM simulation.announced WHERE type = 'dispatch.delivery.updated.v1'
             ORDER BY body->>'parcel_id', outbox_id DESC
        ), known AS (
            SELECT parcel_id, tracking_status AS status FROM parcels
             WHERE tracking_status <> 'pending')
        SELECT parcel_id, told.status, known.status
          FROM told FULL JOIN known USING (parcel_id)
         WHERE told.status IS DISTINCT FROM known.status
    """,
    "what a parcel costs is announced": """
        WITH told AS (
            SELECT body->>'parcel_id' AS parcel_id, sum(amount::bigint) AS cents
              FROM simulation.announced, jsonb_each_text(body->'items') AS item (kind, amount)
             WHERE type = 'dispatch.parcel.charged.v1' GROUP BY 1
        ), booked AS (SELECT parcel_id, sum(amount_cents) AS cents FROM charges GROUP BY 1)
        SELECT parcel_id, told.cents::text, booked.cents::text
          FROM told FULL JOIN booked USING (parcel_id)
         WHERE told.cents IS DISTINCT FROM booked.cents
    """,
    "only what is wrong is parked": """
        SELECT source || ' ' || message_id, code, 'applied' FROM dead_letters
         WHERE code NOT IN ('malformed', 'unsupported_version', 'unknown_sku', 'order_conflict',
                            'order_never_came', 'too_late_to_change', 'illegal_transition',
                            'refused_by_carrier', 'parcel_not_here_yet',
                            'order_partly_picked')
    """,
}
# When everything has been delivered, and nothing is on its way any more.
IN_THE_END: Mapping[str, str] = {
    "a parcel costs its quote and its reroutes, and a cancelled one nothing": """
        WITH booked AS (
            SELECT parcel_id, sum(amount_cents) AS cents FROM charges GROUP BY 1
        ), rerouted AS (
            SELECT body->>'parcel_id' AS parcel_id, sum((body->>'difference_cents')::bigint) AS more
              FROM simulation.announced WHERE type = 'dispatch.parcel.rerouted.v1' GROUP BY 1)
        SELECT parcel_id, coalesce(cents, 0)::text,
               concat_ws(' ', state, quoted_cents, '+', coalesce(more, 0))
          FROM parcels LEFT JOIN booked USING (parcel_id) LEFT JOIN rerouted USING (parcel_id)
         WHERE coalesce(cents, 0) <> CASE state WHEN 'cancelled' THEN 0
                                     ELSE quoted_cents + coalesce(more, 0) END
    """,
    "what a carrier may have sold for nothing is given back": """
        SELECT label_id, state, 'voided' FROM abandoned_labels
         WHERE state <> 'voided' AND label_id NOT IN (
               SELECT convert_from(payload, 'UTF8')::jsonb->>'label_id' FROM dead_letters
                WHERE attributes->>'ce-type' = 'dispatch.work.void_abandoned_label.v1')
    """,
    "what is to be printed is kept": """
        SELECT label_id, state, 'with its document' FROM labels
         WHERE state = 'bought' AND document_key IS NULL
    """,
    "a day that was to be closed is closed": """
        SELECT manifest_id, state, 'closed, refused or dropped' FROM manifests
         WHERE state = 'requested'
    """,
    "nothing is left in the outbox": """
        SELECT lane, count(*)::text || ' rows', 'none' FROM outbox GROUP BY lane
    """,
    "an order rests, or a letter says why it does not": """
        SELECT order_id, state, 'at rest' FROM orders
         WHERE state NOT IN ('delivered', 'returned', 'cancelled', 'backordered', 'review')
           AND (state <> 'partly_placed' OR order_id IN (
               SELECT order_id FROM parcels
                WHERE state NOT IN ('delivered', 'returned', 'cancelled')))
           AND order_id NOT IN (
               SELECT order_id FROM parcels
                WHERE parcel_id IN (
                      SELECT CASE WHEN source LIKE '%labels-%'
                             THEN convert_from(payload, 'UTF8')::jsonb->>'parcel_id' END
                        FROM dead_letters))
    """,
    "reconciliation finds nothing to repair": """
        SELECT concat_ws(' ', figure, 'of', sku, 'in', warehouse, nullif(partition, 0)),
               found::text, explained::text
          FROM stock_drifts WHERE actor = 'nightly'
    """,
    "nobody waits for stock that is there": """
        WITH wanted AS (
            SELECT order_id, sku, sum(backordered) AS units FROM order_lines
             WHERE backordered > 0 GROUP BY 1, 2
        ), usable AS (
            SELECT order_id, wanted.sku, wanted.units AS wanted,
                   coalesce(sum(greatest(0, on_hand - reserved - safety - of_others)), 0) AS units
              FROM wanted LEFT JOIN stock_levels
                   ON stock_levels.sku = wanted.sku
                  AND (order_id, wanted.sku, warehouse) NOT IN (
                      SELECT order_id, sku, warehouse FROM order_exclusions)
              LEFT JOIN LATERAL (
                   SELECT coalesce(sum(quantity), 0) AS of_others
                     FROM stock_holds JOIN stock_hold_items AS item USING (hold_id)
                    WHERE state = 'open' AND purpose = 'order' AND for_order <> order_id
                      AND (item.sku, item.warehouse, item.partition)
                          = (stock_levels.sku, stock_levels.warehouse, stock_levels.partition)
                   ) AS kept ON true
             GROUP BY order_id, wanted.sku, wanted.units)
        SELECT order_id, 'backordered', 'placed'
          FROM usable
         GROUP BY order_id
        HAVING bool_and(units >= wanted)
    """,
}
