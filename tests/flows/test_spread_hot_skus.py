"""What many order at once is spread by itself, and merged when it is quiet."""

import pytest

from shared.flows.spread_hot_skus import spread_hot_skus
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows import partitioned
from tests.flows.partitioned import ordered, rows, spread
from tests.support import given
from tests.support.clock import TestClock


def run(database: Database, orders_a_minute: int = 3) -> dict[str, int]:
    return dict(spread_hot_skus(partitioned.runner(database), orders_a_minute, 4))


def sold(database: Database, orders: int, *, name: str = "ord") -> None:
    for number in range(orders):
        ordered(database, f"{name}_{number}")


def test_a_sku_that_many_order_within_a_minute_is_spread_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 11, "PEN": 5}})
    sold(database, 3)

    assert run(database) == {"spread": 1, "merged": 0}
    assert run(database) == {"spread": 0, "merged": 0}

    assert sorted(units - promised for _, units, promised, *_ in rows(database)) == [2, 2, 2, 2, 5]
    assert given.violations(database) == []


def test_orders_that_come_slowly_do_not_make_it_hot(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 11}})
    for number in range(5):
        ordered(database, f"ord_{number}")
        clock.advance(seconds=40)

    assert run(database) == {"spread": 0, "merged": 0}


def test_many_units_of_one_order_do_not_make_it_hot(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 11}})
    ordered(database, "ord_1", 9)

    assert run(database) == {"spread": 0, "merged": 0}


def test_what_is_quiet_for_an_hour_is_merged(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 11}})
    sold(database, 3)
    run(database)
    partitioned.allot(database, 2)
    clock.advance(minutes=59)
    assert run(database) == {"spread": 0, "merged": 0}
    clock.advance(minutes=2)

    assert run(database) == {"spread": 0, "merged": 1}
    assert run(database) == {"spread": 0, "merged": 0}

    assert given.rows(database, "SELECT DISTINCT spread FROM stock_levels") == [(1,)]
    assert given.violations(database) == []


def test_what_a_person_has_spread_is_left_to_them(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 11}})
    sold(database, 3)
    run(database)
    spread(database, 2)
    clock.advance(hours=5)
    sold(database, 3, name="later")

    assert run(database) == {"spread": 0, "merged": 0}
    assert rows(database)[0][1:3] != rows(database)[1][1:3]


def test_without_a_threshold_nothing_is_hot(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 11}})
    sold(database, 3)

    assert run(database, orders_a_minute=0) == {"spread": 0, "merged": 0}


def test_a_balance_that_is_fenced_off_does_not_stop_the_others(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 11, "TEA": 11}})
    for number in range(3):
        given.order(database, f"ord_{number}", {"MUG": 1, "TEA": 1})
        given.place(database, f"ord_{number}")
    database.statement(text("UPDATE stock_levels SET fenced_for = 'broken' WHERE sku = 'MUG'"))

    assert run(database) == {"spread": 1, "merged": 0}

    assert "balance_fenced_off" in capsys.readouterr().out
