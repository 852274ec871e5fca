"""What is released goes to those who have waited for it, whoever comes at that moment."""

from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled, ServiceLevel
from shared.flows import keep_pre_orders as flow
from shared.flows.cancel_order import cancel_order
from shared.flows.keep_pre_orders import AHEAD, LASTS, keep_pre_orders
from shared.flows.request_placement import wake_backorders
from shared.holds.types import LATEST_RELEASE, NotEnoughStock
from shared.platform.db import Database
from shared.stock.skus import Unit, put_skus
from tests.flows.partitioned import runner
from tests.flows.test_expire_holds import KEPT, STATES, asked_for, expire, waits
from tests.flows.test_hold_stock import hold
from tests.support import given
from tests.support.clock import TestClock

EVERY = timedelta(minutes=5)  # the job


def pre_order(database: Database, units: int, *, released_in: timedelta) -> None:
    """Mugs in Berlin that are to be released."""
    given.catalogue(database, {"BER": {"MUG": units}})
    moment = database.now() + released_in
    database.run(lambda tx: put_skus(tx, [Unit("MUG", 500, released_at=moment)]), given.cause())


def job(database: Database) -> int:
    """Housekeeping, as its job does both."""
    kept = keep_pre_orders(runner(database))
    database.run(wake_backorders, given.cause())
    return kept


def test_who_has_waited_comes_before_who_comes_at_the_release(
    database: Database, clock: TestClock
) -> None:
    # Goal: three units, two are waited for. A second after the release somebody wants two.
    pre_order(database, 3, released_in=AHEAD)
    waits(database, "first", {"MUG": 2})
    given.silence(database)

    assert [job(database), job(database)] == [1, 0]
    assert asked_for(database) == []  # before the release it would be in vain
    clock.advance(seconds=AHEAD.total_seconds())
    with pytest.raises(NotEnoughStock):
        hold(database, "cart", {"MUG": 2})
    waits(database, "anew", {"MUG": 2})
    given.silence(database)
    job(database)

    assert asked_for(database) == [("placement-standard", "first")]
    given.place(database, "first")
    assert given.rows(database, STATES) == [("anew", "backordered"), ("first", "placed")]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(2, 0)]
    assert given.violations(database) == []


def test_it_is_kept_in_fair_order_and_in_short_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MOST_AT_ONCE", 1)
    monkeypatch.setattr("shared.flows.waitlist.MOST_AT_ONCE", 1)
    pre_order(database, 3, released_in=EVERY)
    for number in range(3):
        waits(database, f"ord_{number}", {"MUG": 1})
    waits(database, "express", {"MUG": 1}, service_level=ServiceLevel.EXPRESS)

    assert job(database) == 3

    assert [row[0] for row in given.rows(database, KEPT)] == ["express", "ord_0", "ord_1"]


def test_nothing_is_kept_long_before_the_release(database: Database) -> None:
    pre_order(database, 3, released_in=AHEAD + timedelta(seconds=1))
    waits(database, "first", {"MUG": 2})

    assert job(database) == 0


def test_a_release_that_no_job_saw_coming_is_made_up_for(
    database: Database, clock: TestClock
) -> None:
    pre_order(database, 3, released_in=timedelta(hours=1))
    waits(database, "first", {"MUG": 2})
    given.silence(database)
    clock.advance(hours=1, minutes=5)

    assert job(database) == 1

    assert asked_for(database) == [("placement-standard", "first")]


def test_what_is_kept_lasts_until_the_job_after_the_release(
    database: Database, clock: TestClock
) -> None:
    pre_order(database, 2, released_in=AHEAD)
    waits(database, "first", {"MUG": 2})
    job(database)

    clock.advance(seconds=(AHEAD + EVERY + timedelta(minutes=5)).total_seconds())
    assert expire(database) == 0
    clock.advance(seconds=(LASTS + LATEST_RELEASE).total_seconds())
    assert expire(database) == 1
    assert given.violations(database) == []


def test_who_cancels_leaves_it_to_the_next_in_line(database: Database, clock: TestClock) -> None:
    pre_order(database, 2, released_in=AHEAD)
    for name in ("first", "next"):
        waits(database, name, {"MUG": 2})
    job(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="first", reason="no"))
    clock.advance(minutes=5)

    job(database)

    assert given.rows(database, KEPT) == [("next", "MUG", "BER", 2)]
    assert given.violations(database) == []
