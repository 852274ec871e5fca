"""Caps on what may wait: they count all that waits, also what begins to while they are set."""

import json
from threading import Thread

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.work import PlaceOrder
from shared.flows.cancel_order import cancel_order
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.orders import backorder_caps
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.flows.partitioned import reconcile
from tests.support import given
from tests.support.waiting import until_somebody_waits

CAPS = "SELECT sku, cap, taken FROM backorder_caps ORDER BY sku"


def cap(database: Database, **caps: int | None) -> None:
    database.run(lambda tx: backorder_caps.put(tx, caps), given.cause())


def test_a_cap_that_is_set_while_an_order_is_placed_counts_what_begins_to_wait(
    database: Database,
) -> None:
    # Goal: a cap that misses five units breaks when these wait no longer.
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 5})
    setting = Thread(target=lambda: cap(database, MUG=100))

    def place(tx: Transaction) -> None:
        place_order(tx, PlaceOrder(order_id="ord_1", priority="standard"), Rules())
        assert tx.row(text("SELECT 1")), "all is sent, and nothing is committed"
        if not setting.is_alive():
            setting.start()
            until_somebody_waits(database)

    database.run(place, given.cause())
    setting.join()

    assert given.rows(database, CAPS) == [("MUG", 100, 5)]
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    assert given.rows(database, CAPS) == [("MUG", 100, 0)]
    assert given.violations(database) == []


def test_caps_that_stay_as_they_are_stop_nobody(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 5})
    cap(database, MUG=9, PEN=None)

    def lock_an_order(tx: Transaction) -> None:
        tx.rows(text("SELECT FROM orders FOR UPDATE"))
        cap(database, MUG=9, PEN=None)

    database.run(lock_an_order, given.cause())

    assert given.rows(database, CAPS) == [("MUG", 9, 0)]


def test_a_cap_may_be_changed_and_dropped(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    cap(database, MUG=9, PEN=1)

    cap(database, MUG=7, PEN=None)

    assert given.rows(database, CAPS) == [("MUG", 7, 5)]


@pytest.mark.parametrize("taken", [0, 9])
def test_reconciliation_counts_again_what_waits(
    database: Database, capsys: pytest.CaptureFixture[str], taken: int
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    cap(database, MUG=9, PEN=1)
    database.statement(text(f"UPDATE backorder_caps SET taken = {taken} WHERE sku = 'MUG'"))
    capsys.readouterr()

    assert reconcile(database).recounted == 1

    assert given.rows(database, CAPS) == [("MUG", 9, 5), ("PEN", 1, 0)]
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["message"], line["sku"]) == ("backorder_cap.drift", "MUG")
    assert (line["found"], line["explained"]) == (taken, 5)
    assert reconcile(database).recounted == 0
