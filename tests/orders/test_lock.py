"""Whoever locks an order sees all of it as it is then, also what it had to wait for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from shared.contracts.orders import OrderAmended, OrderedLine
from shared.flows.change_order import change_order
from shared.orders import store as orders
from shared.orders.types import Line, Move, Order, Priority
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.support import given
from tests.support.waiting import until_somebody_waits


def _seen_after(
    database: Database, change: Callable[[Transaction], object], look: Callable[[Transaction], None]
) -> None:
    """`change` is made while `look` waits for the lock."""
    changed = Event()

    def changing(tx: Transaction) -> None:
        change(tx)
        changed.set()
        until_somebody_waits(database)

    with ThreadPoolExecutor(max_workers=2) as pool:
        first = pool.submit(database.run, changing, given.cause())
        assert changed.wait(timeout=10)
        second = pool.submit(database.run, look, given.cause())
        first.result(timeout=30)
        second.result(timeout=30)


def test_the_lines_are_those_of_the_change_that_was_waited_for(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    line = OrderedLine(line_no=4, sku="PEN", quantity=3, unit_price_cents=100)
    amended = OrderAmended(order_id="ord_1", revision=2, lines=(line,))
    seen: list[tuple[int, list[tuple[int, str, int]]]] = []

    def look(tx: Transaction) -> None:
        found = orders.lock_to_place(tx, "ord_1", Priority.STANDARD, 1)
        assert found is not None
        ((order, lines),) = found
        seen.append((order.revision, [(one.line_no, one.sku, one.quantity) for one in lines]))

    _seen_after(database, lambda tx: change_order(tx, amended), look)

    assert seen == [(2, [(4, "PEN", 3)])]


def test_so_are_the_warehouses_that_could_not_pick_it(database: Database) -> None:
    # Goal: an order that is placed anew is never sent where it was just refused.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    seen: list[frozenset[tuple[str, str]]] = []

    def refuse(tx: Transaction) -> None:
        order = orders.lock(tx, "ord_1")
        assert order is not None
        tx.write(
            orders.exclude(tx, "ord_1", ["MUG"], "BER", "not on the shelf"),
            orders.move(tx, Move(order, order.state)),
        )

    def look(tx: Transaction) -> None:
        order = orders.lock(tx, "ord_1")
        assert order is not None
        seen.append(order.excluded)

    _seen_after(database, refuse, look)

    assert seen == [frozenset({("MUG", "BER")})]


def test_an_order_that_nobody_has_touched_is_read_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})

    def lock(order_id: str) -> Sequence[tuple[Order, Sequence[Line]]] | None:
        return database.run(
            lambda tx: orders.lock_to_place(tx, order_id, Priority.STANDARD, 50), given.cause()
        )

    found = lock("ord_1")
    assert found is not None
    ((_, lines),) = found

    assert [(line.line_no, line.sku, line.quantity) for line in lines] == [(1, "MUG", 2)]
    assert lock("ord_2") is None


def test_an_order_that_waits_no_longer_is_not_locked(database: Database) -> None:
    # Goal: most of the work that comes up in a rush was done with another's; who locks nothing and
    # writes nothing does not wait for the disk.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    def look(tx: Transaction) -> bool:
        assert orders.lock_to_place(tx, "ord_1", Priority.STANDARD, 50) == []
        row = tx.row(text("SELECT pg_current_xact_id_if_assigned() IS NULL AS unwritten"))
        return row is not None and row.unwritten

    assert database.run(look, given.cause())
