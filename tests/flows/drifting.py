"""Books that contradict each other, for tests."""

from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows.count_stock import count_stock
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.flows.partitioned import ordered
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock

DRIFTS = """
    SELECT sku, partition, figure, found, explained, outcome FROM stock_drifts ORDER BY drift_id
"""


def corrupt(database: Database, *lies: str) -> None:
    """Write past every flow; the constraints of the table still hold."""

    def write(tx: Transaction) -> None:
        for lie in ("SET LOCAL session_replication_role = replica", *lies):
            tx.rows(text(lie))

    database.run(write, given.cause())


def count(database: Database, units: int, at: TestClock, *, count_id: str = "cnt_1") -> None:
    event = StockCounted(
        warehouse="BER",
        count_id=count_id,
        counted_at=at.now,
        lines=(CountedUnits(sku="MUG", on_hand=units),),
    )
    given.apply(database, count_stock, event)


def told(database: Database, kind: str) -> list[dict[str, object]]:
    return [
        body
        for (body,) in given.rows(
            database,
            f"SELECT body::json FROM outbox WHERE attributes->>'ce-type' = '{kind}'"
            " ORDER BY outbox_id",
        )
    ]


def promised(database: Database) -> None:
    """Nine mugs, of which an order has two and a cart three; five pens that nobody wants."""
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 5}})
    ordered(database, "ord_1", 2)
    hold(database, "hold_1", {("MUG", "BER"): 3})
    given.silence(database)
