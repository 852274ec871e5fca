"""Known holes of other systems that no test of a single flow looks at."""

from shared.contracts.http_stock import HeldLine, HoldRequest
from shared.contracts.stock_facts import StockIncreased
from shared.flows.hold_stock import hold_stock
from shared.flows.request_placement import wake_for_stock
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

LEVELS = "SELECT warehouse, on_hand, reserved, held FROM stock_levels ORDER BY warehouse"


def _leaves(database: Database, order_id: str, clock: TestClock) -> None:
    """The carrier has the order's parcels."""
    for code in doubles.labelled(database, order_id):
        news = updates.received(database, updates.body(code, [("in_transit", clock.now)]))
        given.apply(database, track_parcel, news)


def test_a_parcel_leaves_from_where_it_was_reserved_whatever_has_come_elsewhere(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"LIS": {"MUG": 2}, "BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.receive(database, "BER", {"MUG": 50})  # nearer and plenty

    _leaves(database, "ord_1", clock)

    assert given.rows(database, LEVELS) == [("BER", 50, 0, 0), ("LIS", 0, 0, 0)]
    assert given.violations(database) == []


def test_an_order_takes_what_its_cart_held_from_where_that_is_held(
    database: Database, clock: TestClock
) -> None:
    # Goal: the units of a hold are never taken as if they lay in another warehouse.
    given.catalogue(database, {"LIS": {"MUG": 2}, "BER": {"MUG": 0}})
    cart = HoldRequest(hold_id="cart_1", lines=(HeldLine(sku="MUG", quantity=2),))
    database.run(lambda tx: hold_stock(tx, cart, 900), given.cause())
    given.receive(database, "BER", {"MUG": 1})  # nearer, and not enough
    given.order(database, "ord_1", {"MUG": 2}, hold_id="cart_1")

    given.place(database, "ord_1")

    assert given.rows(database, LEVELS) == [("BER", 1, 0, 0), ("LIS", 2, 2, 0)]
    _leaves(database, "ord_1", clock)
    assert given.rows(database, LEVELS) == [("BER", 1, 0, 0), ("LIS", 0, 0, 0)]
    assert given.violations(database) == []


def test_what_is_reserved_for_an_order_is_shipped_when_nothing_else_can_be_promised(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    given.keep_back(database, "BER", {"MUG": 9})

    _leaves(database, "ord_1", clock)

    assert given.rows(database, "SELECT state FROM orders") == [("shipped",)]
    assert given.rows(database, LEVELS) == [("BER", 0, 0, 0)]


def test_stale_news_costs_a_detour_and_never_a_wrong_decision(database: Database) -> None:
    # Goal: what woke the order is a hint; what decides is read under the lock.
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "waits", {"MUG": 2})
    given.place(database, "waits")
    given.appear(database, "BER", {"MUG": 2})
    old_news = StockIncreased(warehouse="BER", available={"MUG": 2})
    given.apply(database, wake_for_stock, old_news)
    given.order(database, "faster", {"MUG": 1})
    given.place(database, "faster")

    given.place(database, "waits")

    assert given.rows(database, "SELECT order_id, state FROM orders ORDER BY 1") == [
        ("faster", "placed"),
        ("waits", "backordered"),
    ]
    assert given.rows(database, LEVELS) == [("BER", 2, 1, 0)]
    assert given.violations(database) == []
