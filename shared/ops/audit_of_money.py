"""What is always true of money and of kept reports, as queries that find where it is not."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.ops import cost_reports, refusals, service_reports

MONEY: Mapping[str, str] = MappingProxyType(
    {
        "a decision costs what its parcels were quoted": """
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
        """,
        # With the two around it: an order costs the sum of its charges, which is what it was
        # decided for. Charge by charge, for sums of all orders would take long.
        "an order is charged for its own parcels": """
            SELECT concat_ws(' ', parcel_id, kind, entry) AS subject,
                   charges.order_id AS found, parcels.order_id AS expected
              FROM charges JOIN parcels USING (parcel_id)
             WHERE charges.order_id <> parcels.order_id
        """,
        # Labels that older code bought may have no booking.
        "what is booked for a label is what it cost": """
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
        """,
        "a charge agrees with the quote of its parcel": """
            SELECT parcel_id AS subject, sum(amount_cents)::text AS found,
                   quoted_cents::text AS expected
              FROM charges JOIN parcels USING (parcel_id)
             WHERE entry = 'charge' AND kind <> 'fallback_difference'
             GROUP BY parcel_id, quoted_cents
            HAVING sum(amount_cents) <> quoted_cents
        """,
        "a fallback difference is what another carrier costs more": """
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
        """,
        "a rerouted parcel goes by the carrier it was given": """
            SELECT parcel_id AS subject,
                   concat_ws(' ', carrier, service, rate_card_id) AS found,
                   concat_ws(' ', to_carrier, to_service, to_rate_card_id) AS expected
              FROM parcels JOIN (
                   SELECT DISTINCT ON (parcel_id) * FROM parcel_reroutes
                    ORDER BY parcel_id, number DESC) AS latest USING (parcel_id)
             WHERE (carrier, service, rate_card_id)
                   <> (to_carrier, to_service, to_rate_card_id)
        """,
        "a label that was left behind is not used": """
            SELECT label_id AS subject, concat_ws(' ', 'label of', parcel_id) AS found,
                   'to be voided' AS expected
              FROM abandoned_labels JOIN labels USING (label_id, parcel_id)
        """,
        "a cancelled parcel costs nothing": """
            SELECT parcel_id AS subject, sum(amount_cents)::text AS found, '0' AS expected
              FROM charges
             WHERE EXISTS (SELECT FROM charges AS back
                            WHERE back.parcel_id = charges.parcel_id AND back.entry = 'reversal')
             GROUP BY parcel_id
            HAVING sum(amount_cents) <> 0
        """,
        "a day's costs that are kept are those of its parcels": cost_reports.DIFFERING_DAYS,
        "SKUs cost on a day what their parcels cost": cost_reports.DIFFERING_SKUS,
        "a day's decisions that are kept are those that were made": (
            service_reports.DIFFERING_DECISIONS
        ),
        "a day's promises that are kept are as they were kept": service_reports.DIFFERING_PROMISES,
        "a day's refusals that are kept are those of its orders": refusals.DIFFERING_DAYS,
    }
)
