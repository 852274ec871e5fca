"""Reconciliation dates back what the books date ahead of now, and books what that has hidden."""

from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import AdjustmentKind, StockReceived
from shared.flows import count_stock as counting
from shared.flows import receive_stock as receiving
from shared.flows.adjust_stock import adjust_stock
from shared.flows.cancel_order import cancel_order
from shared.flows.receive_stock import receive_stock
from shared.platform.db import Database
from shared.stock.types import FEWER_COUNTED
from tests.flows import drifting, reports
from tests.flows.drifting import DRIFTS, corrupt, told
from tests.flows.partitioned import ordered, reconcile
from tests.support import given
from tests.support.clock import TestClock

MUGS = "SELECT on_hand, counted_at FROM stock_levels WHERE sku = 'MUG'"
PLACE = ("MUG", "BER")
A_DAY_S = 24 * 60 * 60


@pytest.fixture
def counted_ahead(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> TestClock:
    """Ten mugs are counted by a clock that is a day ahead, as it was taken once; ten minutes pass.

    Returns the clock.
    """
    given.catalogue(database, {"BER": {"MUG": 8, "PEN": 5}})
    clock.advance(minutes=1)
    with monkeypatch.context() as patched:
        patched.setattr(counting, "happened", lambda _tx, event, _field: event)
        at = clock.now + timedelta(days=1)
        event = reports.counted("cnt_ahead", "BER", {"MUG": 10}, at)
        given.apply(database, counting.count_stock, event)
    clock.advance(minutes=10)
    given.silence(database)
    return clock


def adjusted(database: Database, clock: TestClock, kind: AdjustmentKind, name: str) -> None:
    event = reports.adjusted(name, PLACE, kind, clock.now)
    given.apply(database, adjust_stock, event)


def test_a_balance_that_nobody_counted_is_counted_at_no_moment_to_come(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 8, "PEN": 5}})
    ahead = "UPDATE stock_levels SET counted_at = '{}' WHERE sku = 'MUG'"
    corrupt(database, ahead.format(clock.now + timedelta(days=1)))

    report = reconcile(database)

    assert (report.balances, report.repaired, report.fenced) == (2, 1, 0)
    assert given.rows(database, MUGS) == [(8, None)]
    assert given.rows(database, DRIFTS) == [("MUG", 0, "moment", A_DAY_S, 0, "repaired")]
    assert given.violations(database) == []


def test_a_count_is_of_when_it_was_recorded_and_a_new_one_is_asked_for(
    database: Database, counted_ahead: TestClock
) -> None:
    recorded_at = counted_ahead.now - timedelta(minutes=10)

    reconcile(database)

    assert given.rows(database, MUGS) == [(10, recorded_at)]
    ((_, _, figure, found, explained, outcome),) = given.rows(database, DRIFTS)
    assert (figure, found, explained) == ("moment", A_DAY_S - 600, 0)
    assert outcome == "repaired"
    ((why,),) = given.rows(database, "SELECT explained_by FROM stock_drifts")
    assert f"counted last {recorded_at:%Y-%m-%dT%H:%M:%SZ}, 1 movements dated back, 0 of" in why
    (wanted,) = told(database, "dispatch.stock.count_wanted.v1")
    assert (wanted["skus"], wanted["fenced"]) == (["MUG"], [])
    assert given.violations(database) == []


def test_what_has_moved_since_is_booked_after_all(
    database: Database, counted_ahead: TestClock
) -> None:
    # Goal: the count was thought to have seen all that came until tomorrow.
    for number in range(3):
        adjusted(database, counted_ahead, AdjustmentKind.UP, f"adj_{number}")
    adjusted(database, counted_ahead, AdjustmentKind.DOWN, "adj_less")
    recorded_at = counted_ahead.now - timedelta(minutes=10)
    assert given.rows(database, "SELECT on_hand FROM stock_levels WHERE sku = 'MUG'") == [(10,)]

    reconcile(database)

    assert given.rows(database, MUGS) == [(12, recorded_at)]
    assert given.violations(database) == []


