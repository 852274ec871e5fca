"""Sending what is there while the rest waits: when it is done, and how the rest follows."""

import json

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.override_placement import CannotBePlaced, Override, override_placement
from shared.flows.request_placement import wake_backorders
from shared.flows.rules import Rules
from shared.flows.track_parcel import track_parcel
from shared.orders import backorder_caps
from shared.orders.types import TooLateToChange
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.sql import text
from shared.stock.skus import Unit, put_skus
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

STATE = "SELECT state FROM orders WHERE order_id = 'ord_1'"
LINES = "SELECT sku, allocated, backordered, cancelled FROM order_lines ORDER BY line_no"


def partly_placed(database: Database, **fields: object) -> None:
    """Six mugs at 10.00 and a pen; the mugs are there, the pen is not."""
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 6, "PEN": 1}, **fields)  # type: ignore[arg-type]
    given.silence(database)
    given.place(database, "ord_1")


def delivered(database: Database, carrier: doubles.RecordingCarrier | None = None) -> None:
    """Every parcel of the order arrives."""
    for code in doubles.labelled(database, "ord_1", carrier):
        news = updates.body(code, [("delivered", database.now())])
        given.apply(database, track_parcel, updates.received(database, news))


def cancel(database: Database, *, rest_only: bool) -> None:
    event = OrderCancelled(order_id="ord_1", reason="no more", rest_only=rest_only)
    given.apply(database, cancel_order, event)


def test_what_is_worth_the_threshold_is_sent_and_the_rest_waits(database: Database) -> None:
    partly_placed(database)

    assert given.rows(database, STATE) == [("partly_placed",)]
    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 0, 1, 0)]
    assert given.rows(database, "SELECT sku, quantity FROM parcel_items") == [("MUG", 6)]
    assert given.told(database) == [
        "order.partly_placed",
        "parcel.planned",
        "work.buy_label",
    ]
    ((body,),) = given.rows(
        database, "SELECT body FROM outbox WHERE attributes->>'ce-type' ~ 'partly_placed'"
    )
    assert json.loads(body)["waiting"] == {"PEN": 1}
    assert given.rows(database, "SELECT outcome FROM placement_decisions") == [("partly_placed",)]
    assert given.violations(database) == []


def test_what_is_worth_less_waits_for_the_rest(database: Database) -> None:
    # Goal: 49.99 is not sent by itself, 50.00 is.
    given.catalogue(database, {"BER": {"MUG": 4, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 4, "PEN": 1})

    given.place(database, "ord_1")

    assert given.rows(database, STATE) == [("backordered",)]
    assert given.rows(database, LINES) == [("MUG", 0, 4, 0), ("PEN", 0, 1, 0)]


@pytest.mark.parametrize(
    ("ship_together", "state"), [(True, "backordered"), (False, "partly_placed")]
)
def test_the_customers_wish_goes_before_the_threshold(
    database: Database, ship_together: bool, state: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9, "CUP": 1, "PEN": 0}})
    sent = {"MUG": 9} if ship_together else {"CUP": 1}
    given.order(database, "ord_1", {**sent, "PEN": 1}, ship_together=ship_together)

    given.place(database, "ord_1")

    assert given.rows(database, STATE) == [(state,)]
    assert given.violations(database) == []


def test_a_rest_that_comes_in_time_is_waited_for(database: Database) -> None:
    # Goal: a second parcel is not paid for what will be there before the promise anyway.
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 6, "PEN": 1})
    database.statement(text("UPDATE orders SET expected_at = promised_at - interval '1 day'"))

    given.place(database, "ord_1")

    assert given.rows(database, STATE) == [("backordered",)]


def test_the_rest_follows_when_it_is_there(database: Database) -> None:
    partly_placed(database)
    given.silence(database)
    given.receive(database, "BER", {"PEN": 1})
    assert given.told(database)[0] == "work.place_order", "who waits is asked for"

    given.place(database, "ord_1")

    assert given.rows(database, STATE) == [("placed",)]
    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 1, 0, 0)]
    assert given.rows(database, "SELECT count(*) FROM parcels") == [(2,)]
    assert given.violations(database) == []


def test_parcels_on_their_way_leave_the_order_where_it_is(database: Database) -> None:
    # Goal: an order of which a part waits is not told to be delivered.
    carrier = doubles.RecordingCarrier()
    partly_placed(database)
    delivered(database, carrier)
    assert given.rows(database, STATE) == [("partly_placed",)]
    assert given.violations(database) == []

    given.receive(database, "BER", {"PEN": 1})
    given.place(database, "ord_1")
    assert given.rows(database, STATE) == [("shipped",)]

    delivered(database, carrier)
    assert given.rows(database, STATE) == [("delivered",)]
    assert given.violations(database) == []


def test_placing_it_again_while_nothing_has_come_changes_nothing(database: Database) -> None:
    partly_placed(database)
    given.silence(database)

    given.place(database, "ord_1")

    assert given.told(database) == []
    assert given.rows(database, "SELECT count(*) FROM placement_decisions") == [(1,)]


def test_the_rest_is_cancelled_alone(database: Database) -> None:
    partly_placed(database)
    given.silence(database)

    cancel(database, rest_only=True)
    cancel(database, rest_only=True)

    assert given.rows(database, STATE) == [("placed",)]
    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 0, 0, 1)]
    assert given.told(database) == ["order.rest_cancelled"]
    assert given.violations(database) == []
    delivered(database)
    assert given.rows(database, STATE) == [("delivered",)]
    assert given.violations(database) == []


