"""Orders are found by anything a caller would say, a page at a time, each once."""

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from shared.contracts.http_ops import OrderFilters
from shared.kit.errors import Malformed
from shared.ops import order_list
from shared.ops.order_list import Page, cursor, read_cursor
from shared.platform.db import Database
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def shop(database: Database, clock: TestClock) -> Database:
    """Five orders, a minute apart: two are placed in BER, one in LIS, two wait."""
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 0}, "LIS": {"MUG": 0, "PEN": 1}})
    for number, sku in enumerate(["MUG", "MUG", "PEN", "MUG", "PEN"], start=1):
        given.order(database, f"ord_{number}", {sku: 1})
        clock.advance(minutes=1)
        if number <= 4:
            given.place(database, f"ord_{number}")
    return database


def found(database: Database, scope: frozenset[str] | None = None, **asked: Any) -> list[str]:
    return [order.order_id for order in page(database, scope, **asked).orders]


def page(database: Database, scope: frozenset[str] | None = None, **asked: Any) -> Page:
    filters = OrderFilters.model_validate(asked)
    return database.run(lambda tx: order_list.order_list(tx, filters, scope), given.cause())


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"state": "placed"}, [3, 2, 1]),
        ({"state": "backordered"}, [4]),
        ({"state": "waiting", "priority": "standard"}, [5]),
        ({"priority": "express"}, []),
        ({"channel": "web"}, [5, 4, 3, 2, 1]),
        ({"channel": "market"}, []),
        ({"warehouse": "LIS"}, [3]),
        ({"q": "ord_2"}, [2]),
        ({"q": "ord_"}, [5, 4, 3, 2, 1]),
        ({"q": "ord%"}, []),
        ({"q": "PEN"}, [5, 3]),
        ({"q": "PEN", "state": "placed"}, [3]),
        ({"q": "10117"}, [5, 4, 3, 2, 1]),
        ({"q": "bErLiN", "warehouse": "BER"}, [2, 1]),
        ({"q": "nowhere"}, []),
        ({"late": True}, []),
    ],
)
def test_what_fits_is_found_the_newest_first(
    shop: Database, asked: dict[str, Any], numbers: list[int]
) -> None:
    assert found(shop, **asked) == [f"ord_{number}" for number in numbers]


def test_a_sku_that_many_orders_have_finds_the_same_ones(
    shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: what few have is listed, what many have is walked to. Whoever asks sees no difference.
    few = [found(shop, q="MUG"), found(shop, q="MUG", state="placed"), found(shop, q="PEN")]
    monkeypatch.setattr(order_list, "MANY", 3)

    many = [found(shop, q="MUG"), found(shop, q="MUG", state="placed"), found(shop, q="PEN")]

    assert many == few == [["ord_4", "ord_2", "ord_1"], ["ord_2", "ord_1"], ["ord_5", "ord_3"]]


def test_a_parcel_and_its_tracking_code_lead_to_their_order(shop: Database) -> None:
    (code,) = doubles.labelled(shop, "ord_1")
    (parcel_id,) = doubles.parcels_of(shop, "ord_1")

    assert found(shop, q=code) == ["ord_1"]
    assert found(shop, q=parcel_id) == ["ord_1"]


def test_of_late_orders_those_come_first_that_are_so_for_longest(
    shop: Database, clock: TestClock
) -> None:
    clock.advance(days=5)

    assert found(shop, late=True) == [f"ord_{number}" for number in range(1, 6)]
    assert all(order.is_late for order in page(shop, late=True).orders)


def test_whoever_has_warehouses_sees_what_is_theirs_and_what_is_nobodys(shop: Database) -> None:
    assert found(shop, frozenset({"LIS"})) == ["ord_5", "ord_4", "ord_3"]
    assert found(shop, frozenset({"LIS"}), q="ord_1") == []
    assert found(shop, frozenset()) == ["ord_5", "ord_4"]


@pytest.mark.parametrize("asked", [{}, {"q": "10117"}, {"late": True}])
def test_pages_have_every_order_once(
    shop: Database,
    clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, Any],
) -> None:
    clock.advance(days=5)
    monkeypatch.setattr(order_list, "PAGE", 2)
    order_list._statement.cache_clear()
    seen: list[str] = []
    following: str | None = ""
    while following is not None:
        got = page(shop, cursor=following, **asked)
        seen += [order.order_id for order in got.orders]
        following = got.next
    order_list._statement.cache_clear()

    assert len(seen) == 5
    assert set(seen) == {f"ord_{number}" for number in range(1, 6)}


@examples(st.text(max_size=60))
def test_a_cursor_that_was_not_given_out_is_refused(text: str) -> None:
    try:
        moment, order_id = read_cursor(text)
    except Malformed as error:
        assert error.field == "cursor"  # noqa: PT017  most are refused, some might be good
    else:
        assert read_cursor(cursor(moment, order_id)) == (moment, order_id)