def test_what_the_count_had_seen_stays_seen(database: Database, counted_ahead: TestClock) -> None:
    before = counted_ahead.now - timedelta(minutes=10, seconds=30)
    event = reports.received("rcp_late", PLACE, 2, before)
    given.apply(database, receive_stock, event)

    reconcile(database)

    assert given.rows(database, MUGS) == [(10, counted_ahead.now - timedelta(minutes=10))]
    assert given.violations(database) == []


def test_the_next_count_is_heard(database: Database, counted_ahead: TestClock) -> None:
    adjusted(database, counted_ahead, AdjustmentKind.UP, "adj_1")
    drifting.count(database, 7, counted_ahead)
    assert given.rows(database, "SELECT on_hand FROM stock_levels WHERE sku = 'MUG'") == [(10,)]
    reconcile(database)
    counted_ahead.advance(minutes=1)

    drifting.count(database, 7, counted_ahead, count_id="cnt_2")
    adjusted(database, counted_ahead, AdjustmentKind.UP, "adj_seen")
    counted_ahead.advance(minutes=1)
    adjusted(database, counted_ahead, AdjustmentKind.UP, "adj_2")

    assert given.rows(database, "SELECT on_hand FROM stock_levels WHERE sku = 'MUG'") == [(8,)]
    assert given.violations(database) == []


def test_a_count_that_was_taken_meanwhile_and_comes_late_is_right(
    database: Database, counted_ahead: TestClock
) -> None:
    # Goal: what was booked after it is added to it, and nothing that was dated back is added twice.
    adjusted(database, counted_ahead, AdjustmentKind.UP, "adj_1")
    taken_at = counted_ahead.now - timedelta(minutes=5)
    counted_ahead.advance(minutes=1)
    reconcile(database)

    event = reports.counted("cnt_2", "BER", {"MUG": 7}, taken_at)
    given.apply(database, counting.count_stock, event)

    assert given.rows(database, MUGS) == [(8, taken_at)]
    assert given.violations(database) == []


def test_it_is_done_once(database: Database, counted_ahead: TestClock) -> None:
    adjusted(database, counted_ahead, AdjustmentKind.UP, "adj_1")
    reconcile(database)
    mended = given.rows(database, MUGS)
    given.silence(database)

    report = reconcile(database)

    assert report.repaired == 0
    assert given.rows(database, MUGS) == mended
    assert given.told(database) == []


def test_where_less_is_left_than_is_promised_nobody_loses_it_and_nothing_more_is_promised(
    database: Database, counted_ahead: TestClock
) -> None:
    for number in range(3):
        adjusted(database, counted_ahead, AdjustmentKind.DOWN, f"adj_{number}")
    ordered(database, "ord_1", 9)

    report = reconcile(database)

    assert report.fenced == 1
    fence = "SELECT on_hand, reserved, fenced_for FROM stock_levels WHERE sku = 'MUG'"
    assert given.rows(database, fence) == [(10, 9, FEWER_COUNTED)]
    assert given.violations(database) == []
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    reconcile(database)
    assert given.rows(database, fence) == [(7, 0, None)]
    assert given.violations(database) == []


def test_a_receipt_that_is_dated_ahead_is_not_added_to_what_is_counted_later(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1, "PEN": 5}})
    with monkeypatch.context() as patched:
        patched.setattr(receiving, "happened", lambda _tx, event, _field: event)
        event: StockReceived = reports.received("rcp_1", PLACE, 3, clock.now + timedelta(days=1))
        given.apply(database, receive_stock, event)
    assert [found.rule for found in given.violations(database)] == [
        "nothing moves at a moment to come"
    ]

    reconcile(database)
    clock.advance(minutes=1)
    drifting.count(database, 4, clock)

    assert given.rows(database, MUGS) == [(4, clock.now)]
    assert given.violations(database) == []
