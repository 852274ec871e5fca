"""The auditor: books that are right say nothing, and every lie is told by exactly its own rule."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.carriers.types import CarrierUnavailable, LabelRequest
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.bands import zones_of
from shared.costing.book import Bookshelf
from shared.flows.audit_books import audit_books
from shared.flows.buy_label import CALLS
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.track_parcel import track_parcel
from shared.ops.auditor import RULES, audit
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.flows import doubles, partitioned, transfers, updates
from tests.flows.lies import LIES
from tests.flows.test_hold_stock import hold
from tests.support import given


class RolledBack(Exception):
    """Ends a transaction without a trace."""


def charge(tx: Transaction, event: ParcelPlanned) -> None:
    charge_parcel(tx, event, Bookshelf())


def books(database: Database) -> None:
    """`sent` is on its way, `planned` is planned, `gone` was placed, `waiting` waits.

    `back` was cancelled when it had its label. `rerouted` goes by another carrier. The transfer
    `asked` has not left, and `moved` has arrived, one unit short. Of the jam two rows are
    everybody's, one is shut, and one is a sale's. `edited` has a hat, and a cart has another.
    """
    given.catalogue(
        database,
        {
            "BER": {"MUG": 5, "PEN": 5, "CUP": 5, "ANVIL": 0, "TEA": 5, "JAM": 7, "TIN": 1},
            "LIS": {"HAT": 2},
        },
    )
    partitioned.spread(database, 3, sku="JAM", reference="wide")
    partitioned.spread(database, 2, sku="JAM")
    partitioned.allot(database, 2, sku="JAM")
    for name, sku in (("sent", "MUG"), ("planned", "PEN"), ("gone", "CUP"), ("back", "CUP"),
                      ("waiting", "ANVIL")):  # fmt: skip
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
    doubles.labelled(database, "back")
    given.apply(database, cancel_order, OrderCancelled(order_id="back", reason="no"))
    (back,) = doubles.parcels_of(database, "back")
    given.apply(database, take_charges_back, ParcelCancelled(parcel_id=back, order_id="back"))
    _reroute(database)
    given.order(database, "edited", {"HAT": 1})
    given.place(database, "edited")
    line = OrderedLine(line_no=1, sku="HAT", quantity=2, unit_price_cents=100)
    edit = OrderAmended(order_id="edited", revision=2, lines=(line,))
    given.apply(database, change_order, edit)
    hold(database, "cart", {"HAT": 1})


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
            tx.rows(text(lie))
        found.update(violation.rule for violation in audit(tx))
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(corrupt, given.cause())
    return found


def test_books_that_are_right_say_nothing(database: Database) -> None:
    books(database)

    assert given.violations(database) == []
    assert rules_broken_by(database) == set()


def test_a_lie_is_told_by_exactly_its_own_rule(database: Database) -> None:
    books(database)

    told = [(rule, rules_broken_by(database, *lies)) for rule, lies in LIES]

    assert told == [(rule, {rule}) for rule, _ in LIES]
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
