"""Units are set aside for a sale: nobody else gets them, and no more than there are."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from shared.flows.allot_stock import AllotStock, allot_stock
from shared.kit.errors import Malformed, Rejected
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock.types import (
    BalanceFencedOff,
    KitHasNoStock,
    NoSuchSpread,
    NotEnoughToAllot,
    UnknownSku,
    UnknownWarehouse,
)
from tests.flows import partitioned
from tests.flows.partitioned import allot, ordered, rows, spread, states
from tests.support import given


class Crash(Exception):
    """The process ends before the commit."""


def test_only_orders_of_the_sale_take_from_its_units(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    allot(database, 3)

    ordered(database, "a", 3)
    ordered(database, "b", 2)
    ordered(database, "c", 3, sale="friday")
    ordered(database, "d", 1, sale="monday")

    assert rows(database) == [(0, 2, 2, 0, ""), (64, 3, 3, 0, "friday")]
    assert states(database) == ["backordered", "placed", "placed", "backordered"]
    assert given.violations(database) == []


def test_an_order_of_the_sale_takes_from_everybodys_what_the_sale_has_not(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    allot(database, 2, into=2)
    spread(database, 3)

    ordered(database, "a", 4, sale="friday")

    assert states(database) == ["placed"]
    assert [promised for _, _, promised, *_ in rows(database)[3:]] == [1, 1]
    assert given.violations(database) == []


def test_an_allotment_is_spread_where_that_is_asked_for_and_safety_is_not_sold(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}}, safety=2)
    spread(database, 2)

    allot(database, 7, into=3, reference="r1")
    allot(database, 7, into=3, reference="r1")

    assert rows(database) == [
        (0, 1, 0, 1, ""),
        (1, 2, 0, 1, ""),
        (64, 3, 0, 0, "friday"),
        (65, 2, 0, 0, "friday"),
        (66, 2, 0, 0, "friday"),
    ]
    assert given.rows(
        database,
        "SELECT sum(quantity), min(actor), min(reason) FROM stock_movements"
        " WHERE kind = 'repartition' AND reference = 'allot:r1'",
    ) == [(0, "ada", "a sale")]
    assert given.violations(database) == []


def test_a_sale_may_get_more_and_two_sales_do_not_mix(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    allot(database, 2, into=2)
    allot(database, 3, sale="monday")

    allot(database, 3)

    assert rows(database) == [
        (0, 2, 0, 0, ""),
        (64, 3, 0, 0, "friday"),
        (65, 2, 0, 0, "friday"),
        (66, 3, 0, 0, "monday"),
    ]
    with pytest.raises(NoSuchSpread, match="in 2 rows; leave `into` out"):
        allot(database, 1, into=3)
    assert given.violations(database) == []


def test_more_than_is_free_is_refused_and_says_how_many_are(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}}, safety=1)
    ordered(database, "a", 3)
    allot(database, 2)

    with pytest.raises(NotEnoughToAllot, match="5 of MUG are asked for, and 4 are free") as caught:
        allot(database, 5, sale="monday")

    assert caught.value.facts == {"field": "units", "sku": "MUG", "warehouse": "BER", "free": 4}


@pytest.mark.parametrize(
    ("wanted", "refused", "field"),
    [
        ({"units": 0}, Malformed, "units"),
        ({"units": -5}, Malformed, "units"),
        ({"sale": ""}, Malformed, "sale"),
        ({"sale": "black friday"}, Malformed, "sale"),
        ({"into": 65}, NoSuchSpread, "into"),
        ({"sku": "GHOST"}, UnknownSku, "sku"),
        ({"sku": "SET"}, KitHasNoStock, "sku"),
        ({"warehouse": "XXX"}, UnknownWarehouse, "warehouse"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(
    database: Database, wanted: dict[str, Any], refused: type[Rejected], field: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(refused) as caught:
        allot(database, **{"units": 2, **wanted})

    assert caught.value.facts["field"] == field
    assert rows(database) == [(0, 8, 0, 0, "")]


def test_a_balance_that_is_fenced_off_gives_nothing(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    database.statement(text("UPDATE stock_levels SET fenced_for = 'broken'"))

    with pytest.raises(BalanceFencedOff):
        allot(database, 2)


def test_nothing_is_set_aside_when_the_process_ends_before_the_commit(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})

    def crashing(tx: Transaction, wanted: AllotStock) -> None:
        allot_stock(tx, wanted)
        raise Crash

    with pytest.raises(Crash):
        given.apply(
            database, crashing, AllotStock("friday", "MUG", "BER", 2, partitioned.word("r1"))
        )

    assert rows(database) == [(0, 8, 0, 0, "")]


def test_a_sale_and_everybody_race_and_nobody_gets_what_is_anothers(database: Database) -> None:
    # Goal: of ten units two sales ask for four each, while orders come: no unit is there twice.
    given.catalogue(database, {"BER": {"MUG": 10}})
    names = [f"ord_{number:02}" for number in range(6)]
    for name in names:
        given.order(database, name, {"MUG": 1})
    start = Barrier(3)

    def place_all() -> None:
        start.wait(timeout=10)
        for name in names:
            partitioned.insist(partial(partitioned.place, database, name))

    def set_aside(sale: str) -> bool:
        start.wait(timeout=10)
        try:
            partitioned.insist(partial(allot, database, 4, sale=sale, into=2))
        except NotEnoughToAllot:
            return False
        return True

    with ThreadPoolExecutor(max_workers=3) as workers:
        placing = workers.submit(place_all)
        sales = [workers.submit(set_aside, sale) for sale in ("friday", "monday")]
        placing.result(timeout=60)
        got = sum(sale.result(timeout=60) for sale in sales)

    placed = Counter(states(database))["placed"]
    assert placed == min(6, 10 - 4 * got)
    assert got >= 1
    assert given.violations(database) == []
