"""What can be promised is told when it changes: once, whatever happened in between."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from shared.flows import announce_availability as flow
from shared.flows.announce_availability import announce_availability
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock import stock_announced
from shared.stock import store as stock
from shared.stock.skus import Unit, put_skus
from tests.flows import partitioned
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock

Result = TypeVar("Result")
TOLD = """
    SELECT body::jsonb->'available', body::jsonb->'sold_out' FROM outbox
     WHERE attributes->>'ce-type' = 'dispatch.stock.available_changed.v1' ORDER BY outbox_id
"""


def announce(database: Database) -> list[tuple[Any, ...]]:
    """Housekeeping comes by; what it told, event by event."""

    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    given.silence(database)
    count = announce_availability(run)
    told = given.rows(database, TOLD)
    assert sum(len(available) for available, _ in told) == count
    return told


def test_all_that_can_be_promised_is_told_and_then_nothing(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 0}, "LIS": {"MUG": 4}}, safety=1)

    assert announce(database) == [({"MUG": 7}, [])]
    assert announce(database) == []


def test_what_is_not_released_yet_is_told_on_its_first_day(
    database: Database, clock: TestClock
) -> None:
    # Goal: what is announced is what can be promised. A kit with it cannot be sent either.
    given.catalogue(database, {"BER": {"GAME": 5, "PEN": 5}})
    given.kit(database, "BOX", {"GAME": 1, "PEN": 1})
    game = Unit("GAME", 500, released_at=clock.now + timedelta(days=1))
    database.run(lambda tx: put_skus(tx, [game]), given.cause())

    assert announce(database) == [({"PEN": 5}, [])]
    clock.advance(days=1)

    assert announce(database) == [({"BOX": 5, "GAME": 5}, [])]


def test_however_often_it_changes_it_is_told_once_and_says_what_is_sold_out(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 3, "PEN": 2, "CUP": 1}})
    announce(database)
    for n in range(3):
        given.order(database, f"ord_{n}", {"MUG": 1})
        given.place(database, f"ord_{n}")
    hold(database, "hold_1", {("PEN", "BER"): 1})
    given.order(database, "ord_c", {"CUP": 1})
    given.place(database, "ord_c")
    given.receive(database, "BER", {"CUP": 1})

    assert announce(database) == [({"MUG": 0, "PEN": 1}, ["MUG"])]
    assert given.rows(database, "SELECT sku, available FROM stock_announced ORDER BY 1") == [
        ("CUP", 1),
        ("MUG", 0),
        ("PEN", 1),
    ]


def test_a_kit_is_as_available_as_its_scarcest_component(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "TEA": 9}})
    given.kit(database, "SET", {"MUG": 2, "TEA": 1})
    given.kit(database, "BOX", {"MUG": 6})

    assert announce(database) == [({"MUG": 5, "SET": 2, "TEA": 9}, [])]
    given.receive(database, "BER", {"MUG": 1})

    assert announce(database) == [({"BOX": 1, "MUG": 6, "SET": 3}, [])]


def test_what_is_fenced_off_or_a_sales_own_is_not_on_offer(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}, "LIS": {"PEN": 2}})
    partitioned.allot(database, 3)
    assert announce(database) == [({"MUG": 2, "PEN": 7}, [])]

    database.statement(text("UPDATE stock_levels SET fenced_for = 'flood' WHERE warehouse = 'BER'"))

    assert announce(database) == [({"MUG": 0, "PEN": 2}, ["MUG"])]


def test_many_are_told_in_several_events_and_transactions_and_each_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "TOLD_AT_ONCE", 4)
    monkeypatch.setattr(flow, "PER_EVENT", 3)
    units = {f"SKU-{n}": n + 1 for n in range(9)}
    given.catalogue(database, {"BER": units})

    told = announce(database)

    assert [len(available) for available, _ in told] == [3, 1, 3, 1, 1]
    assert {sku: n for available, _ in told for sku, n in available.items()} == units
    assert announce(database) == []


def test_two_rounds_at_once_are_one(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    def while_another(tx: Transaction) -> None:
        assert stock_announced.unannounced(tx, "", 1) == {"MUG": 5}
        assert announce(database) == []

    database.run(while_another, given.cause())

    assert announce(database) == [({"MUG": 5}, [])]


def test_a_round_does_not_wait_for_an_order_that_is_being_placed(database: Database) -> None:
    # Goal: it only looks; what is promised meanwhile is told a minute later.
    given.catalogue(database, {"BER": {"MUG": 5}})

    def while_locked(tx: Transaction) -> None:
        stock.lock(tx, [("MUG", "BER")])
        assert announce(database) == [({"MUG": 5}, [])]

    database.run(while_locked, given.cause())
