"""Accepting an order: once, whole, and under the priority that its promise asks for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, ServiceLevel
from shared.costing import order_charges
from shared.flows.accept_order import accept_order
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.orders.types import OrderConflict
from shared.platform.db import Database, LostRace
from shared.stock.types import UnknownSku
from tests.support import given
from tests.support.clock import TestClock


def test_an_order_is_stored_whole_and_announced_with_its_priority(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    given.apply(database, accept_order, given.submitted("ord_1", {"MUG": 2}))

    assert given.rows(database, "SELECT order_id, state, priority, revision FROM orders") == [
        ("ord_1", "waiting", "standard", 1)
    ]
    assert given.rows(database, "SELECT line_no, sku, quantity, allocated FROM order_lines") == [
        (1, "MUG", 2, 0)
    ]
    assert given.rows(
        database, "SELECT destination, ordering_key, body::json->>'priority' FROM outbox"
    ) == [("order-events", "ord_1", "standard")]


def test_the_same_body_under_two_event_ids_is_one_order(database: Database) -> None:
    # Goal: a channel that publishes again, under a new event id, must not make a second order.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 2})

    given.apply(database, accept_order, event)
    given.apply(database, accept_order, event)

    assert given.rows(database, "SELECT count(*) FROM orders") == [(1,)]
    assert given.told(database) == ["order.accepted"]


def test_another_body_under_a_known_id_is_a_conflict_that_tells_both_fingerprints(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    ((known,),) = given.rows(database, "SELECT fingerprint FROM orders")

    with pytest.raises(OrderConflict) as caught:
        given.apply(database, accept_order, given.submitted("ord_1", {"MUG": 3}))

    assert caught.value.facts["field"] == "order_id"
    assert caught.value.facts["known_fingerprint"] == known
    assert caught.value.facts["fingerprint"] not in {known, None}
    assert given.rows(database, "SELECT quantity FROM order_lines") == [(2,)]


def test_an_unknown_sku_is_named_by_its_line_and_nothing_is_stored(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", [("MUG", 1), ("GHOST", 1), ("SHADE", 1)])

    with pytest.raises(UnknownSku) as caught:
        given.apply(database, accept_order, event)

    assert caught.value.facts["field"] == "lines.1.sku"
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]
    assert given.told(database) == []


@pytest.mark.parametrize(
    ("service_level", "hours_ahead", "priority"),
    [
        (ServiceLevel.EXPRESS, 200, "express"),
        (ServiceLevel.STANDARD, 200, "standard"),
        (ServiceLevel.ECONOMY, 200, "bulk"),
        (ServiceLevel.ECONOMY, 24, "express"),
        (ServiceLevel.ECONOMY, -1, "express"),
    ],
)
def test_service_level_and_a_near_promise_choose_the_priority(
    database: Database,
    clock: TestClock,
    service_level: ServiceLevel,
    hours_ahead: int,
    priority: str,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 1}, service_level=service_level)
    event = event.model_copy(update={"promised_at": clock.now + timedelta(hours=hours_ahead)})

    given.apply(database, accept_order, event)

    assert given.rows(database, "SELECT priority FROM orders") == [(priority,)]


def test_one_body_submitted_by_several_threads_at_once_is_one_order(database: Database) -> None:
    # Goal: whoever comes second finds the order, without a fault and without a second one.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 2})
    start = Barrier(4)

    def submit(_channel: int) -> None:
        start.wait(timeout=10)
        given.apply(database, accept_order, event)

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(submit, range(4)))

    assert given.rows(database, "SELECT count(*) FROM orders") == [(1,)]
    assert given.told(database) == ["order.accepted"]


def test_shipping_is_charged_to_the_customer_once_an_order(database: Database) -> None:
    # Goal: however often it is submitted, changed or cancelled, the customer pays shipping once.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 2}, shipping_cents=590)
    for _ in range(2):
        given.accept(database, event)
    given.place(database, "ord_1")
    lines = event.lines[0].model_copy(update={"quantity": 1})
    given.apply(database, change_order, OrderAmended(order_id="ord_1", revision=2, lines=(lines,)))
    given.place(database, "ord_1")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert given.rows(database, "SELECT order_id, amount_cents, currency FROM order_charges") == [
        ("ord_1", 590, "EUR")
    ]
    with pytest.raises(LostRace):  # a second one breaks the table's key, whoever writes it
        database.run(
            lambda tx: tx.write(order_charges.shipping(tx, "ord_1", 590, "EUR")), given.cause()
        )


def test_shipping_that_costs_nothing_is_not_the_same_as_none_that_is_named(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "free", {"MUG": 1}, shipping_cents=0)
    given.order(database, "unsaid", {"MUG": 1})

    assert given.rows(database, "SELECT order_id, amount_cents FROM order_charges") == [("free", 0)]
