"""Counts: the balance becomes what was counted, as of the moment at which it was counted."""

from datetime import datetime, timedelta

import pytest

from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows.count_stock import count_stock
from shared.flows.happened import AheadOfNow
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import Malformed
from shared.platform.db import Database
from shared.stock.types import UnknownSku, UnknownWarehouse
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock


def count(
    units: list[tuple[str, int]],
    at: datetime,
    *,
    count_id: str = "cnt_1",
    warehouse: str = "BER",
) -> StockCounted:
    return StockCounted(
        warehouse=warehouse,
        count_id=count_id,
        counted_at=at,
        lines=tuple(CountedUnits(sku=sku, on_hand=on_hand) for sku, on_hand in units),
    )


def on_hand(database: Database) -> list[int]:
    return [n for (n,) in given.rows(database, "SELECT on_hand FROM stock_levels ORDER BY sku")]


def shipped(database: Database, order_id: str, units: int, at: datetime) -> None:
    """An order whose parcel has left at that time, says its carrier."""
    given.order(database, order_id, {"MUG": units})
    given.place(database, order_id)
    (code,) = doubles.labelled(database, order_id)
    news = updates.received(database, updates.body(code, [("in_transit", at)]))
    given.apply(database, track_parcel, news)


@pytest.mark.parametrize(("counted", "told"), [(8, ["stock.increased"]), (5, []), (3, [])])
def test_the_balance_becomes_what_was_counted_and_only_more_is_announced(
    database: Database, clock: TestClock, counted: int, told: list[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    clock.advance(minutes=1)

    given.apply(database, count_stock, count([("MUG", counted)], clock.now))

    assert on_hand(database) == [counted]
    assert given.told(database) == told
    assert given.violations(database) == []


def test_what_is_announced_is_what_can_be_promised(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, safety=1)
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    clock.advance(minutes=1)

    given.apply(database, count_stock, count([("MUG", 9)], clock.now))

    assert given.rows(database, "SELECT body::json->'available'->>'MUG' FROM outbox") == [("6",)]


def test_a_receipt_after_the_count_stays_added(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    counted_at = clock.now + timedelta(minutes=1)
    clock.advance(minutes=2)
    given.receive(database, "BER", {"MUG": 10})

    given.apply(database, count_stock, count([("MUG", 4)], counted_at))

    assert on_hand(database) == [14]
    assert given.violations(database) == []


def test_a_shipment_after_the_count_stays_taken(database: Database, clock: TestClock) -> None:
    # Goal: the count arrives late. What the carrier took after it was still on the shelf then.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    counted_at = clock.now + timedelta(minutes=1)
    clock.advance(minutes=2)
    event = updates.received(database, updates.body(code, [("in_transit", clock.now)]))
    given.apply(database, track_parcel, event)

    given.apply(database, count_stock, count([("MUG", 5)], counted_at))

    assert on_hand(database) == [3]
    assert given.violations(database) == []


def test_a_parcel_that_left_before_the_count_and_is_reported_after_it_is_not_taken_off_twice(
    database: Database, clock: TestClock
) -> None:
    # Goal: what was counted is what there is. Five are there, two leave, three are counted, and
    # only then does the carrier say that the two have left.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    left_at = clock.now + timedelta(minutes=1)
    clock.advance(minutes=5)
    given.apply(database, count_stock, count([("MUG", 3)], clock.now))
    clock.advance(minutes=5)

    news = updates.received(database, updates.body(code, [("in_transit", left_at)]))
    given.apply(database, track_parcel, news)

    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(3, 0)]
    assert given.violations(database) == []


def test_a_count_that_is_sent_again_with_another_time_is_still_the_same_count(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    clock.advance(hours=1)
    given.apply(database, count_stock, count([("MUG", 7)], clock.now))
    clock.advance(hours=1)

    given.apply(database, count_stock, count([("MUG", 9)], clock.now))

    assert on_hand(database) == [7]
    assert given.violations(database) == []


@pytest.mark.parametrize("minutes_later", [0, -1])
def test_a_count_that_is_not_newer_is_ignored(
    database: Database, clock: TestClock, minutes_later: int
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    clock.advance(hours=1)
    given.apply(database, count_stock, count([("MUG", 7)], clock.now))
    given.silence(database)
    older = clock.now + timedelta(minutes=minutes_later)

    given.apply(database, count_stock, count([("MUG", 99)], older, count_id="cnt_2"))

    assert on_hand(database) == [7]
    assert given.told(database) == []
    assert given.violations(database) == []


def test_a_count_is_old_or_new_for_each_sku_by_itself(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    clock.advance(hours=1)
    given.apply(database, count_stock, count([("MUG", 7)], clock.now))
    older = clock.now - timedelta(minutes=1)

    given.apply(database, count_stock, count([("MUG", 1), ("PEN", 1)], older, count_id="cnt_2"))

    assert on_hand(database) == [7, 1]


def test_what_is_shipped_after_a_count_by_a_clock_that_is_ahead_leaves_the_stock(
    database: Database, clock: TestClock
) -> None:
    # Goal: a count is of now at the latest, or it would hide what leaves until then.
    given.catalogue(database, {"BER": {"MUG": 10}})
    clock.advance(minutes=1)
    given.apply(database, count_stock, count([("MUG", 10)], clock.now + timedelta(minutes=4)))
    clock.advance(minutes=2)
    shipped(database, "ord_1", 5, clock.now)

    assert on_hand(database) == [5]
    clock.advance(minutes=1)
    given.apply(database, count_stock, count([("MUG", 3)], clock.now, count_id="cnt_2"))
    assert on_hand(database) == [3]
    assert given.violations(database) == []


def test_a_count_dated_a_year_ahead_changes_nothing(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    clock.advance(minutes=1)

    with pytest.raises(AheadOfNow):
        given.apply(database, count_stock, count([("MUG", 9)], clock.now + timedelta(days=365)))
    shipped(database, "ord_1", 5, clock.now)
    clock.advance(minutes=1)
    given.apply(database, count_stock, count([("MUG", 4)], clock.now))

    assert on_hand(database) == [4]


def test_a_parcel_that_left_by_a_clock_that_is_ahead_is_not_taken_off_a_later_count(
    database: Database, clock: TestClock
) -> None:
    # Goal: a carrier sends local time as if it were UTC. What had left is not on the shelf when
    # that is counted ten minutes later.
    given.catalogue(database, {"BER": {"MUG": 10}})
    shipped(database, "ord_1", 5, clock.now + timedelta(hours=2))
    assert given.rows(database, "SELECT last_update_at FROM parcels") == [(clock.now,)]
    clock.advance(minutes=10)

    given.apply(database, count_stock, count([("MUG", 5)], clock.now))

    assert on_hand(database) == [5]
    assert given.violations(database) == []


def test_counting_a_sku_twice_in_one_count_is_malformed(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(Malformed) as caught:
        given.apply(database, count_stock, count([("MUG", 1), ("MUG", 2)], clock.now))

    assert caught.value.field == "lines"


def test_unknown_warehouses_and_skus_are_named(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(UnknownWarehouse) as nowhere:
        given.apply(database, count_stock, count([("MUG", 1)], clock.now, warehouse="XXX"))
    with pytest.raises(UnknownSku) as nothing:
        given.apply(database, count_stock, count([("MUG", 1), ("GHOST", 1)], clock.now))

    assert nowhere.value.facts["field"] == "warehouse"
    assert nothing.value.facts["field"] == "lines.1.sku"
    for refused in (nowhere, nothing):
        assert "correct the name, or load it with the catalogue" in str(refused.value)
