"""Short ways to balances with several rows, for tests."""

from collections.abc import Callable
from typing import Any

from shared.contracts.work import PlaceOrder
from shared.flows.allot_stock import AllotStock, allot_stock
from shared.flows.empty_partitions import empty_partitions
from shared.flows.end_allotment import EndAllotment, end_allotment
from shared.flows.lay_anew import Word
from shared.flows.place_order import Crowd, place_waiting
from shared.flows.reconcile_stock import Report, reconcile_stock
from shared.flows.rules import Rules
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.flows.steps import Run
from shared.kit.ids import new_id
from shared.platform.db import Database, LostRace
from tests.support import given

ROWS = """
    SELECT partition, on_hand, reserved + held, safety, coalesce(allotment, fenced_for, '')
      FROM stock_levels ORDER BY sku, warehouse, partition
"""


def rows(database: Database) -> list[tuple[Any, ...]]:
    """Each row: number, on hand, promised, safety, and whose it is or why it is fenced off."""
    return given.rows(database, ROWS)


def word(reference: str | None = None) -> Word:
    """What an operator says."""
    return Word("ada", "a sale", reference or new_id("ref"))


def runner(database: Database) -> Run:
    """For flows of several steps."""
    cause = given.cause()
    return lambda step: database.run(step, cause)


def spread(database: Database, into: int, *, reference: str | None = None, **where: str) -> None:
    """An operator spreads mugs in Berlin, or what `where` says."""
    place = {"sku": "MUG", "warehouse": "BER", **where}
    given.apply(database, spread_stock, SpreadStock(**place, into=into, word=word(reference)))


def allot(
    database: Database,
    units: int,
    *,
    sale: str = "friday",
    into: int | None = None,
    reference: str | None = None,
    **where: str,
) -> None:
    """An operator sets mugs in Berlin aside for a sale."""
    place = {"sku": "MUG", "warehouse": "BER", **where}
    wanted = AllotStock(sale=sale, units=units, into=into, word=word(reference), **place)
    given.apply(database, allot_stock, wanted)


def end(database: Database, sale: str = "friday") -> int:
    """The sale is over."""
    return end_allotment(runner(database), EndAllotment(sale, "ada", "the sale is over"))


def empty(database: Database) -> int:
    """Housekeeping empties what is shut."""
    return empty_partitions(runner(database))


def reconcile(database: Database) -> Report:
    """Housekeeping compares the books."""
    return reconcile_stock(runner(database), "nightly")


def place(database: Database, order_id: str) -> None:
    """The placement worker does its work: it looks at one row of each spread first."""
    work, rules = PlaceOrder(order_id=order_id, priority="standard"), Rules()
    place_waiting(runner(database), work, rules, Crowd(), alone=True)


def insist(work: Callable[[], object]) -> None:
    """Do the work as a queue would: again when it has lost every race."""
    for _ in range(20):
        try:
            work()
        except LostRace:
            continue
        else:
            return
    raise AssertionError("lost twenty times")


def ordered(database: Database, order_id: str, units: int = 1, **fields: Any) -> None:
    """An order for mugs is accepted and placed, or has to wait."""
    given.order(database, order_id, {"MUG": units}, **fields)
    place(database, order_id)


def states(database: Database) -> list[str]:
    """What became of the orders, by id."""
    return [s for (s,) in given.rows(database, "SELECT state FROM orders ORDER BY order_id")]
