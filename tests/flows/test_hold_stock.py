"""Holds for carts: all or nothing, once, from as few places as will do, and for a while."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.http_stock import HeldLine, HoldRequest, Place
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.hold_stock import hold_stock
from shared.flows.release_hold import release_hold
from shared.flows.renew_hold import renew_hold
from shared.holds import store as holds
from shared.holds.types import (
    LATEST_RELEASE,
    HeldUnits,
    Hold,
    HoldConflict,
    HoldEnded,
    HoldState,
    NotEnoughStock,
    Purpose,
    UnknownHold,
)
from shared.orders import store as orders
from shared.platform.db import Database
from shared.stock import store as stock
from shared.stock.skus import Unit, put_skus
from shared.stock.types import Change, Key, UnknownSku, UnknownWarehouse
from tests.support import given
from tests.support.clock import TestClock

TTL_S = 900
HELD = "SELECT sku, warehouse, held FROM stock_levels WHERE held > 0 ORDER BY 1, 2"


def hold(
    database: Database, hold_id: str, wants: Mapping[str, int], **fields: Any
) -> tuple[Hold, bool]:
    request = HoldRequest(
        hold_id=hold_id,
        lines=tuple(HeldLine(sku=sku, quantity=n) for sku, n in wants.items()),
        **fields,
    )
    return database.run(lambda tx: hold_stock(tx, request, TTL_S), given.cause())


def renew(database: Database, hold_id: str) -> Hold:
    return database.run(lambda tx: renew_hold(tx, hold_id, TTL_S), given.cause())


def release(database: Database, hold_id: str) -> Hold:
    return database.run(lambda tx: release_hold(tx, hold_id), given.cause())


def test_a_cart_holds_what_it_wants_for_a_while_and_somewhat_longer(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    made, is_new = hold(database, "cart_1", {"MUG": 2})

    assert is_new
    assert made.expires_at == clock.now + timedelta(seconds=TTL_S)
    assert made.release_at is not None
    assert timedelta() <= made.release_at - made.expires_at <= LATEST_RELEASE
    assert given.rows(database, HELD) == [("MUG", "BER", 2)]
    assert given.violations(database) == []


def test_holds_that_end_together_are_given_back_apart(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 40}})
    made = [hold(database, f"cart_{n}", {"MUG": 1})[0] for n in range(40)]

    assert len({one.expires_at for one in made}) == 1
    assert len({one.release_at for one in made}) > 35


def test_the_same_hold_again_is_the_one_that_is_there(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    first, _ = hold(database, "cart_1", {"MUG": 2})
    again, is_new = hold(database, "cart_1", {"MUG": 2})

    assert (again, is_new) == (first, False)
    assert given.rows(database, HELD) == [("MUG", "BER", 2)]


def test_the_same_hold_with_other_contents_is_a_conflict(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 2})

    with pytest.raises(HoldConflict) as refused:
        hold(database, "cart_1", {"MUG": 3})

    assert refused.value.facts["known_fingerprint"] != refused.value.facts["fingerprint"]
    assert given.rows(database, HELD) == [("MUG", "BER", 2)]


def test_a_cart_holds_all_or_nothing_and_is_told_what_is_missing(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 1}, "LIS": {"PEN": 1}})
    given.kit(database, "SET", {"MUG": 1, "PEN": 2})

    with pytest.raises(NotEnoughStock) as refused:
        hold(database, "cart_1", {"MUG": 1, "PEN": 1, "SET": 1})

    assert refused.value.missing == {"PEN": 1}
    fields = [wrong.field for wrong in refused.value.wrong]
    assert fields == ["lines.1.quantity", "lines.2.quantity"]
    assert given.rows(database, HELD) == []
    assert given.rows(database, "SELECT count(*) FROM stock_holds") == [(0,)]


def test_a_kit_is_held_as_its_components(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "TEA": 9}})
    given.kit(database, "SET", {"MUG": 1, "TEA": 2})

    hold(database, "cart_1", {"SET": 2, "MUG": 1})

    assert given.rows(database, HELD) == [("MUG", "BER", 3), ("TEA", "BER", 4)]


@pytest.mark.parametrize(
    ("fields", "warehouses"),
    [
        ({}, {"LIS"}),  # the only one that has both
        ({"warehouse": "BER"}, {"LIS"}),  # a preference costs no second place
    ],
)
def test_one_warehouse_is_enough_where_one_can_serve_all(
    database: Database, fields: Mapping[str, Any], warehouses: set[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 2, "PEN": 2}, "MUC": {"PEN": 5}})

    made, _ = hold(database, "cart_1", {"MUG": 2, "PEN": 2}, **fields)

    assert {item.warehouse for item in made.items} == warehouses


@pytest.mark.parametrize(
    ("fields", "warehouse"),
    [
        ({}, "BER"),
        ({"warehouse": "MUC"}, "MUC"),
        ({"destination": Place(lat=38.7, lon=-9.1)}, "LIS"),
        ({"destination": Place(lat=38.7, lon=-9.1), "warehouse": "MUC"}, "MUC"),
    ],
)
def test_of_equals_the_preferred_comes_first_then_the_nearest_then_the_first_by_name(
    database: Database, fields: Mapping[str, Any], warehouse: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}, "MUC": {"MUG": 5}})

    made, _ = hold(database, "cart_1", {"MUG": 1}, **fields)

    assert [item.warehouse for item in made.items] == [warehouse]


def test_what_no_place_has_alone_is_held_in_as_few_as_possible(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}, "LIS": {"MUG": 3}, "MUC": {"MUG": 2}})

    made, _ = hold(database, "cart_1", {"MUG": 5})

    units = {item.warehouse: item.quantity for item in made.items}
    assert units == {"LIS": 3, "MUC": 2}


def test_a_channels_carts_count_against_its_share(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 9}})
    database.run(lambda tx: orders.set_scope(tx, "market", {"BER": 50}), given.cause())

    hold(database, "cart_1", {"MUG": 3}, channel="market")
    with pytest.raises(NotEnoughStock):
        hold(database, "cart_2", {"MUG": 3}, channel="market")
    hold(database, "cart_3", {"MUG": 3}, channel="web")
    given.order(database, "ord_1", {"MUG": 5}, channel="market", hold_id="cart_1")
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_a_share_is_one_of_all_partitions(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    given.spread(database, "MUG", "BER", [4, 3, 3])
    database.run(lambda tx: orders.set_scope(tx, "market", {"BER": 50}), given.cause())

    for number in range(5):
        hold(database, f"cart_{number}", {"MUG": 1}, channel="market")
    with pytest.raises(NotEnoughStock):
        hold(database, "cart_5", {"MUG": 1}, channel="market")


def test_a_cart_tries_the_other_partitions_where_its_own_is_empty(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    given.spread(database, "MUG", "BER", [9, 0, 1])

    for number in range(10):
        hold(database, f"cart_{number}", {"MUG": 1})

    assert given.rows(database, "SELECT sum(held) FROM stock_levels") == [(10,)]
    assert given.violations(database) == []


def test_nothing_is_held_of_what_is_not_released_or_fenced_off(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"GAME": 5, "MUG": 5}})
    release_at = clock.now + timedelta(days=1)
    game = Unit("GAME", 500, released_at=release_at)
    database.run(lambda tx: put_skus(tx, [game]), given.cause())
    given.rows(database, "UPDATE stock_levels SET fenced_for = 'x' WHERE sku = 'MUG' RETURNING 1")

    for sku in ("GAME", "MUG"):
        with pytest.raises(NotEnoughStock):
            hold(database, f"cart_{sku}", {sku: 1})


def test_what_nobody_knows_is_named(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(UnknownSku) as refused:
        hold(database, "cart_1", {"MUG": 1, "CUP": 1})
    assert refused.value.facts["field"] == "lines.1.sku"
    with pytest.raises(UnknownWarehouse):
        hold(database, "cart_1", {"MUG": 1}, warehouse="ROM")
    for ask in (renew, release):
        with pytest.raises(UnknownHold):
            ask(database, "cart_9")


def test_ten_carts_race_for_four_units(database: Database) -> None:
    # Goal: never hold a unit twice, whatever the interleaving.
    given.catalogue(database, {"BER": {"MUG": 5}}, safety=1)

    def try_to_hold(number: int) -> bool:
        try:
            hold(database, f"cart_{number}", {"MUG": 1})
        except NotEnoughStock:
            return False
        return True

    with ThreadPoolExecutor(max_workers=8) as pool:
        won = list(pool.map(try_to_hold, range(10)))

    assert sum(won) == 4
    assert given.rows(database, HELD) == [("MUG", "BER", 4)]
    assert given.violations(database) == []


def test_one_cart_that_asks_many_times_at_once_holds_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 50}})

    with ThreadPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(lambda _: hold(database, "cart_1", {"MUG": 2}), range(8)))

    assert sum(is_new for _, is_new in made) == 1
    assert given.rows(database, HELD) == [("MUG", "BER", 2)]


def test_a_renewed_hold_lasts_from_now_on(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 2})
    clock.advance(seconds=TTL_S - 1)

    renewed = renew(database, "cart_1")

    assert renewed.expires_at == clock.now + timedelta(seconds=TTL_S)
    assert hold(database, "cart_1", {"MUG": 2}) == (renewed, False)


def test_a_hold_that_has_ended_cannot_be_renewed(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    for name in ("released", "used", "overdue"):
        hold(database, name, {"MUG": 1})
    release(database, "released")
    given.order(database, "ord_1", {"MUG": 1}, hold_id="used")
    given.place(database, "ord_1")
    clock.advance(seconds=TTL_S)

    for name in ("released", "used", "overdue"):
        with pytest.raises(HoldEnded):
            renew(database, name)


def test_a_hold_serves_its_order_until_its_units_are_given_back(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    hold(database, "cart_1", {"MUG": 1})
    clock.advance(seconds=TTL_S)
    given.order(database, "ord_1", {"MUG": 1}, hold_id="cart_1")

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]


@pytest.mark.parametrize("purpose", [Purpose.TRANSFER, Purpose.QUARANTINE])
def test_an_order_gets_nothing_by_naming_a_hold_of_the_house(
    database: Database, purpose: Purpose
) -> None:
    # Goal: what is promised to another warehouse, or nobody has looked at yet, is no customer's.
    given.catalogue(database, {"BER": {"MUG": 1}})
    theirs = Hold(
        hold_id="hld_house",
        purpose=purpose,
        reference="whatever",
        channel=None,
        sale=None,
        state=HoldState.OPEN,
        created_at=database.now(),
        expires_at=None,
        release_at=None,
        items=(HeldUnits("MUG", "BER", 0, 1),),
    )
    held = Change(Key("MUG", "BER"), held=1)
    database.run(lambda tx: tx.write(*holds.insert(theirs), stock.change([held])), given.cause())
    given.order(database, "ord_1", {"MUG": 1}, hold_id="hld_house")

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("backordered",)]
    assert given.rows(database, HELD) == [("MUG", "BER", 1)]


def test_an_order_gets_nothing_by_naming_a_hold_of_another_channel(database: Database) -> None:
    # Goal: who guesses or reads an id takes nobody's cart, neither by placing nor by cancelling.
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 5}, channel="web")
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 5}, hold_id="cart_1", channel="market")
    given.order(database, "ord_3", {"MUG": 5}, hold_id="cart_1")

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    assert given.rows(database, HELD) == [("MUG", "BER", 5)]
    given.place(database, "ord_2")
    given.place(database, "ord_3")

    assert given.rows(database, "SELECT order_id, state FROM orders ORDER BY 1") == [
        ("ord_1", "cancelled"),
        ("ord_2", "backordered"),
        ("ord_3", "placed"),
    ]
    assert given.violations(database) == []


def test_a_released_hold_gives_its_units_back_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 2})

    assert [release(database, "cart_1").state for _ in range(2)] == [HoldState.RELEASED] * 2

    assert given.rows(database, HELD) == []
    assert given.told(database) == ["stock.increased"]
    assert given.violations(database) == []


def test_what_an_order_has_taken_cannot_be_released(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 2})
    given.order(database, "ord_1", {"MUG": 2}, hold_id="cart_1")
    given.place(database, "ord_1")

    with pytest.raises(HoldEnded):
        release(database, "cart_1")
