"""Changes that wait for an order: kept as rows, and parked when it never comes."""

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.early_changes import park_early_changes
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock

CANCELLED = OrderCancelled(order_id="ord_1", reason="changed my mind")


def test_a_cancellation_whose_order_never_comes_is_parked_after_a_day(
    database: Database, clock: TestClock
) -> None:
    given.apply(database, cancel_order, CANCELLED)
    clock.advance(hours=23)
    assert database.run(park_early_changes, given.cause()) == 0
    clock.advance(hours=1)

    assert database.run(park_early_changes, given.cause()) == 1

    assert given.rows(database, "SELECT source, code, payload FROM dead_letters") == [
        ("early_changes", "order_never_came", CANCELLED.encode())
    ]
    assert given.rows(database, "SELECT count(*) FROM early_changes") == [(0,)]


def test_a_cancellation_is_the_last_word_whatever_came_before_or_after(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    line = OrderedLine(line_no=1, sku="MUG", quantity=3, unit_price_cents=100)
    amended = OrderAmended(order_id="ord_1", revision=7, lines=(line,))
    given.apply(database, change_order, amended)
    given.apply(database, cancel_order, CANCELLED)
    given.apply(database, change_order, amended.model_copy(update={"revision": 8}))

    given.order(database, "ord_1", {"MUG": 1})

    assert given.rows(database, "SELECT state FROM orders") == [("cancelled",)]
    assert given.violations(database) == []
