"""By rule of the auditor: what breaks it, and no other, where it is written past constraints."""

from collections.abc import Sequence

LIES: Sequence[tuple[str, Sequence[str]]] = (
    (
        "what a parcel refers to is there",
        (
            """INSERT INTO parcels SELECT twin.* FROM parcels, jsonb_populate_record(parcels,
                    '{"parcel_id": "par_twin", "order_id": "none", "quoted_cents": 0}') AS twin
                WHERE parcels.order_id = 'gone'""",
        ),
    ),
    (
        "what a parcel refers to is there",
        ("UPDATE parcels SET warehouse = 'NONE' WHERE order_id = 'gone'",),
    ),
    (
        "what a parcel refers to is there",
        ("UPDATE parcels SET rate_card_id = 'none' WHERE order_id = 'planned'",),
    ),
    (
        "what a parcel refers to is there",
        (
            """INSERT INTO parcel_items (parcel_id, line_no, order_id, sku, quantity)
               VALUES ('par_none', 1, 'planned', 'MUG', 1)""",
        ),
    ),
    (
        "reserved equals the units in open parcels",
        ("UPDATE stock_levels SET reserved = reserved + 1 WHERE sku = 'PEN'",),
    ),
    (
        "reserved equals the units in open parcels",
        (
            """INSERT INTO parcel_items (parcel_id, line_no, order_id, sku, quantity)
               SELECT parcel_id, 2, 'none', 'NEVER-STOCKED', 1
                 FROM parcels WHERE order_id = 'planned'""",
            """INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents,
                                        allocated)
               VALUES ('none', 2, 'NEVER-STOCKED', 1, 0, 1)""",
        ),
    ),
    (
        "held equals the units of open holds",
        (
            "UPDATE stock_levels SET held = held + 1, on_hand = on_hand + 1 WHERE sku = 'PEN'",
            """UPDATE stock_movements SET quantity = quantity + 1 WHERE sku = 'PEN'
               AND kind = 'receipt'""",
        ),
    ),
    (
        "a transfer holds what was asked for until it leaves",
        ("UPDATE inbound_items SET quantity = 3 WHERE inbound_id = 'asked'",),
    ),
    (
        "what a transfer moved is what was shipped and received",
        ("UPDATE inbound_items SET shipped = 2 WHERE inbound_id = 'moved'",),
    ),
    (
        "what waits under a cap is what is backordered",
        ("INSERT INTO backorder_caps (sku, cap, taken) VALUES ('PEN', 9, 9)",),
    ),
    (
        "no count is of a moment to come",
        ("UPDATE stock_levels SET counted_at = now() + interval '1 year' WHERE sku = 'PEN'",),
    ),
    (
        "nothing moves at a moment to come",
        ("UPDATE stock_movements SET occurred_at = now() + interval '1 year' WHERE sku = 'PEN'",),
    ),
    (
        "no more comes back of a parcel than was in it",
        (
            "UPDATE stock_levels SET on_hand = on_hand + 2 WHERE sku = 'PEN'",
            """INSERT INTO stock_movements (sku, warehouse, kind, quantity, reference, actor,
                                            reason, occurred_at, recorded_at)
               SELECT 'PEN', 'BER', 'return', 2, 'twice', 'thief', parcel_id, planned_at, planned_at
                 FROM parcels WHERE order_id = 'planned'""",
        ),
    ),
    (
        "a kit has no stock of its own",
        ("INSERT INTO kit_components (kit, component, quantity) VALUES ('PEN', 'CUP', 1)",),
    ),
    (
        "on-hand equals the sum of movements",
        ("UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'PEN'",),
    ),
    (
        "on-hand equals the sum of movements",
        ("UPDATE stock_movements SET quantity = quantity - 1 WHERE sku = 'CUP'",),
    ),
    (
        "nothing is oversold",
        (
            "ALTER TABLE stock_levels DROP CONSTRAINT never_oversold",
            "UPDATE stock_levels SET on_hand = 0 WHERE sku = 'PEN'",
            "UPDATE stock_movements SET quantity = 0 WHERE sku = 'PEN'",
        ),
    ),
    (
        "the rows of a spread agree",
        ("UPDATE stock_levels SET spread = 3 WHERE sku = 'JAM' AND partition = 1",),
    ),
    (
        "the rows of a spread agree",
        ("UPDATE stock_levels SET spread = 2 WHERE sku = 'JAM' AND allotment IS NOT NULL",),
    ),
    (
        "a shut partition promises nothing",
        (
            "ALTER TABLE stock_levels DROP CONSTRAINT within_its_spread",
            "UPDATE stock_levels SET fenced_for = NULL WHERE fenced_for = 'shut'",
        ),
    ),
    (
        "a shut partition promises nothing",
        ("UPDATE stock_levels SET safety = 1 WHERE fenced_for = 'shut'",),
    ),
    (
        "a shut partition promises nothing",
        ("UPDATE stock_levels SET fenced_for = 'shut' WHERE sku = 'JAM' AND partition = 1",),
    ),
    (
        "units laid anew are neither made nor lost",
        (
            "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE sku = 'JAM' AND partition = 1",
            """UPDATE stock_movements SET quantity = quantity + 1
                WHERE sku = 'JAM' AND partition = 1 AND reference = 'spread:wide'""",
        ),
    ),
    (
        "allocated units of a line are in its parcels",
        ("UPDATE parcel_items SET line_no = 2 WHERE order_id = 'planned'",),
    ),
    (
        "every unit stands where its order stands",
        ("UPDATE order_lines SET backordered = 1 WHERE order_id = 'edited'",),
    ),
    (
        "of a backordered order something waits",
        ("UPDATE order_lines SET backordered = 0 WHERE order_id = 'waiting'",),
    ),
    (
        "what is kept of an order's parcels is to be placed anew",
        ("UPDATE stock_holds SET for_order = 'sent' WHERE for_order = 'edited'",),
    ),
    (
        "an order owns no hold that it could not claim",
        ("UPDATE stock_holds SET for_order = 'planned' WHERE hold_id = 'cart'",),
    ),
    (
        "every unit stands where its order stands",
        ("UPDATE order_lines SET cancelled = 0 WHERE order_id = 'gone'",),
    ),
    (
        "a day of a warehouse has the parcels that leave on it",
        ("INSERT INTO site_days (warehouse, ship_on, parcels) SELECT 'BER', current_date, 7",),
    ),
    (
        "of a partly placed order some units have parcels and others wait",
        ("UPDATE orders SET state = 'partly_placed', placed_at = NULL WHERE order_id = 'sent'",),
    ),
    (
        "an order stands where its parcels stand",
        ("UPDATE orders SET state = 'placed' WHERE order_id = 'sent'",),
    ),
    (
        "an order stands where its parcels stand",
        ("UPDATE orders SET state = 'delivered', closed_at = now() WHERE order_id = 'sent'",),
    ),
    (
        "an order stands where its parcels stand",
        ("UPDATE orders SET state = 'returned', closed_at = now() WHERE order_id = 'sent'",),
    ),
    (
        "an order stands where its parcels stand",
        (
            """UPDATE parcels SET state = 'delivered', delivered_at = now()
                WHERE order_id = 'sent'""",
        ),
    ),
    (
        "an order stands where its parcels stand",
        ("UPDATE parcels SET state = 'returned', returned_at = now() WHERE order_id = 'sent'",),
    ),
    (
        "an order stands where its parcels stand",
        ("UPDATE orders SET state = 'shipped' WHERE order_id = 'planned'",),
    ),
    (
        "what left the stock is what was shipped",
        (
            "UPDATE stock_levels SET on_hand = on_hand - 1 WHERE sku = 'PEN'",
            """INSERT INTO stock_movements (sku, warehouse, kind, quantity, reference, actor,
                                            occurred_at, recorded_at)
               SELECT 'PEN', 'BER', 'shipment', -1, 'par_none', 'thief', planned_at, planned_at
                 FROM parcels WHERE order_id = 'planned'""",
        ),
    ),
    (
        "what left the stock is what was shipped",
        ("UPDATE stock_movements SET kind = 'count' WHERE kind = 'shipment'",),
    ),
    (
        "a labelled parcel has its one label",
        ("UPDATE labels SET tracking_code = 'ANOTHER'",),
    ),
    ("a labelled parcel has its one label", ("DELETE FROM labels",)),
    (
        "a tracking code is of one parcel at a time",
        (
            """INSERT INTO parcels SELECT twin.* FROM parcels, jsonb_populate_record(parcels,
                    '{"parcel_id": "par_twin", "quoted_cents": 0, "ship_on": null}') AS twin
                WHERE parcels.order_id = 'sent'""",
            """INSERT INTO labels SELECT twin.* FROM labels, jsonb_populate_record(labels,
                    '{"label_id": "lab_twin", "parcel_id": "par_twin", "amount_cents": 0}') AS twin
                WHERE labels.state = 'bought'""",
        ),
    ),
    (
        "a label is voided when its parcel is cancelled",
        ("UPDATE labels SET state = 'void_requested'",),
    ),
    (
        "a charge agrees with the quote of its parcel",
        ("UPDATE charges SET amount_cents = amount_cents + 1 WHERE order_id = 'planned'",),
    ),
    (
        "a decision costs what its parcels were quoted",
        ("UPDATE placement_decisions SET cost_cents = cost_cents + 1 WHERE order_id = 'planned'",),
    ),
    (
        "an order is charged for its own parcels",
        ("UPDATE charges SET order_id = 'sent' WHERE order_id = 'planned'",),
    ),
    (
        "what is booked for a label is what it cost",
        ("UPDATE actual_charges SET amount_cents = amount_cents + 1 WHERE order_id = 'sent'",),
    ),
    (
        "what is booked for a label is what it cost",
        ("UPDATE labels SET currency = 'XXX'",),
    ),
    (
        "a fallback difference is what another carrier costs more",
        ("UPDATE charges SET amount_cents = 1 WHERE kind = 'fallback_difference'",),
    ),
    (
        "a fallback difference is what another carrier costs more",
        ("DELETE FROM charges WHERE kind = 'fallback_difference'",),
    ),
    (
        "a fallback difference is what another carrier costs more",
        ("DELETE FROM parcel_reroutes",),
    ),
    (
        "a rerouted parcel goes by the carrier it was given",
        ("UPDATE parcels SET carrier = 'correios' WHERE order_id = 'rerouted'",),
    ),
    (
        "a label that was left behind is not used",
        (
            """INSERT INTO labels (label_id, parcel_id, carrier, state, requested_at)
               SELECT label_id, parcel_id, carrier, 'requested', now() FROM abandoned_labels""",
        ),
    ),
    (
        "only labels that are used are on manifests",
        (
            """INSERT INTO manifests (manifest_id, carrier, warehouse, ship_on, number, state,
                                      requested_at)
               SELECT 'man_1', carrier, warehouse, ship_on, 1, 'requested', now()
                 FROM parcels WHERE order_id = 'back'""",
            "UPDATE labels SET manifest_id = 'man_1' WHERE state = 'void_requested'",
        ),
    ),
    (
        "a label is on a manifest of its own carrier, warehouse and day",
        (
            """INSERT INTO manifests (manifest_id, carrier, warehouse, ship_on, number, state,
                                      requested_at)
               SELECT 'man_1', carrier, warehouse, ship_on + 1, 1, 'requested', now()
                 FROM parcels WHERE order_id = 'sent'""",
            "UPDATE labels SET manifest_id = 'man_1' WHERE state = 'bought'",
        ),
    ),
    (
        "a cancelled parcel costs nothing",
        ("UPDATE charges SET amount_cents = -1 WHERE entry = 'reversal' AND kind = 'freight'",),
    ),
    # Of a day on which nothing happened.
    (
        "a day's costs that are kept are those of its parcels",
        (
            "INSERT INTO report_days VALUES ('costs', '2026-03-01')",
            (
                "INSERT INTO cost_days VALUES"
                " ('2026-03-01', 'BER', 'correios', 'standard', 'EUR', 1, 7, 7, 7, 0, 0)"
            ),
            (
                "INSERT INTO sku_cost_days VALUES"
                " ('2026-03-01', 'BER', 'MUG', 'EUR', 1, 7, 7, 7, 0, 0)"
            ),
        ),
    ),
    (
        "SKUs cost on a day what their parcels cost",
        ("INSERT INTO sku_cost_days VALUES ('2026-03-01', 'BER', 'MUG', 'EUR', 1, 7, 7, 7, 0, 0)",),
    ),
    (
        "a day's decisions that are kept are those that were made",
        (
            "INSERT INTO report_days VALUES ('decisions', '2026-03-01')",
            "INSERT INTO decision_days VALUES ('2026-03-01', 1, 0, 1, 0, 0, 0, 9)",
        ),
    ),
    (
        "a day's promises that are kept are as they were kept",
        (
            "INSERT INTO report_days VALUES ('promises', '2026-03-01')",
            "INSERT INTO promise_days VALUES ('2026-03-01', 1, 1, 0)",
        ),
    ),
    (
        "a day's refusals that are kept are those of its orders",
        (
            "INSERT INTO report_days VALUES ('refusals', '2026-03-01')",
            "INSERT INTO refusal_days VALUES ('2026-03-01', 'BER', '-infinity', 1, 0)",
        ),
    ),
)
