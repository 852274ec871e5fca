"""Changing an order: a higher revision replaces its lines, and it is placed anew."""

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.kit.lifecycle import IllegalTransition
from shared.orders.types import TooLateToChange
from shared.platform.db import Database
from shared.stock.types import UnknownSku
from tests.flows import doubles
from tests.support import given


def amended(revision: int, sku: str = "MUG", quantity: int = 1) -> OrderAmended:
    line = OrderedLine(line_no=7, sku=sku, quantity=quantity, unit_price_cents=900)
    return OrderAmended(order_id="ord_1", revision=revision, lines=(line,))


def test_a_waiting_order_gets_its_new_lines_and_is_announced_as_changed(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.silence(database)

    given.apply(database, change_order, amended(2, "PEN", 3))

    assert given.rows(database, "SELECT line_no, sku, quantity FROM order_lines") == [(7, "PEN", 3)]
    assert given.rows(database, "SELECT state, revision FROM orders") == [("waiting", 2)]
    assert given.told(database) == ["order.changed"]


def test_a_backordered_order_can_be_made_small_enough(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    given.apply(database, change_order, amended(2))
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT allocated, backordered FROM order_lines") == [(1, 0)]
    assert given.violations(database) == []


def test_a_placed_order_gives_its_stock_back_before_it_is_placed_anew(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    given.silence(database)

    given.apply(database, change_order, amended(2, quantity=4))

    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(0,)]
    assert given.rows(database, "SELECT state, placed_at FROM orders") == [("waiting", None)]
    assert given.told(database) == ["parcel.cancelled", "stock.increased", "order.changed"]
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(4,)]
    assert given.rows(database, "SELECT state FROM parcels ORDER BY 1") == [
        ("cancelled",),
        ("planned",),
    ]
    assert given.violations(database) == []


@pytest.mark.parametrize("revision", [2, 3])
def test_a_revision_that_is_not_newer_is_ignored(database: Database, revision: int) -> None:
    # Goal: changes may come twice and out of order; the highest revision stands in the end.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.apply(database, change_order, amended(3, quantity=3))
    given.silence(database)

    given.apply(database, change_order, amended(revision, quantity=5))

    assert given.rows(database, "SELECT quantity FROM order_lines") == [(3,)]
    assert given.told(database) == []


@pytest.mark.parametrize("revisions", [(2, 3), (3, 2)])
def test_changes_that_overtook_their_order_change_it_as_it_comes(
    database: Database, revisions: tuple[int, int]
) -> None:
    # Goal: the highest revision stands, in whichever order they came.
    given.catalogue(database, {"BER": {"MUG": 9}})
    for revision in revisions:
        given.apply(database, change_order, amended(revision, quantity=revision))

    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT revision, state FROM orders") == [(3, "placed")]
    assert given.rows(database, "SELECT sum(quantity) FROM parcel_items") == [(3,)]
    assert given.violations(database) == []


def test_a_change_that_overtook_its_order_is_refused_at_once_when_it_is_wrong(
    database: Database,
) -> None:
    with pytest.raises(UnknownSku):
        given.apply(database, change_order, amended(2, "GHOST"))


def test_an_unknown_sku_leaves_the_placed_order_as_it_was(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    with pytest.raises(UnknownSku) as caught:
        given.apply(database, change_order, amended(2, "GHOST"))

    assert caught.value.facts["field"] == "lines.0.sku"
    assert given.rows(database, "SELECT state, revision FROM orders") == [("placed", 1)]
    assert given.violations(database) == []


def test_an_order_whose_label_is_bought_is_placed_anew_and_the_label_is_voided(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")

    given.apply(database, change_order, amended(2))
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT revision, state FROM orders") == [(2, "placed")]
    assert given.rows(database, "SELECT state FROM labels") == [("void_requested",)]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(1,)]
    assert given.violations(database) == []


def test_a_line_that_is_cancelled_gives_back_exactly_what_it_held(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    given.order(database, "ord_1", {"MUG": 2, "PEN": 3})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")

    given.apply(database, change_order, amended(2, "PEN", 3))
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT sku, reserved FROM stock_levels ORDER BY 1") == [
        ("MUG", 0),
        ("PEN", 3),
    ]
    assert given.violations(database) == []


def test_once_a_parcel_is_picked_it_is_too_late(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, parcel_id)

    with pytest.raises(TooLateToChange) as caught:
        given.apply(database, change_order, amended(2))

    assert caught.value.facts["parcel_id"] == parcel_id
    assert given.rows(database, "SELECT revision, state FROM orders") == [(1, "placed")]
    assert given.violations(database) == []


def test_a_cancelled_order_cannot_be_changed(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    with pytest.raises(IllegalTransition):
        given.apply(database, change_order, amended(2))
