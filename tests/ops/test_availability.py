"""What can be promised, for a channel and some warehouses, of kits as of single SKUs."""

from datetime import timedelta
from typing import Any

from shared.ops.availability import available_to_promise
from shared.orders import store as orders
from shared.platform.db import Database
from shared.platform.sql import text
from shared.stock.skus import Unit, put_skus
from tests.flows import partitioned
from tests.flows.test_hold_stock import hold
from tests.support import given
from tests.support.clock import TestClock


def promised(database: Database, *skus: str, **where: Any) -> dict[str, tuple[int, dict[str, int]]]:
    """SKU -> what is available, and how much of it in each warehouse."""
    found = database.run(lambda tx: available_to_promise(tx, skus, **where), given.cause())
    return {line.sku: (line.available, line.warehouses) for line in found}


def test_what_can_be_promised_is_what_nobody_was_promised(database: Database) -> None:
    given.catalogue(database, {"BER": {"PEN": 6}, "LIS": {"PEN": 4, "TEA": 2}}, safety=1)
    given.kit(database, "SET", {"PEN": 2, "TEA": 1})
    hold(database, "cart_1", {"PEN": 1}, warehouse="LIS")
    given.order(database, "ord_1", {"PEN": 1})
    given.place(database, "ord_1")

    assert promised(database, "PEN", "SET", "TEA", "CUP") == {
        "PEN": (6, {"BER": 4, "LIS": 2}),
        "SET": (1, {"LIS": 1}),
        "TEA": (1, {"LIS": 1}),
    }
    assert promised(database, "PEN", "SET", warehouses=["BER"]) == {
        "PEN": (4, {"BER": 4}),
        "SET": (0, {}),
    }


def test_a_channel_sees_its_warehouses_and_what_is_left_of_its_share(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 9}, "MUC": {"MUG": 9}})
    database.run(lambda tx: orders.set_scope(tx, "market", {"BER": 60, "LIS": 100}), given.cause())
    hold(database, "cart_1", {"MUG": 2}, channel="market", warehouse="BER")

    assert promised(database, "MUG", channel="market") == {"MUG": (10, {"BER": 1, "LIS": 9})}
    assert promised(database, "MUG", channel="web")["MUG"][0] == 21


def test_a_kit_may_come_from_several_warehouses(database: Database) -> None:
    given.catalogue(database, {"BER": {"PEN": 5}, "LIS": {"TEA": 7}})
    given.kit(database, "SET", {"PEN": 2, "TEA": 3})

    assert promised(database, "SET") == {"SET": (2, {})}


def test_nothing_is_promised_of_what_is_fenced_off_not_released_or_of_a_sale(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"GAME": 5, "PEN": 5}, "LIS": {"PEN": 3}})
    game = Unit("GAME", 500, released_at=clock.now + timedelta(days=1))
    database.run(lambda tx: put_skus(tx, [game]), given.cause())
    database.statement(text("UPDATE stock_levels SET fenced_for = 'x' WHERE warehouse = 'LIS'"))
    partitioned.allot(database, 3, sku="PEN")

    assert promised(database, "PEN", "GAME") == {"PEN": (2, {"BER": 2}), "GAME": (0, {})}
    assert promised(database, "PEN", sale="friday") == {"PEN": (5, {"BER": 5})}
