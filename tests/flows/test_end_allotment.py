"""A sale ends: what is left is everybody's again, and who waits comes first."""

import pytest

from shared.contracts.orders import OrderCancelled
from shared.flows import end_allotment as flow
from shared.flows.cancel_order import cancel_order
from shared.platform.db import Database
from tests.flows import partitioned
from tests.flows.partitioned import allot, end, ordered, rows, spread, states
from tests.support import given


def test_what_is_left_goes_to_the_pool_and_what_is_promised_stays(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    allot(database, 5, into=2)
    ordered(database, "a", 4, sale="friday")
    given.silence(database)

    assert end(database) == 1

    assert rows(database)[0] == (0, 4, 0, 0, "")
    assert sorted(rows(database)[1:]) == [(64, 3, 3, 0, "shut"), (65, 1, 1, 0, "shut")]
    assert given.told(database) == ["stock.increased"]
    assert given.rows(database, "SELECT body::json->'available' FROM outbox") == [({"MUG": 4},)]
    assert given.violations(database) == []


def test_what_the_sale_had_promised_comes_back_when_it_is_cancelled(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 8}})
    allot(database, 5)
    ordered(database, "a", 2, sale="friday")
    end(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="a", reason="no"))

    partitioned.empty(database)

    assert rows(database) == [(0, 8, 0, 0, ""), (64, 0, 0, 0, "shut")]
    assert given.violations(database) == []


def test_who_waits_gets_the_units_before_anybody_new(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    allot(database, 4)
    ordered(database, "a", 3)
    given.silence(database)

    end(database)
    assert given.told(database) == ["work.place_order", "stock.increased"]
    ordered(database, "new", 2)
    partitioned.place(database, "a")

    assert states(database) == ["placed", "backordered"]
    assert given.violations(database) == []


def test_it_ends_once_and_a_sale_without_units_ends_as_well(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    allot(database, 4)
    end(database)
    given.silence(database)

    assert end(database) == 0
    assert end(database, "never") == 0

    assert given.told(database) == []
    assert rows(database) == [(0, 4, 0, 0, ""), (64, 0, 0, 0, "shut")]


def test_other_sales_keep_theirs(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    spread(database, 2)
    allot(database, 2)
    allot(database, 3, sale="monday")

    end(database)

    assert rows(database) == [
        (0, 3, 0, 0, ""),
        (1, 3, 0, 0, ""),
        (64, 0, 0, 0, "shut"),
        (65, 3, 0, 0, "monday"),
    ]


def test_a_sale_of_many_skus_ends_in_short_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    skus = [f"SKU-{number}" for number in range(5)]
    given.catalogue(database, {"BER": dict.fromkeys(skus, 3), "LIS": dict.fromkeys(skus, 3)})
    for sku in skus:
        allot(database, 2, sku=sku)
        allot(database, 2, sku=sku, warehouse="LIS")

    assert end(database) == 10

    assert {row[1:] for row in rows(database)} == {(3, 0, 0, ""), (0, 0, 0, "shut")}
    assert given.violations(database) == []
