"""Cancelling only what has no parcel yet, in every state of an order."""

import pytest

from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.orders.types import NothingWaits
from shared.platform.db import Database
from tests.support import given

REST = OrderCancelled(order_id="ord_1", reason="too late", rest_only=True)


def test_of_an_order_that_waits_as_a_whole_the_rest_is_all(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    given.apply(database, cancel_order, REST)

    assert given.rows(database, "SELECT state FROM orders") == [("cancelled",)]
    assert given.violations(database) == []


def test_where_nothing_waits_it_is_refused_with_what_to_do(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    with pytest.raises(NothingWaits, match=r"rest_only: .* cancel the whole order"):
        given.apply(database, cancel_order, REST)


def test_what_was_kept_for_the_rest_is_everybodys_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 6, "PEN": 1})
    given.place(database, "ord_1")
    given.receive(database, "BER", {"PEN": 1})
    assert given.rows(database, "SELECT sum(held) FROM stock_levels") == [(1,)]

    given.apply(database, cancel_order, REST)

    assert given.rows(database, "SELECT sum(held) FROM stock_levels") == [(0,)]
    assert given.violations(database) == []
