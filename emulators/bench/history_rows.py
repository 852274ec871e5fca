"""What the orders of a past (`history`) leave in each table, as expressions over what was drawn.

Of the tables of which the product has made a row, `template`, all that is not named is as there.
"""

from collections.abc import Mapping

_LINES = "drawn JOIN (VALUES (1), (2)) AS line (no) ON true"
_SKU = "CASE line.no WHEN 1 THEN first_sku ELSE second_sku END"
_PARCELLED = "parcel_state IS NOT NULL"
_ALIVE = f"{_PARCELLED} AND parcel_state <> 'cancelled'"
COPIES: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "orders",
        "drawn JOIN orders AS template ON template.order_id = :template",
        {
            "order_id": "drawn.order_id",
            "channel": "(ARRAY['web', 'app', 'marketplace'])[1 + drawn.number % 3]",
            "state": "drawn.state",
            "state_reason": "CASE drawn.state WHEN 'review' THEN 'held by hand' ELSE '' END",
            "priority": "drawn.priority",
            "destination": """template.destination || jsonb_build_object(
                'name', 'Ada ' || drawn.number, 'city', 'Town ' || town,
                'postcode', CAST(10000 + 7 * town + drawn.number % 7 AS text))""",
            "lat": "template.lat + (town - 30) / 15.0",
            "lon": "template.lon + (drawn.number % 61 - 30) / 15.0",
            "ordered_at": "drawn.accepted_at",
            "promised_at": "drawn.promised_at",
            "accepted_at": "drawn.accepted_at",
            "asked_priority": "drawn.priority",
            "asked_at": "drawn.accepted_at",
            "placed_at": f"CASE WHEN {_ALIVE} THEN drawn.planned_at END",
            "closed_at": "drawn.closed_at",
            "tracking_token": "md5(drawn.order_id)",
        },
    ),
    (
        "order_lines",
        f"""{_LINES} JOIN order_lines AS template
               ON template.order_id = :template AND template.line_no = line.no""",
        {
            "order_id": "drawn.order_id",
            "sku": _SKU,
            "quantity": "drawn.quantity",
            "allocated": f"CASE WHEN {_ALIVE} THEN drawn.quantity ELSE 0 END",
            "backordered": "CASE drawn.state WHEN 'backordered' THEN drawn.quantity ELSE 0 END",
            "cancelled": "CASE drawn.state WHEN 'cancelled' THEN drawn.quantity ELSE 0 END",
        },
    ),
    (
        "order_charges",
        "drawn",
        {
            "order_id": "order_id",
            "amount_cents": "490 + 100 * (number % 4)",
            "currency": "'EUR'",
            "charged_at": "accepted_at",
        },
    ),
    (
        "order_notes",
        "drawn WHERE number % 100 = 0",
        {
            "note_id": "'past-note-' || number",
            "order_id": "order_id",
            "at": "accepted_at + interval '1 hour'",
            "author": "'ops@example.com'",
            "body": "'The customer asked when it comes.'",
        },
    ),
    (
        "parcels",
        f"""drawn JOIN parcels AS template ON template.order_id = :template
              JOIN rate_cards AS card
                ON card.carrier = (ARRAY['correios', 'jadlog'])[1 + drawn.number % 2]
             WHERE {_PARCELLED}""",
        {
            "parcel_id": "drawn.parcel_id",
            "order_id": "drawn.order_id",
            "warehouse": "drawn.warehouse",
            "carrier": "card.carrier",
            "service": "card.service",
            "rate_card_id": "card.rate_card_id",
            "state": "drawn.parcel_state",
            "planned_at": "drawn.planned_at",
            "ship_on": "CAST(drawn.planned_at AT TIME ZONE 'UTC' AS date) + 1",
            "arrives_on": "CAST(drawn.planned_at AT TIME ZONE 'UTC' AS date) + 4",
            "picked_at": "drawn.shipped_at - interval '3 hours'",
            "tracking_code": "drawn.tracking_code",
            "tracking_status": "drawn.status",
            "tracking_status_at": "drawn.heard_at",
            "order_promised_at": "drawn.promised_at",
            "last_update_at": "drawn.heard_at",
            "shipped_at": "drawn.shipped_at",
            "delivered_at": "drawn.delivered_at",
            "returned_at": "drawn.returned_at",
            "cancelled_at": "CASE drawn.state WHEN 'cancelled' THEN drawn.closed_at END",
        },
    ),
    (
        "parcel_items",
        f"{_LINES} WHERE {_PARCELLED}",
        {
            "parcel_id": "parcel_id",
            "line_no": "line.no",
            "order_id": "order_id",
            "sku": _SKU,
            "quantity": "quantity",
        },
    ),
    (
        "placement_decisions",
        f"""drawn JOIN placement_decisions AS template ON template.order_id = :template
             WHERE {_PARCELLED} OR drawn.state = 'backordered'""",
        {
            "decision_id": "nextval('placement_decision_ids')",
            "order_id": "drawn.order_id",
            "decided_at": "drawn.planned_at",
            "outcome": "CASE drawn.state WHEN 'backordered' THEN 'backordered' ELSE 'placed' END",
            "cost_cents": f"CASE WHEN {_PARCELLED} THEN template.cost_cents END",
            "duration_us": "200 + CAST(luck * 900 AS integer)",
        },
    ),
    (
        "charges",
        f"""drawn JOIN parcels USING (parcel_id)
              JOIN (VALUES ('handling', 60, 0), ('freight', -60, 1)) AS booked (kind, cents, rest)
                ON true
             WHERE {_ALIVE}""",
        {
            "parcel_id": "parcel_id",
            "order_id": "drawn.order_id",
            "kind": "booked.kind",
            "entry": "'charge'",
            "amount_cents": "booked.cents + booked.rest * quoted_cents",
            "currency": "'EUR'",
            "rate_card_id": "rate_card_id",
            "charged_at": "drawn.planned_at + interval '1 second'",
        },
    ),
    (
        "labels",
        "drawn JOIN parcels USING (parcel_id) WHERE drawn.tracking_code IS NOT NULL",
        {
            "label_id": "'past-label-' || drawn.number",
            "parcel_id": "parcel_id",
            "carrier": "carrier",
            "state": "'bought'",
            "requested_at": "drawn.planned_at + interval '5 minutes'",
            "bought_at": "drawn.planned_at + interval '6 minutes'",
            "vendor_shipment_id": "'shp_' || drawn.number",
            "tracking_code": "drawn.tracking_code",
            "document_url": "'https://labels.invalid/' || drawn.number",
            "amount_cents": "quoted_cents - 40",
            "currency": "'EUR'",
            "vendor": "'easypost'",
            "failures": "0",
        },
    ),
    (
        "actual_charges",
        "drawn JOIN labels USING (parcel_id)",
        {
            "parcel_id": "parcel_id",
            "order_id": "order_id",
            "entry": "'actual'",
            "amount_cents": "amount_cents",
            "currency": "currency",
            "booked_at": "bought_at",
        },
    ),
    (
        "tracking_events",
        """drawn JOIN (VALUES (1, 'picked_up', interval '0'), (2, 'in_transit', interval '6 hours'),
                              (3, 'out_for_delivery', NULL), (4, NULL, NULL))
                  AS news (no, status, later)
               ON shipped_at IS NOT NULL AND (news.no < 3 OR closed_at IS NOT NULL)""",
        {
            "parcel_id": "parcel_id",
            "content_id": "'past-' || news.no",
            "status": "coalesce(news.status, drawn.status)",
            "raw_status": "coalesce(news.status, drawn.status)",
            "detail": "'arrived_at_facility'",
            "message": "'Arrived at facility'",
            "location": "jsonb_build_object('city', 'Town ' || town, 'country', 'DE')",
            "occurred_at": """CASE WHEN news.later IS NOT NULL
                THEN least(shipped_at + news.later, heard_at)
                ELSE heard_at - (4 - news.no) * interval '4 hours' END""",
            "recorded_at": "heard_at",
        },
    ),
    (
        "carrier_updates",
        "drawn WHERE shipped_at IS NOT NULL",
        {
            "update_id": "'past-update-' || number",
            "vendor": "'easypost'",
            "body": """CAST(jsonb_build_object('object', 'Event', 'description', 'tracker.updated',
                'result', jsonb_build_object('tracking_code', tracking_code, 'status', status,
                                             'tracking_details', repeat('x', 500))) AS text)""",
            "tracking_code": "tracking_code",
            "received_at": "heard_at",
        },
    ),
    (
        "stock_movements",
        f"{_LINES} WHERE shipped_at IS NOT NULL",
        {
            "sku": _SKU,
            "warehouse": "warehouse",
            "partition": "0",
            "kind": "'shipment'",
            "quantity": "-quantity",
            "reference": "parcel_id",
            "actor": "'order_tracking'",
            "reason": "''",
            "occurred_at": "shipped_at",
            "recorded_at": "shipped_at",
        },
    ),
    (
        "standstills",
        "drawn WHERE parcel_state = 'shipped' AND promised_at < CAST(:now AS timestamptz)",
        {
            "parcel_id": "parcel_id",
            "kind": "'overdue'",
            "since": "promised_at",
            "told_at": "promised_at + interval '1 hour'",
        },
    ),
    (
        "dead_letters",
        "drawn WHERE number % 300 = 0",
        {
            "source": "(ARRAY['orders', 'carrier-updates', 'labels-jadlog'])[1 + number / 300 % 3]",
            "message_id": "'past-message-' || number",
            "code": "(ARRAY['unknown_sku', 'malformed', 'label_refused'])[1 + number / 900 % 3]",
            "reason": "'it cannot be read'",
            "facts": "jsonb_build_object('order_id', order_id)",
            "attributes": "'{}'",
            "payload": "CAST('{}' AS bytea)",
            "attempts": "5",
            "correlation_id": "order_id",
            "parked_at": "accepted_at",
            "failure": "'rejected'",
            "ordering_key": "''",
            "order_id": "order_id",
            "state": "CASE number / 300 % 8 WHEN 0 THEN 'open' ELSE 'retried' END",
            "settled_at": "CASE number / 300 % 8 WHEN 0 THEN NULL ELSE accepted_at END",
            "settled_by": "CASE number / 300 % 8 WHEN 0 THEN NULL ELSE 'ops@example.com' END",
            "settled_why": "CASE number / 300 % 8 WHEN 0 THEN NULL ELSE 'mended' END",
            "history": "'[]'",
        },
    ),
    (
        "audit_log",
        "drawn WHERE number % 50 = 0",
        {
            "at": "accepted_at",
            "actor_kind": "'user'",
            "actor": "'ops-' || number / 50 % 9 || '@example.com'",
            "action": """(ARRAY['hold_order', 'override_placement', 'release_order',
                'cancel_order'])[1 + number / 50 % 4]""",
            "subject_kind": "'order'",
            "subject_id": "order_id",
            "reason": "'the customer asked for it'",
            "before": """jsonb_build_object('order ' || order_id,
                jsonb_build_object('state', 'placed', 'state_reason', ''))""",
            "after": """jsonb_build_object('order ' || order_id,
                jsonb_build_object('state', 'review', 'state_reason', 'held by hand'))""",
            "correlation_id": "order_id",
        },
    ),
)
FILLED = tuple(table for table, _, _ in COPIES)
