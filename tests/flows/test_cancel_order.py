"""Cancelling an order: everything is given back, until a label is being bought."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.work import BuyLabel
from shared.flows.cancel_order import cancel_order
from shared.orders.types import TooLateToChange
from shared.platform.db import Database
from shared.shipments import store as shipments
from tests.flows import doubles
from tests.support import given

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
        "parcel.cancelled",
        "parcel.cancelled",
        "stock.increased",
        "stock.increased",
        "order.closed",
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


@pytest.mark.parametrize("bought", [False, True], ids=["being bought", "bought"])
def test_once_a_label_is_being_bought_it_is_too_late(database: Database, *, bought: bool) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    if bought:
        doubles.labelled(database, "ord_1")
    else:
        work = BuyLabel(parcel_id=parcel_id, carrier="correios")
        given.apply(database, lambda tx, w: tx.write(shipments.request_label(w.parcel_id)), work)

    with pytest.raises(TooLateToChange) as caught:
        given.apply(database, cancel_order, CANCELLED)

    assert caught.value.facts["parcel_id"] == parcel_id
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(2,)]


def test_one_label_being_bought_keeps_all_parcels_of_the_order(database: Database) -> None:
    # Goal: everything or nothing; half an order cancelled would be neither.
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    first, _ = doubles.parcels_of(database, "ord_1")
    doubles.buy(database, first, doubles.RecordingCarrier())

    with pytest.raises(TooLateToChange):
        given.apply(database, cancel_order, CANCELLED)

    assert given.rows(database, "SELECT state FROM parcels ORDER BY 1") == [
        ("labelled",),
        ("planned",),
    ]
    assert given.violations(database) == []
