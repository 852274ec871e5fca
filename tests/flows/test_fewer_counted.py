"""Counts that find fewer than is promised: nobody loses what is theirs, and no more is sold."""

import json
from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import CountedUnits, MissingUnits, ParcelShortPicked, StockCounted
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from tests.flows import doubles, partitioned, updates
from tests.flows.drifting import DRIFTS, told
from tests.flows.partitioned import ordered, reconcile, states
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock

FEWER = "fewer were counted than are promised"
STOCK = """
    SELECT sku, sum(on_hand), sum(reserved + held), string_agg(DISTINCT fenced_for, ',')
      FROM stock_levels GROUP BY sku ORDER BY sku
"""
OPEN = "SELECT sku, warehouse, count_id, on_hand, actor FROM open_counts ORDER BY sku"


def count(
    database: Database, at: TestClock, *, count_id: str = "cnt_1", minutes: int = 0, **units: int
) -> None:
    """A warehouse counted, now or some minutes ago."""
    event = StockCounted(
        warehouse="BER",
        count_id=count_id,
        counted_at=at.now - timedelta(minutes=minutes),
        lines=tuple(CountedUnits(sku=sku, on_hand=n) for sku, n in units.items()),
    )
    given.apply(database, count_stock, event)


def scan(database: Database, order_id: str, at: TestClock, minutes: int = 0) -> None:
    """The carrier tells that it has the order's parcel, since some minutes ago."""
    (code,) = doubles.labelled(database, order_id)
    news = updates.body(code, [("in_transit", at.now - timedelta(minutes=minutes))])
    given.apply(database, track_parcel, updates.received(database, news))


def test_what_was_not_found_is_not_sold(
    database: Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: of a hundred sixty are promised, and fifty are counted. The other forty are nowhere.
    given.catalogue(database, {"BER": {"MUG": 100, "PEN": 5}}, weight_g=50)
    ordered(database, "ord_1", 50)
    clock.advance(minutes=1)
    hold(database, "cart", {("MUG", "BER"): 10})
    given.silence(database)
    clock.advance(minutes=1)

    count(database, clock, MUG=50, PEN=3)
    ordered(database, "ord_2", 1)

    assert given.rows(database, STOCK) == [("MUG", 100, 60, FEWER), ("PEN", 3, 0, None)]
    assert states(database) == ["placed", "backordered"]
    assert given.rows(database, OPEN) == [("MUG", "BER", "cnt_1", 50, "BER")]
    assert told(database, "dispatch.stock.count_wanted.v1") == [
        {"warehouse": "BER", "skus": ["MUG"], "fenced": ["MUG"]}
    ]
    assert given.rows(database, DRIFTS) == [("MUG", 0, "promised", 60, 50, "fenced")]
    assert given.rows(database, "SELECT explained_by FROM stock_drifts") == [
        ("units on hand by count cnt_1; promised to order ord_1 (50), cart hold cart (10)",)
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in lines if line["message"] == "stock.fewer_counted")
    assert (line["severity"], line["sku"], line["on_hand"], line["promised"]) == (
        "WARNING",
        "MUG",
        50,
        60,
    )
    assert given.violations(database) == []


def test_a_count_of_fewer_than_have_left_since_is_no_count_to_believe(
    database: Database, clock: TestClock
) -> None:
    # Goal: one is counted, the carrier takes two, and only then the count is told. Nothing is
    # promised to anybody, and nothing is sold until somebody counts again.
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, "ord_1", 2)
    clock.advance(minutes=2)
    scan(database, "ord_1", clock)

    count(database, clock, MUG=1, minutes=1)
    ordered(database, "ord_2", 1)

    assert given.rows(database, STOCK) == [("MUG", 3, 0, FEWER)]
    assert states(database) == ["shipped", "backordered"]
    assert given.rows(database, DRIFTS) == [("MUG", 0, "promised", 0, -1, "fenced")]
    assert given.rows(database, "SELECT explained_by FROM stock_drifts") == [
        ("units on hand by count cnt_1; more has left since than it found",)
    ]
    assert reconcile(database).fenced == 1
    count(database, clock, count_id="cnt_2", MUG=3)
    assert given.rows(database, STOCK) == [("MUG", 3, 1, None)]  # kept for who waits
    assert given.violations(database) == []


