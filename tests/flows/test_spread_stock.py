"""A balance is spread over rows and merged again: nothing is lost, and the last unit is sold."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.holds.types import NotEnoughStock
from shared.kit.errors import Rejected
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock.types import (
    BalanceFencedOff,
    KitHasNoStock,
    NoSuchSpread,
    UnknownSku,
    UnknownWarehouse,
)
from tests.flows import partitioned
from tests.flows.partitioned import ordered, rows, spread
from tests.flows.test_hold_stock import hold as hold_cart
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock

MOVED = """
    SELECT partition, quantity, actor, reason, reference FROM stock_movements
     WHERE kind = 'repartition' ORDER BY movement_id
"""


class Crash(Exception):
    """The process ends before the commit."""


def cancel(database: Database, order_id: str) -> None:
    given.apply(database, cancel_order, OrderCancelled(order_id=order_id, reason="no"))


def test_free_units_and_safety_are_dealt_evenly_and_promises_stay(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 14}}, safety=3)
    ordered(database, "ord_1", 2)
    hold(database, "hold_1", {("MUG", "BER"): 2})
    given.silence(database)

    spread(database, 4, reference="r1")

    assert rows(database) == [
        (0, 7, 4, 1, ""),
        (1, 3, 0, 1, ""),
        (2, 2, 0, 1, ""),
        (3, 2, 0, 0, ""),
    ]
    assert given.rows(database, "SELECT DISTINCT spread_from, spread FROM stock_levels") == [(0, 4)]
    assert given.rows(database, MOVED) == [
        (0, -7, "ada", "a sale", "spread:r1"),
        (1, 3, "ada", "a sale", "spread:r1"),
        (2, 2, "ada", "a sale", "spread:r1"),
        (3, 2, "ada", "a sale", "spread:r1"),
    ]
    assert given.told(database) == []
    assert given.violations(database) == []


def test_what_is_merged_is_in_one_row_and_the_others_are_shut(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 12}}, safety=2)
    spread(database, 4)
    for number in range(8):
        ordered(database, f"ord_{number}")

    spread(database, 1)

    found = rows(database)
    assert [fence for *_, fence in found] == ["", "shut", "shut", "shut"]
    assert all(on_hand == promised for _, on_hand, promised, *_ in found[1:])
    assert (found[0][1] - found[0][2], found[0][3]) == (4, 2)
    assert given.violations(database) == []


def test_rows_that_were_shut_are_opened_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    for into in (4, 1, 2, 8, 3):
        spread(database, into)
        assert sum(on_hand for _, on_hand, *_ in rows(database)) == 8
        assert [fence for *_, fence in rows(database)].count("") == into
        assert given.violations(database) == []


def test_the_same_word_again_changes_nothing(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    spread(database, 4, reference="r1")
    spread(database, 1, reference="r2")

    spread(database, 4, reference="r1")

    assert [fence for *_, fence in rows(database)] == ["", "shut", "shut", "shut"]


def test_a_balance_can_be_spread_before_there_is_anything_in_it(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}, "LIS": {}})

    spread(database, 2, warehouse="LIS")
    given.receive(database, "LIS", {"MUG": 5})

    assert given.rows(
        database, "SELECT on_hand FROM stock_levels WHERE warehouse = 'LIS' ORDER BY partition"
    ) == [(3,), (2,)]
    assert given.violations(database) == []


@pytest.mark.parametrize(
    ("wanted", "refused", "field", "advice"),
    [
        ({"into": 0}, NoSuchSpread, "into", "from 1 to 64"),
        ({"into": 65}, NoSuchSpread, "into", "from 1 to 64"),
        ({"into": -3}, NoSuchSpread, "into", "1 merges"),
        ({"sku": "GHOST"}, UnknownSku, "sku", "not in the catalogue"),
        ({"warehouse": "XXX"}, UnknownWarehouse, "warehouse", "not known"),
        ({"sku": "SET"}, KitHasNoStock, "sku", "name MUG instead"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_and_what_to_do(
    *,
    database: Database,
    wanted: dict[str, Any],
    refused: type[Rejected],
    field: str,
    advice: str,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(refused, match=advice) as caught:
        spread(database, **{"into": 2, **wanted})

    assert caught.value.facts["field"] == field
    assert rows(database) == [(0, 8, 0, 0, "")]


def test_a_balance_that_is_fenced_off_is_not_spread(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    database.statement(text("UPDATE stock_levels SET fenced_for = 'broken'"))

    with pytest.raises(BalanceFencedOff, match="send a count"):
        spread(database, 2)


def test_what_has_become_free_in_a_shut_row_goes_to_who_waits_first(database: Database) -> None:
    # Goal: units that nobody could be promised can be again, and the first in line gets them.
    given.catalogue(database, {"BER": {"MUG": 2}})
    spread(database, 2)
    ordered(database, "a", 2)
    ordered(database, "b", 1)
    ordered(database, "c", 1)
    spread(database, 1)
    cancel(database, "a")
    kept = "SELECT purpose, reference FROM stock_holds ORDER BY reference"
    assert given.rows(database, kept) == [("waitlist", "b")]
    given.silence(database)

    spread(database, 1)

    assert given.rows(database, kept) == [("waitlist", "b"), ("waitlist", "c")]
    assert given.told(database) == ["work.place_order"]
    partitioned.place(database, "b")
    partitioned.place(database, "c")
    assert partitioned.states(database) == ["cancelled", "placed", "placed"]
    assert given.violations(database) == []


def test_a_hold_in_a_row_that_was_shut_is_still_its_owners(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    spread(database, 2)
    hold(database, "hold_1", {("MUG", "BER"): 1}, partition=1)
    spread(database, 1)

    ordered(database, "ord_1", 2, hold_id="hold_1")

    assert rows(database) == [(0, 1, 1, 0, ""), (1, 1, 1, 0, "shut")]
    assert partitioned.states(database) == ["placed"]
    assert given.violations(database) == []


def test_nothing_of_a_spread_stays_when_the_process_ends_before_the_commit(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})

    def crashing(tx: Transaction, wanted: SpreadStock) -> None:
        spread_stock(tx, wanted)
        raise Crash

    wanted = SpreadStock("MUG", "BER", 4, partitioned.word("r1"))
    with pytest.raises(Crash):
        given.apply(database, crashing, wanted)
    assert rows(database) == [(0, 8, 0, 0, "")]

    given.apply(database, spread_stock, wanted)
    given.apply(database, spread_stock, wanted)
    assert [on_hand for _, on_hand, *_ in rows(database)] == [2, 2, 2, 2]


def test_orders_race_for_the_last_units_while_they_are_laid_anew(database: Database) -> None:
    # Goal: whatever an order waits for while rows come and go, it never overlooks a unit, and no
    # unit is promised twice. Sixteen units, and sixteen orders that may all be placed.
    given.catalogue(database, {"BER": {"MUG": 16}})
    names = [f"ord_{number:02}" for number in range(17)]
    for name in names:
        given.order(database, name, {"MUG": 1})
    start = Barrier(5)

    def place_some(mine: list[str]) -> None:
        start.wait(timeout=10)
        for name in mine:
            partitioned.insist(partial(partitioned.place, database, name))

    def lay_anew() -> None:
        start.wait(timeout=10)
        for into in (4, 1, 8, 2, 6, 1, 3):
            partitioned.insist(partial(spread, database, into))

    with ThreadPoolExecutor(max_workers=5) as workers:
        work = [workers.submit(place_some, names[first:16:4]) for first in range(4)]
        work.append(workers.submit(lay_anew))
        for done in work:
            done.result(timeout=60)
    assert Counter(partitioned.states(database)) == {"placed": 16, "waiting": 1}
    partitioned.place(database, "ord_16")

    assert partitioned.states(database)[-1] == "backordered"
    assert given.violations(database) == []


def test_carts_race_for_the_last_units_of_a_spread_balance(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    spread(database, 4)
    start = Barrier(4)

    def fill_carts(worker: int) -> int:
        start.wait(timeout=10)
        held = 0
        for number in range(4):
            with suppress(NotEnoughStock):
                hold_cart(database, f"cart_{worker}_{number}", {"MUG": 1})
                held += 1
        return held

    with ThreadPoolExecutor(max_workers=4) as workers:
        assert sum(workers.map(fill_carts, range(4))) == 10

    assert sum(promised for _, _, promised, *_ in rows(database)) == 10
    assert given.violations(database) == []


def _while_it_is_spread(database: Database, waiting: Any, into: int = 4) -> None:
    """Run `waiting` when it has to wait for a balance that is being spread at that moment."""
    begun, thread = Event(), Thread(target=waiting)
    wanted = SpreadStock("MUG", "BER", into, partitioned.word())

    def spread_slowly(tx: Transaction) -> None:
        if begun.is_set():
            spread_stock(tx, wanted)
            return
        spread_stock(tx, wanted)
        begun.set()
        thread.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        for _ in range(1_000):
            if tx.rows(waits)[0][0]:
                return
        raise AssertionError("nobody waits")

    database.run(spread_slowly, given.cause())
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_an_order_that_waited_for_a_spread_sees_the_rows_that_were_added(
    database: Database,
) -> None:
    # Goal: a statement that waits for a lock does not see rows that were committed meanwhile. The
    # order wants more than the first row has left.
    given.catalogue(database, {"BER": {"MUG": 8}})
    given.order(database, "ord_1", {"MUG": 7})

    _while_it_is_spread(database, lambda: given.place(database, "ord_1"))

    assert partitioned.states(database) == ["placed"]
    assert given.violations(database) == []


def test_an_order_whose_row_is_shut_while_it_waits_looks_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    spread(database, 8)
    for number in range(8):
        given.order(database, f"ord_{number}", {"MUG": 1})
    placed = []

    def place_all() -> None:
        for number in range(8):
            partitioned.place(database, f"ord_{number}")
            placed.append(number)

    _while_it_is_spread(database, place_all, into=1)

    assert partitioned.states(database) == ["placed"] * 8
    assert given.violations(database) == []


def test_a_count_that_waited_for_a_spread_counts_all_rows(
    database: Database, clock: TestClock
) -> None:
    # Goal: a count that overlooked the new rows would find their units a second time.
    given.catalogue(database, {"BER": {"MUG": 8}})
    clock.advance(minutes=1)
    event = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now - timedelta(seconds=1),
        lines=(CountedUnits(sku="MUG", on_hand=9),),
    )

    _while_it_is_spread(database, lambda: given.apply(database, count_stock, event))

    assert sum(on_hand for _, on_hand, *_ in rows(database)) == 9
    assert given.violations(database) == []