def test_a_rest_that_is_cancelled_after_the_others_arrived_closes_the_order(
    database: Database,
) -> None:
    partly_placed(database)
    delivered(database)
    given.silence(database)

    cancel(database, rest_only=True)

    assert given.rows(database, STATE) == [("delivered",)]
    assert given.told(database) == ["order.rest_cancelled", "order.closed"]
    assert given.violations(database) == []


def test_before_the_pick_the_whole_order_is_cancelled(database: Database) -> None:
    partly_placed(database)

    cancel(database, rest_only=False)

    assert given.rows(database, STATE) == [("cancelled",)]
    assert given.rows(database, LINES) == [("MUG", 0, 0, 6), ("PEN", 0, 0, 1)]
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


def test_after_the_pick_the_rest_is_cancelled_and_the_others_come_back(database: Database) -> None:
    partly_placed(database)
    (parcel,) = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, parcel)
    given.silence(database)

    cancel(database, rest_only=False)

    assert given.told(database) == ["order.rest_cancelled", "order.return_expected"]
    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 0, 0, 1)]
    assert given.violations(database) == []


def test_it_is_changed_until_a_parcel_is_picked(database: Database) -> None:
    partly_placed(database)
    line = OrderedLine(line_no=1, sku="MUG", quantity=2, unit_price_cents=1_000)
    given.apply(database, change_order, OrderAmended(order_id="ord_1", revision=2, lines=(line,)))
    given.place(database, "ord_1")
    assert given.rows(database, LINES) == [("MUG", 2, 0, 0)]
    assert given.rows(database, STATE) == [("placed",)]
    assert given.violations(database) == []

    doubles.picked(database, doubles.parcels_of(database, "ord_1")[-1])
    less = line.model_copy(update={"quantity": 1})
    with pytest.raises(TooLateToChange):
        given.apply(
            database, change_order, OrderAmended(order_id="ord_1", revision=3, lines=(less,))
        )


def test_the_rest_takes_its_room_under_the_cap_and_leaves_it(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    database.run(lambda tx: backorder_caps.put(tx, {"PEN": 2, "MUG": 0}), given.cause())
    given.order(database, "ord_1", {"MUG": 6, "PEN": 2})
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT sku, taken FROM backorder_caps ORDER BY 1") == [
        ("MUG", 0),
        ("PEN", 2),
    ]

    cancel(database, rest_only=True)

    assert given.rows(database, "SELECT sum(taken) FROM backorder_caps") == [(0,)]
    assert given.violations(database) == []


def test_a_rest_that_may_not_wait_is_no_reason_to_send_the_others(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    database.run(lambda tx: backorder_caps.put(tx, {"PEN": 0}), given.cause())
    given.order(database, "ord_1", {"MUG": 6, "PEN": 2})

    given.place(database, "ord_1")

    assert given.rows(database, STATE) == [("cancelled",)]
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


def test_units_are_sent_in_part_too(database: Database) -> None:
    # Goal: wanting 10 with 6 there sends 6 and lets 4 wait.
    given.catalogue(database, {"BER": {"MUG": 6}})
    given.order(database, "ord_1", {"MUG": 10})

    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 6, 4, 0)]
    assert given.violations(database) == []


def by_hand(database: Database, *warehouses: str) -> None:
    wanted = Override("ord_1", Person("ada", "the customer has called"), frozenset(warehouses))
    database.run(lambda tx: override_placement(tx, wanted, Rules()), given.cause())


def test_the_rest_is_placed_by_hand_when_the_others_have_left(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}, "LIS": {"PEN": 0}})
    given.order(database, "ord_1", {"MUG": 6, "PEN": 1})
    given.place(database, "ord_1")
    (parcel,) = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, parcel)

    with pytest.raises(CannotBePlaced, match="LIS: short of PEN by 1"):
        by_hand(database, "LIS")
    given.receive(database, "LIS", {"PEN": 5})
    by_hand(database, "LIS")

    assert given.rows(
        database, "SELECT warehouse, state, picked_at IS NULL FROM parcels ORDER BY warehouse"
    ) == [("BER", "planned", False), ("LIS", "planned", True)]
    assert given.rows(database, STATE) == [("placed",)]
    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 1, 0, 0)]
    assert given.violations(database) == []


def test_a_rest_that_no_carrier_takes_is_told_once(database: Database, clock: TestClock) -> None:
    # Goal: whoever waits for stock is asked for every few minutes, and a person is not.
    given.catalogue(database, {"BER": {"MUG": 6}})
    database.run(lambda tx: put_skus(tx, [Unit("ANVIL", 50_000, 100, 100, 100)]), given.cause())
    given.order(database, "ord_1", {"MUG": 6, "ANVIL": 1})
    given.place(database, "ord_1")
    given.receive(database, "BER", {"ANVIL": 5})
    given.place(database, "ord_1")
    assert given.told(database).count("order.needs_review") == 1
    given.silence(database)

    for _ in range(3):
        clock.advance(minutes=5)
        database.run(wake_backorders, given.cause())
        given.place(database, "ord_1")

    assert "order.needs_review" not in given.told(database)
    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("partly_placed", "no carrier takes ANVIL")
    ]
    assert given.rows(
        database, "SELECT count(*) FROM placement_decisions WHERE outcome = 'review'"
    ) == [(1,)]
    assert given.violations(database) == []