def test_the_same_count_again_says_nothing_new(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    ordered(database, "ord_1", 3)
    clock.advance(minutes=1)
    count(database, clock, MUG=1, PEN=4)
    given.silence(database)

    count(database, clock, MUG=1, PEN=4)

    assert given.told(database) == []
    assert len(given.rows(database, DRIFTS)) == 1
    assert given.rows(database, STOCK) == [("MUG", 5, 3, FEWER), ("PEN", 4, 0, None)]


def test_parcels_that_had_left_settle_it_by_their_scans(
    database: Database, clock: TestClock
) -> None:
    # Goal: all was sold and went with the carrier at noon; it was counted at six, and scanned at
    # ten. The night settles it, and what arrives in the morning is sold.
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, "ord_1", 5)
    clock.advance(hours=6)
    count(database, clock, MUG=0)
    assert reconcile(database).fenced == 1
    clock.advance(hours=4)

    scan(database, "ord_1", clock, minutes=5 * 60)
    assert given.rows(database, STOCK) == [("MUG", 0, 0, FEWER)]
    report = reconcile(database)
    given.receive(database, "BER", {"MUG": 4})
    ordered(database, "ord_2", 4)

    assert (report.fenced, report.lifted) == (0, 1)
    assert given.rows(database, STOCK) == [("MUG", 4, 4, None)]
    assert given.rows(database, OPEN) == []
    assert states(database) == ["shipped", "placed"]
    assert given.violations(database) == []


def test_a_short_pick_settles_it_and_is_not_missing_twice(
    database: Database, clock: TestClock
) -> None:
    # Goal: what a parcel lacks, the count has not found either.
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 3)
    ordered(database, "ord_2", 2)
    clock.advance(minutes=1)
    count(database, clock, MUG=4)
    clock.advance(minutes=1)
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    missed = ParcelShortPicked(
        warehouse="BER",
        parcel_id=parcel_id,
        short_picked_at=clock.now,
        lines=(MissingUnits(sku="MUG", missing=1),),
    )
    given.apply(database, short_pick, missed)

    assert reconcile(database).lifted == 1

    assert given.rows(database, STOCK) == [("MUG", 4, 2, None)]
    assert given.violations(database) == []


def test_a_cancelled_order_settles_it_and_what_is_free_then_is_announced(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 6)
    clock.advance(minutes=1)
    count(database, clock, MUG=4)
    clock.advance(minutes=1)
    given.receive(database, "BER", {"MUG": 1})
    given.silence(database)

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    assert "stock.increased" not in given.told(database), "nobody knows how many there are"
    reconcile(database)

    assert given.rows(database, STOCK) == [("MUG", 5, 0, None)]
    assert told(database, "dispatch.stock.increased.v1") == [
        {"warehouse": "BER", "available": {"MUG": 5}}
    ]
    assert given.violations(database) == []


def test_what_is_not_settled_pages_somebody_every_night(
    database: Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 6)
    clock.advance(minutes=1)
    count(database, clock, MUG=4)
    found = given.rows(database, DRIFTS)
    capsys.readouterr()

    for _ in range(2):
        report = reconcile(database)
        assert (report.repaired, report.fenced, report.lifted) == (0, 1, 0)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        (paged,) = (line for line in lines if line["severity"] == "CRITICAL")
        assert (paged["message"], paged["why"]) == ("stock.fenced_off", FEWER)

    assert given.rows(database, DRIFTS) == found
    assert given.rows(database, STOCK) == [("MUG", 9, 6, FEWER)]


def test_only_a_later_count_takes_the_place_of_one_that_is_open(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 6)
    clock.advance(minutes=10)
    count(database, clock, MUG=4)

    count(database, clock, MUG=9, count_id="cnt_0", minutes=5)
    assert given.rows(database, OPEN) == [("MUG", "BER", "cnt_1", 4, "BER")]
    clock.advance(minutes=1)
    count(database, clock, MUG=5, count_id="cnt_2")
    assert given.rows(database, OPEN) == [("MUG", "BER", "cnt_2", 5, "BER")]
    assert len(given.rows(database, DRIFTS)) == 2
    clock.advance(minutes=1)
    count(database, clock, MUG=7, count_id="cnt_3")

    assert given.rows(database, OPEN) == []
    assert given.rows(database, STOCK) == [("MUG", 7, 6, None)]
    assert given.violations(database) == []


def test_a_balance_of_several_rows_is_fenced_off_in_all_of_them_and_as_it_was_afterwards(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 12}})
    partitioned.spread(database, 3)
    ordered(database, "ord_1", 8)
    partitioned.spread(database, 2)
    partitioned.allot(database, 1)
    before = given.rows(database, "SELECT partition, fenced_for FROM stock_levels ORDER BY 1")
    clock.advance(minutes=1)

    count(database, clock, MUG=7)
    assert given.rows(database, "SELECT DISTINCT fenced_for FROM stock_levels") == [(FEWER,)]
    partitioned.empty(database)
    assert given.rows(database, STOCK) == [("MUG", 12, 8, FEWER)]
    clock.advance(minutes=1)
    count(database, clock, MUG=11, count_id="cnt_2")

    assert given.rows(database, STOCK)[0][:3] == ("MUG", 11, 8)
    assert (
        given.rows(database, "SELECT partition, fenced_for FROM stock_levels ORDER BY 1") == before
    )
    reconcile(database)
    assert given.violations(database) == []
