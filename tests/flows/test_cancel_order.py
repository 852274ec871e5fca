"""Cancelling an order: everything is given back until the pick; from then on it is a return."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.carriers.types import CarrierUnavailable
from shared.contracts.http_stock import HeldLine, HoldRequest
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.hold_stock import hold_stock
from shared.flows.track_parcel import track_parcel
from shared.kit.lifecycle import IllegalTransition
from shared.platform.db import Database
from shared.shipments.types import LabelBeingBought
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

CANCELLED = OrderCancelled(order_id="ord_1", reason="changed my mind")


def test_a_waiting_order_is_closed_with_its_reason(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(
        database, "SELECT state, state_reason, closed_at IS NOT NULL FROM orders"
    ) == [("cancelled", "changed my mind", True)]
    assert given.rows(database, "SELECT cancelled FROM order_lines") == [(2,)]
    assert given.told(database) == ["order.closed"]
    assert given.violations(database) == []


def test_a_backordered_order_waits_no_longer(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT backordered, cancelled FROM order_lines") == [(0, 2)]
    assert given.violations(database) == []


def test_what_its_cart_held_goes_to_who_waits_for_it_at_once(database: Database) -> None:
    # Goal: units of an order that will not come are not off sale until the hold ends by itself.
    given.catalogue(database, {"BER": {"MUG": 1}})
    request = HoldRequest(hold_id="cart_1", lines=(HeldLine(sku="MUG", quantity=1),))
    database.run(lambda tx: hold_stock(tx, request, 900), given.cause())
    given.order(database, "ord_1", {"MUG": 1}, hold_id="cart_1")
    given.order(database, "ord_2", {"MUG": 1})
    given.place(database, "ord_2")  # and waits

    given.apply(database, cancel_order, CANCELLED)

    holds = "SELECT hold_id, purpose, state, reference FROM stock_holds ORDER BY purpose"
    (cart, kept) = given.rows(database, holds)
    assert cart == ("cart_1", "cart", "released", "cart_1")
    assert kept[1:] == ("waitlist", "open", "ord_2")
    given.place(database, "ord_2")
    assert given.rows(database, "SELECT state FROM orders WHERE order_id = 'ord_2'") == [
        ("placed",)
    ]
    assert given.violations(database) == []


def test_a_placed_order_gives_its_stock_back_and_its_parcels_are_cancelled(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3, "PEN": 1}})
    given.order(database, "ord_1", {"MUG": 5, "PEN": 1})
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(6,)]
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.rows(database, "SELECT DISTINCT state FROM parcels") == [("cancelled",)]
    assert given.told(database) == [
        "order.closed",
        "parcel.cancelled",
        "parcel.cancelled",
        "stock.increased",
        "stock.increased",
    ]
    assert given.violations(database) == []


def test_cancelling_twice_is_cancelling_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.apply(database, cancel_order, CANCELLED)
    told = given.told(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.told(database) == told
    assert given.violations(database) == []


def test_a_cancellation_that_overtook_its_order_cancels_it_as_it_comes(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.apply(database, cancel_order, CANCELLED)
    assert given.told(database) == []

    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("cancelled", CANCELLED.reason)
    ]
    assert given.told(database) == ["order.accepted", "order.closed"]
    assert given.rows(database, "SELECT count(*) FROM early_changes") == [(0,)]
    assert given.violations(database) == []


def test_an_order_and_its_cancellation_at_the_same_moment_end_cancelled(
    database: Database,
) -> None:
    # Goal: each of the two may find the other missing; one of them must still see the other.
    given.catalogue(database, {"BER": {"MUG": 5}})
    for n in range(12):
        gate = Barrier(2)
        cancelled = OrderCancelled(order_id=f"ord_{n}", reason="no")

        def cancel(event: OrderCancelled = cancelled, gate: Barrier = gate) -> None:
            gate.wait()
            given.apply(database, cancel_order, event)

        def submit(name: str = f"ord_{n}", gate: Barrier = gate) -> None:
            gate.wait()
            given.order(database, name, {"MUG": 1})

        with ThreadPoolExecutor(max_workers=2) as pool:
            for done in [pool.submit(cancel), pool.submit(submit)]:
                done.result()

    assert given.rows(database, "SELECT state, count(*) FROM orders GROUP BY 1") == [
        ("cancelled", 12)
    ]
    assert given.violations(database) == []


def test_an_order_whose_label_is_bought_gives_its_stock_back_and_the_label_is_voided(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT state FROM orders") == [("cancelled",)]
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(5, 0)]
    assert given.rows(database, "SELECT state FROM labels") == [("void_requested",)]
    assert given.told(database) == [
        "order.closed",
        "parcel.cancelled",
        "work.void_label",
        "stock.increased",
    ]
    assert given.violations(database) == []


def test_while_a_label_is_being_bought_the_cancellation_is_asked_for_again(
    database: Database,
) -> None:
    # Goal: in a moment it is known whether there is a label to void; until then nothing is decided.
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    first, _ = doubles.parcels_of(database, "ord_1")

    def cancel_meanwhile(_request: object) -> None:
        with pytest.raises(LabelBeingBought) as caught:
            given.apply(database, cancel_order, CANCELLED)
        assert caught.value.facts["parcel_id"] == first

    doubles.buy(database, first, doubles.RecordingCarrier(before=cancel_meanwhile))
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT DISTINCT state FROM parcels") == [("cancelled",)]
    assert given.rows(database, "SELECT state FROM labels") == [("void_requested",)]
    assert given.violations(database) == []


def test_a_purchase_that_ended_without_an_answer_does_not_keep_the_order(
    database: Database,
) -> None:
    # Goal: the label may be bought or not; it is voided by the id under which it was asked for.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")

    def lost(_request: object) -> None:
        raise CarrierUnavailable("no answer")

    carrier = doubles.RecordingCarrier(after=lost)
    with pytest.raises(CarrierUnavailable):
        doubles.buy(database, parcel_id, carrier)

    given.apply(database, cancel_order, CANCELLED)
    doubles.void(database, parcel_id, carrier)

    assert carrier.voided == carrier.sold.keys()
    assert given.rows(database, "SELECT state FROM labels") == [("voided",)]
    assert given.violations(database) == []


def test_once_a_parcel_is_picked_a_cancellation_is_a_return_of_what_is_picked(
    database: Database,
) -> None:
    # Goal: what is not picked gives back what it held, and no label is bought for it.
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    first, second = doubles.parcels_of(database, "ord_1")
    doubles.labelled(database, "ord_1")
    doubles.picked(database, first)
    ((has,),) = given.rows(
        database, f"SELECT sum(quantity) FROM parcel_items WHERE parcel_id = '{first}'"
    )
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)
    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT state, return_wanted_at IS NOT NULL FROM orders") == [
        ("placed", True)
    ]
    assert dict(given.rows(database, "SELECT parcel_id, state FROM parcels")) == {
        first: "labelled",
        second: "cancelled",
    }
    assert given.rows(database, "SELECT allocated, cancelled FROM order_lines") == [(has, 5 - has)]
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(has,)]
    assert given.told(database) == [
        "order.return_expected",
        "parcel.cancelled",
        "work.void_label",
        "stock.increased",
    ]
    ((body,),) = given.rows(
        database, "SELECT body::jsonb FROM outbox WHERE body::jsonb ? 'parcel_ids'"
    )
    assert (body["reason"], body["parcel_ids"]) == (CANCELLED.reason, [first])
    assert given.violations(database) == []


def test_where_the_last_other_parcel_has_arrived_the_order_is_closed(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    code, _ = doubles.labelled(database, "ord_1")
    news = [("in_transit", clock.now), ("delivered", clock.now)]
    given.apply(database, track_parcel, updates.received(database, updates.body(code, news)))
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT state, return_wanted_at IS NOT NULL FROM orders") == [
        ("delivered", True)
    ]
    assert "order.closed" in given.told(database)
    assert given.violations(database) == []


def test_what_waits_and_what_is_not_picked_are_both_given_back(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"PEN": 3}, "LIS": {"TEA": 0}})
    given.order(database, "ord_1", {"MUG": 1, "PEN": 1, "TEA": 1}, ship_together=False)
    given.place(database, "ord_1")
    parcels = dict(given.rows(database, "SELECT warehouse, parcel_id FROM parcels"))
    doubles.picked(database, parcels["BER"])

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(
        database, "SELECT sku, allocated, backordered, cancelled FROM order_lines ORDER BY sku"
    ) == [("MUG", 1, 0, 0), ("PEN", 0, 0, 1), ("TEA", 0, 0, 1)]
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_no_kit_is_torn_by_a_cancellation(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}, "MUC": {"TEA": 1}})
    given.kit(database, "SET", {"MUG": 1, "TEA": 1})
    given.order(database, "ord_1", {"SET": 1})
    given.place(database, "ord_1")
    parcels = dict(given.rows(database, "SELECT warehouse, parcel_id FROM parcels"))
    doubles.picked(database, parcels["MUC"])

    given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT state FROM parcels") == [("planned",), ("planned",)]
    ((body,),) = given.rows(database, "SELECT body::jsonb FROM outbox WHERE body::jsonb ? 'reason'")
    assert set(body["parcel_ids"]) == set(parcels.values())
    assert given.violations(database) == []


@pytest.mark.parametrize("history", [["in_transit"], ["in_transit", "delivered"]])
def test_an_order_on_its_way_is_not_picked_by_word_but_picked_all_the_same(
    database: Database, clock: TestClock, history: list[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    news = [(status, clock.now) for status in history]
    given.apply(database, track_parcel, updates.received(database, updates.body(code, news)))
    given.silence(database)

    given.apply(database, cancel_order, CANCELLED)

    assert given.told(database) == ["order.return_expected"]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


def test_an_order_that_came_back_already_cannot_be_cancelled(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    event = updates.received(database, updates.body(code, [("return_to_sender", clock.now)]))
    given.apply(database, track_parcel, event)

    with pytest.raises(IllegalTransition):
        given.apply(database, cancel_order, CANCELLED)


def test_of_a_cancellation_and_a_pick_at_once_the_first_decides(database: Database) -> None:
    # Goal: never a cancelled order with a picked parcel, whatever the interleaving.
    given.catalogue(database, {"BER": {"MUG": 50}})
    for n in range(8):
        name, gate = f"ord_{n}", Barrier(2)
        given.order(database, name, {"MUG": 1})
        given.place(database, name)
        (parcel_id,) = doubles.parcels_of(database, name)

        def cancel(name: str = name, gate: Barrier = gate) -> None:
            gate.wait(timeout=10)
            given.apply(database, cancel_order, OrderCancelled(order_id=name, reason="no"))

        def pick(parcel_id: str = parcel_id, gate: Barrier = gate) -> None:
            gate.wait(timeout=10)
            doubles.picked(database, parcel_id)

        with ThreadPoolExecutor(max_workers=2) as pool:
            for done in [pool.submit(cancel), pool.submit(pick)]:
                done.result(timeout=30)

    assert set(
        given.rows(
            database,
            "SELECT orders.state, picked_at IS NOT NULL, return_wanted_at IS NOT NULL"
            " FROM orders JOIN parcels USING (order_id)",
        )
    ) <= {("cancelled", False, False), ("placed", True, True)}
    assert given.violations(database) == []
