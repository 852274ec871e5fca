"""What a cart held is of the order that was accepted first, whoever is placed first."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.holds.types import HoldEnded, HoldState
from shared.orders import backorder_caps
from shared.platform.db import Database
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold, release, renew
from tests.support import given
from tests.support.clock import TestClock

STATES = "SELECT order_id, state FROM orders ORDER BY 1"
STOCK = "SELECT reserved, held FROM stock_levels WHERE sku = 'MUG'"
OWNERS = "SELECT hold_id, state, for_order FROM stock_holds ORDER BY 1"
CLAIMS = """
    SELECT body::json->>'order_id', body::json->>'has_hold' FROM outbox
     WHERE attributes->>'ce-type' LIKE '%order.accepted%' ORDER BY outbox_id
"""


@pytest.fixture
def carted(database: Database) -> Database:
    """Three mugs, of which a cart holds two, and no pens."""
    given.catalogue(database, {"BER": {"MUG": 3, "PEN": 0}})
    hold(database, "cart_1", {"MUG": 2}, channel="web")
    return database


def named(database: Database, order_id: str, units: int = 2) -> None:
    given.order(database, order_id, {"MUG": units}, hold_id="cart_1")


def test_it_is_of_the_first_accepted_though_the_second_is_placed_first(carted: Database) -> None:
    named(carted, "ord_1")
    named(carted, "ord_2")

    given.place(carted, "ord_2")
    given.place(carted, "ord_1")

    assert given.rows(carted, STATES) == [("ord_1", "placed"), ("ord_2", "backordered")]
    assert given.violations(carted) == []


def test_each_order_is_told_whether_it_has_it(carted: Database) -> None:
    named(carted, "ord_1")
    named(carted, "ord_2")
    given.order(carted, "ord_3", {"MUG": 1})

    assert given.rows(carted, CLAIMS) == [("ord_1", "true"), ("ord_2", "false"), ("ord_3", None)]


def test_who_comes_second_is_placed_from_what_is_free(carted: Database) -> None:
    named(carted, "ord_1")
    named(carted, "ord_2", 1)

    given.place(carted, "ord_2")
    given.place(carted, "ord_1")

    assert given.rows(carted, STATES) == [("ord_1", "placed"), ("ord_2", "placed")]
    assert given.violations(carted) == []


def test_an_order_that_comes_twice_has_it_once(carted: Database) -> None:
    for _ in range(2):
        named(carted, "ord_1")
    given.place(carted, "ord_1")
    named(carted, "ord_1")

    assert given.rows(carted, CLAIMS) == [("ord_1", "true")]
    assert given.rows(carted, OWNERS) == [("cart_1", "consumed", "ord_1")]
    assert given.rows(carted, STOCK) == [(2, 0)]
    assert given.violations(carted) == []


def test_of_many_that_are_accepted_at_once_one_has_it(carted: Database) -> None:
    names = [f"ord_{number}" for number in range(6)]

    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(lambda name: named(carted, name), names))

    claims = sorted(said for _, said in given.rows(carted, CLAIMS))
    assert claims == ["false"] * 5 + ["true"]
    assert given.violations(carted) == []


def test_who_cancels_gives_it_back_and_nobody_who_names_it_later_has_it(carted: Database) -> None:
    named(carted, "ord_1")
    named(carted, "ord_2")

    given.apply(carted, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    named(carted, "ord_3")

    assert given.rows(carted, OWNERS) == [("cart_1", "released", "ord_1")]
    assert given.rows(carted, STOCK) == [(0, 0)]
    assert given.rows(carted, CLAIMS)[-1] == ("ord_3", "false")
    assert given.violations(carted) == []


def test_to_cancel_the_second_takes_nothing_from_the_first(carted: Database) -> None:
    named(carted, "ord_1")
    named(carted, "ord_2")

    given.apply(carted, cancel_order, OrderCancelled(order_id="ord_2", reason="no"))

    assert given.rows(carted, STOCK) == [(0, 2)]
    assert given.violations(carted) == []


def test_it_lasts_for_as_long_as_an_order_may_wait_to_be_placed(
    carted: Database, clock: TestClock
) -> None:
    # Goal: a cart that was in time does not run out while its order stands in a queue.
    named(carted, "ord_1")
    clock.advance(minutes=110)
    expire(carted)
    given.order(carted, "ord_2", {"MUG": 3})
    given.place(carted, "ord_2")

    given.place(carted, "ord_1")

    assert given.rows(carted, STATES) == [("ord_1", "placed"), ("ord_2", "backordered")]
    assert given.violations(carted) == []


def test_it_ends_for_an_order_that_waits_for_something_else(
    carted: Database, clock: TestClock
) -> None:
    given.order(carted, "ord_1", {"MUG": 2, "PEN": 1}, hold_id="cart_1", ship_together=True)
    given.place(carted, "ord_1")
    assert given.rows(carted, STOCK) == [(0, 2)]

    clock.advance(minutes=123)
    expire(carted)

    assert given.rows(carted, STOCK) == [(0, 0)]
    assert given.rows(carted, OWNERS) == [("cart_1", "expired", "ord_1")]
    assert given.violations(carted) == []


def test_its_customer_cannot_end_or_renew_it_any_more(carted: Database) -> None:
    named(carted, "ord_1")

    for verb in (release, renew):
        with pytest.raises(HoldEnded, match="the order has the units"):
            verb(carted, "cart_1")

    assert hold(carted, "cart_1", {"MUG": 2}, channel="web")[0].state is HoldState.OPEN
    assert given.rows(carted, STOCK) == [(0, 2)]


def test_an_order_that_is_sold_out_leaves_what_its_cart_held(
    carted: Database, clock: TestClock
) -> None:
    carted.run(lambda tx: backorder_caps.put(tx, {"MUG": 0}), given.cause())
    named(carted, "ord_1", 4)

    given.place(carted, "ord_1")
    clock.advance(minutes=1)
    expire(carted)

    assert given.rows(carted, STATES) == [("ord_1", "cancelled")]
    assert given.rows(carted, STOCK) == [(0, 0)]
    assert given.violations(carted) == []
