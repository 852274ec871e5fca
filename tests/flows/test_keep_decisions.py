"""Decisions lie in tables of months: there before they are needed, dropped when they are old."""

from shared.flows.keep_decisions import KEPT_FOR, keep_decisions
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock

MONTHS = """
    SELECT relname FROM pg_class
     WHERE relname ~ '^placement_decisions_[0-9]{4}_[0-9]{2}$' ORDER BY 1
"""


def keep(database: Database) -> int:
    return database.run(keep_decisions, given.cause())


def test_three_months_are_there_beforehand(database: Database, clock: TestClock) -> None:
    clock.now = clock.now.replace(year=2031, month=11)

    assert keep(database) == 3
    assert keep(database) == 0

    months = [name[-7:] for (name,) in given.rows(database, MONTHS)]
    assert months == ["2031_12", "2032_01", "2032_02"]


def test_what_is_decided_lies_in_its_month(database: Database, clock: TestClock) -> None:
    clock.now = clock.now.replace(year=2031, month=11)
    keep(database)
    clock.now = clock.now.replace(month=12)
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT tableoid::regclass::text FROM placement_decisions") == [
        ("placement_decisions_2031_12",)
    ]


def test_a_month_that_nobody_made_refuses_nothing(database: Database, clock: TestClock) -> None:
    clock.now = clock.now.replace(year=2040)
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT tableoid::regclass::text FROM placement_decisions") == [
        ("placement_decisions_other",)
    ]
    keep(database)


def test_months_that_are_old_enough_are_dropped(database: Database, clock: TestClock) -> None:
    clock.now = clock.now.replace(year=2031, month=11)
    keep(database)
    clock.now = clock.now.replace(year=2032, month=1) + KEPT_FOR

    keep(database)

    months = [name[-7:] for (name,) in given.rows(database, MONTHS)]
    assert "2031_12" not in months
    assert "2032_01" in months
