"""The auditor: books that are right say nothing, and every lie is told by exactly its own rule."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from shared.carriers.types import CarrierUnavailable, LabelRequest
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.bands import zones_of
from shared.costing.book import Bookshelf
from shared.flows.audit_books import audit_books
from shared.flows.buy_label import CALLS
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.track_parcel import track_parcel
from shared.ops.auditor import RULES, audit
from shared.platform.db import Database, Transaction
from tests.flows import doubles, partitioned, transfers, updates
from tests.support import given


class RolledBack(Exception):
    """Ends a transaction without a trace."""


def charge(tx: Transaction, event: ParcelPlanned) -> None:
    charge_parcel(tx, event, Bookshelf())


def books(database: Database) -> None:
    """`sent` is on its way, `planned` is planned, `cancelled` was placed, `waiting` waits.

    `rerouted` goes by another carrier. The transfer `asked` has not left, and `moved` has arrived,
    one unit short. Of the jam two rows are everybody's, one is shut, and one is a sale's.
    """
    given.catalogue(
        database,
        {
            "BER": {"MUG": 5, "PEN": 5, "CUP": 5, "ANVIL": 0, "TEA": 5, "JAM": 7, "TIN": 1},
            "LIS": {},
        },
    )
    partitioned.spread(database, 3, sku="JAM", reference="wide")
    partitioned.spread(database, 2, sku="JAM")
    partitioned.allot(database, 2, sku="JAM")
    for name, sku in (("sent", "MUG"), ("planned", "PEN"), ("gone", "CUP"), ("waiting", "ANVIL")):
        given.order(database, name, {sku: 1})
        given.place(database, name)
    for (body,) in given.rows(
        database,
        "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
    ):
        given.apply(database, charge, ParcelPlanned.decode(body.encode()))
    transfers.request(database, {"TEA": 2}, inbound_id="asked")
    transfers.request(database, {"TEA": 3}, inbound_id="moved")
    transfers.ship(database, {"TEA": 3}, inbound_id="moved")
    transfers.receive(database, {"TEA": 2}, inbound_id="moved")
    (code,) = doubles.labelled(database, "sent")
    news = updates.body(code, [("in_transit", database.now())])
    given.apply(database, track_parcel, updates.received(database, news))
    (gone,) = doubles.parcels_of(database, "gone")
    given.apply(database, cancel_order, OrderCancelled(order_id="gone", reason="no"))
    given.apply(database, take_charges_back, ParcelCancelled(parcel_id=gone, order_id="gone"))
    _reroute(database)


def _reroute(database: Database) -> None:
    """`rerouted` was planned by correios, which gave no answer, and goes by jadlog."""

    def down(_request: LabelRequest) -> None:
        raise CarrierUnavailable("no answer")

    def offer(tx: Transaction) -> None:
        begin = tx.now - timedelta(days=1)
        given.rates(tx, carrier="jadlog", valid_from=begin, zones=zones_of(given.DEAR))

    given.order(database, "rerouted", {"TIN": 1})
    given.place(database, "rerouted")
    database.run(offer, given.cause())
    (parcel_id,) = doubles.parcels_of(database, "rerouted")
    for _ in range(CALLS):
        with suppress(CarrierUnavailable):
            doubles.buy(database, parcel_id, doubles.RecordingCarrier(before=down))


def rules_broken_by(database: Database, *lies: str) -> set[str]:
    """The rules that speak when `lies` are written past every constraint; nothing of it stays."""
    found: set[str] = set()

    def corrupt(tx: Transaction) -> None:
        for lie in ("SET LOCAL session_replication_role = replica", *lies):
            tx.connection.execute(text(lie))
        found.update(violation.rule for violation in audit(tx))
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(corrupt, given.cause())
    return found


LIES: Sequence[tuple[str, Sequence[str]]] = (
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
        ("UPDATE order_lines SET backordered = 0 WHERE order_id = 'waiting'",),
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
               VALUES ('PEN', 'BER', 'shipment', -1, 'par_none', 'thief', now(), now())""",
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
        "a cancelled parcel costs nothing",
        ("UPDATE charges SET amount_cents = -1 WHERE entry = 'reversal' AND kind = 'freight'",),
    ),
)


def test_books_that_are_right_say_nothing(database: Database) -> None:
    books(database)

    assert given.violations(database) == []
    assert rules_broken_by(database) == set()


@pytest.mark.parametrize(("rule", "lies"), LIES)
def test_a_lie_is_told_by_exactly_its_own_rule(
    database: Database, rule: str, lies: Sequence[str]
) -> None:
    books(database)

    assert rules_broken_by(database, *lies) == {rule}
    assert given.violations(database) == []


def test_every_rule_has_a_lie_that_makes_it_speak() -> None:
    assert {rule for rule, _ in LIES} == set(RULES)


def test_each_violation_pages_somebody_with_what_was_found_and_expected(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    database.statement(text("UPDATE stock_levels SET on_hand = 7"))

    violations = database.run(audit_books, given.cause())

    assert violations == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "severity": "CRITICAL",
        "message": "invariant.broken",
        "rule": "on-hand equals the sum of movements",
        "subject": "MUG in BER",
        "found": "7",
        "expected": "5",
    }
