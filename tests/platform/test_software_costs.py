"""What steps cost is added up to the unit, whoever writes it down, and survives an outage."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

from shared.platform.db import Database
from shared.platform.software_costs import SoftwareCosts
from shared.platform.sql import text
from tests.support import given

DAY = date(2026, 3, 2)
KEPT = "SELECT function, steps, nano_usd FROM software_costs ORDER BY function"


def test_processes_that_write_at_once_add_up(database: Database) -> None:
    # Goal: two instances that know both functions in another order neither wait for each other
    # for ever nor lose a unit.
    processes, times = 4, 5
    barrier = Barrier(processes)

    def process(number: int) -> None:
        costs = SoftwareCosts()
        names = ("order_api", "order_intake")
        for _ in range(times):
            for name in names if number % 2 else reversed(names):
                costs.add(DAY, name, 1_000 + number)
            barrier.wait(timeout=30)
            costs.keep(database)

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(process, range(processes)))

    total = times * sum(1_000 + number for number in range(processes))
    assert given.rows(database, KEPT) == [
        ("order_api", processes * times, total),
        ("order_intake", processes * times, total),
    ]


def test_what_cannot_be_written_is_written_later(database: Database) -> None:
    costs = SoftwareCosts()
    costs.add(DAY, "order_api", 5)
    database.statement(text("ALTER TABLE software_costs RENAME TO hidden"))
    costs.keep(database)
    costs.add(DAY, "order_api", 6)
    database.statement(text("ALTER TABLE hidden RENAME TO software_costs"))

    costs.keep(database)

    assert given.rows(database, KEPT) == [("order_api", 2, 11)]


def test_nothing_is_written_where_nothing_was_done(database: Database) -> None:
    SoftwareCosts().keep_if_due(database)

    assert given.rows(database, KEPT) == []
