"""Rows that are shut give up what becomes free in them: to who waits, then to everybody."""

from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.flows import empty_partitions as flow
from shared.flows.cancel_order import cancel_order
from shared.flows.expire_holds import expire_holds
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows import doubles, partitioned, updates
from tests.flows.partitioned import ordered, rows, spread
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock


def cancel(database: Database, order_id: str) -> None:
    given.apply(database, cancel_order, OrderCancelled(order_id=order_id, reason="no"))


def shut_with_a_promise(database: Database) -> None:
    """Order `a` has both units, one of them in a row that is shut."""
    given.catalogue(database, {"BER": {"MUG": 2}})
    spread(database, 2)
    ordered(database, "a", 2)
    spread(database, 1)


def test_a_cancelled_order_gives_its_units_back_to_open_rows(database: Database) -> None:
    shut_with_a_promise(database)
    assert partitioned.empty(database) == 0
    cancel(database, "a")
    assert rows(database) == [(0, 1, 0, 0, ""), (1, 1, 0, 0, "shut")]
    given.silence(database)

    assert partitioned.empty(database) == 1
    assert partitioned.empty(database) == 0

    assert rows(database) == [(0, 2, 0, 0, ""), (1, 0, 0, 0, "shut")]
    assert given.rows(
        database, "SELECT body::json->'available' FROM outbox WHERE destination = 'stock-events'"
    ) == [({"MUG": 2},)]
    assert given.violations(database) == []


def test_nothing_is_laid_anew_where_no_open_row_can_take_it(database: Database) -> None:
    # Goal: while the pool is fenced off, the ledger does not get an empty entry each minute.
    shut_with_a_promise(database)
    cancel(database, "a")
    database.statement(text("UPDATE stock_levels SET fenced_for = 'odd' WHERE partition = 0"))
    entries = given.rows(database, "SELECT count(*) FROM stock_movements")

    assert partitioned.empty(database) == 0

    assert given.rows(database, "SELECT count(*) FROM stock_movements") == entries
    database.statement(text("UPDATE stock_levels SET fenced_for = NULL WHERE partition = 0"))
    assert partitioned.empty(database) == 1
    assert given.violations(database) == []


def test_a_hold_that_ends_gives_its_units_back_to_open_rows(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    spread(database, 2)
    hold(database, "hold_1", {("MUG", "BER"): 1}, partition=1)
    spread(database, 1)
    clock.advance(hours=1)
    expire_holds(partitioned.runner(database))

    partitioned.empty(database)

    assert rows(database) == [(0, 2, 0, 0, ""), (1, 0, 0, 0, "shut")]
    assert given.violations(database) == []


def test_who_waits_gets_what_comes_back_before_anybody_new(database: Database) -> None:
    shut_with_a_promise(database)
    ordered(database, "b", 2)
    cancel(database, "a")

    partitioned.empty(database)
    ordered(database, "new", 1)
    partitioned.place(database, "b")

    assert partitioned.states(database) == ["cancelled", "placed", "backordered"]
    assert given.violations(database) == []


def test_many_balances_are_emptied_in_short_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    skus = [f"SKU-{number}" for number in range(5)]
    given.catalogue(database, {"BER": dict.fromkeys(skus, 3)})
    for sku in skus:
        spread(database, 2, sku=sku)
    database.statement(text("UPDATE stock_levels SET spread = 1"
                            ", fenced_for = CASE WHEN partition = 1 THEN 'shut' END"))  # fmt: skip

    assert partitioned.empty(database) == 5

    assert {row[1:] for row in rows(database)} == {(3, 0, 0, ""), (0, 0, 0, "shut")}
    assert given.violations(database) == []


def test_a_pool_that_is_fenced_off_takes_nothing(database: Database) -> None:
    # Goal: nobody lays units where nobody knows how many there are, and the job goes on.
    shut_with_a_promise(database)
    cancel(database, "a")
    database.statement(text("UPDATE stock_levels SET fenced_for = 'broken' WHERE partition = 0"))

    partitioned.empty(database)

    assert rows(database) == [(0, 1, 0, 0, "broken"), (1, 1, 0, 0, "shut")]


def test_a_parcel_that_leaves_a_shut_row_leaves_nothing_behind(
    database: Database, clock: TestClock
) -> None:
    shut_with_a_promise(database)
    (code,) = doubles.labelled(database, "a")
    news = updates.body(code, [("in_transit", clock.now + timedelta(minutes=1))])
    given.apply(database, track_parcel, updates.received(database, news))

    assert partitioned.empty(database) == 0
    assert rows(database) == [(0, 0, 0, 0, ""), (1, 0, 0, 0, "shut")]
    assert given.violations(database) == []
