"""Units that become free are for the next in line who may have them, whoever else waits before."""

from collections.abc import Mapping

import pytest

from shared.contracts.orders import ServiceLevel
from shared.flows import waitlist
from shared.flows.count_stock import count_stock
from shared.flows.short_pick import short_pick
from shared.ops import waitlist as line
from shared.orders import store as orders
from shared.platform.db import Database
from tests.flows import doubles, partitioned, reports
from tests.flows.test_expire_holds import KEPT, STATES, waits
from tests.flows.test_hold_stock import hold, release
from tests.support import given
from tests.support.clock import TestClock


def sells(database: Database, channel: str, shares: Mapping[str, int]) -> None:
    """The channel may sell from these warehouses, so many percent of what lies there."""
    database.run(lambda tx: orders.set_scope(tx, channel, shares), given.cause())


def test_who_may_not_have_it_from_there_does_not_stand_in_the_way(database: Database) -> None:
    # Goal: one unit, and the first in line is of a channel that does not sell from there.
    given.catalogue(database, {"BER": {"MUG": 1}, "LIS": {"MUG": 0}})
    sells(database, "south", {"LIS": 100})
    hold(database, "cart", {"MUG": 1})
    waits(database, "first", {"MUG": 1}, channel="south")
    waits(database, "next", {"MUG": 1})

    release(database, "cart")

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 1)]


def test_who_is_far_behind_those_who_may_not_have_it_is_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a line so long that at first not all of it is looked at.
    monkeypatch.setattr(line, "LOOKED_AT", 1)
    given.catalogue(database, {"BER": {"MUG": 1}, "LIS": {"MUG": 0}})
    sells(database, "south", {"LIS": 100})
    hold(database, "cart", {"MUG": 1})
    for number in range(3):
        express = ServiceLevel.EXPRESS
        waits(database, f"south_{number}", {"MUG": 1}, channel="south", service_level=express)
    waits(database, "next", {"MUG": 1})

    release(database, "cart")

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 1)]


def test_who_was_missed_units_there_does_not_stand_in_the_way(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    partitioned.ordered(database, "first")
    hold(database, "cart", {"MUG": 1})
    (parcel,) = doubles.parcels_of(database, "first")
    given.apply(database, short_pick, reports.missing(parcel, ("MUG", "BER"), database.now()))
    partitioned.place(database, "first")
    waits(database, "next", {"MUG": 1})

    release(database, "cart")

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 1)]


def test_a_channel_whose_share_is_used_up_does_not_stand_in_the_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: of a channel with a small share more orders wait than are ever looked at.
    monkeypatch.setattr(waitlist, "MOST_AT_ONCE", 2)
    given.catalogue(database, {"BER": {"MUG": 10}})
    sells(database, "small", {"BER": 20})
    hold(database, "of_small", {"MUG": 2}, channel="small")
    hold(database, "of_web", {"MUG": 7}, channel="web")
    hold(database, "cart", {"MUG": 1}, channel="web")
    for number in range(12):
        express = ServiceLevel.EXPRESS
        waits(database, f"small_{number}", {"MUG": 1}, channel="small", service_level=express)
    waits(database, "next", {"MUG": 1})

    release(database, "cart")

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 1)]


def test_who_counts_on_units_that_it_may_not_have_does_not_stand_in_the_way(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}, "LIS": {"MUG": 4}})
    for channel in ("north", "west"):
        sells(database, channel, {"BER": 100})
    hold(database, "cart", {"MUG": 1}, warehouse="BER")
    waits(database, "first", {"MUG": 5}, channel="north")
    waits(database, "next", {"MUG": 1}, channel="west")

    release(database, "cart")

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 1)]


def test_what_one_order_counts_on_elsewhere_no_other_can(database: Database) -> None:
    # Goal: two want a mug and the only pen; the mug that the second could not use is for a third.
    given.catalogue(database, {"BER": {"MUG": 2}, "LIS": {"PEN": 1}})
    hold(database, "cart", {"MUG": 2})
    waits(database, "a", {"MUG": 1, "PEN": 1}, ship_together=True)
    waits(database, "b", {"MUG": 1, "PEN": 1}, ship_together=True)
    waits(database, "c", {"MUG": 1})

    release(database, "cart")

    assert given.rows(database, KEPT) == [("a", "MUG", "BER", 1), ("c", "MUG", "BER", 1)]


def test_what_is_free_beside_it_is_kept_along_with_it(database: Database, clock: TestClock) -> None:
    # Goal: a report of several SKUs of which only one has become more.
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 2}})
    waits(database, "first", {"MUG": 1, "PEN": 2})
    clock.advance(minutes=1)

    count = reports.counted("cnt_1", "BER", {"MUG": 1, "PEN": 2}, clock.now)
    given.apply(database, count_stock, count)

    assert given.rows(database, KEPT) == [("first", "MUG", "BER", 1), ("first", "PEN", "BER", 2)]
    assert given.violations(database) == []


def test_what_another_sale_has_to_itself_is_not_shared(database: Database) -> None:
    # Goal: six of ten are for a sale alone, so a channel with half of the rest may have two.
    given.catalogue(database, {"BER": {"MUG": 10}})
    partitioned.allot(database, 6)
    sells(database, "small", {"BER": 50})
    hold(database, "cart", {"MUG": 4})
    for name in ("a", "b", "c"):
        waits(database, name, {"MUG": 1}, channel="small")

    release(database, "cart")

    assert [row[0] for row in given.rows(database, KEPT)] == ["a", "b"]


def test_what_is_kept_back_no_more_goes_to_who_waits(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}}, safety=3)
    waits(database, "first", {"MUG": 2})
    given.silence(database)

    given.keep_back(database, "BER", {"MUG": 0})
    partitioned.ordered(database, "anew", 2)

    assert given.rows(database, KEPT) == [("first", "MUG", "BER", 2)]
    assert given.rows(database, STATES) == [("anew", "backordered"), ("first", "backordered")]
    assert "stock.increased" in given.told(database)  # one is left
    assert given.violations(database) == []
