"""Holds end by themselves; their units go to who waits first, and then to everybody."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from shared.contracts.orders import ServiceLevel
from shared.flows import expire_holds as flow
from shared.flows.expire_holds import expire_holds
from shared.flows.waitlist import KEPT_AGAIN_AFTER, KEPT_FOR
from shared.holds import store as holds
from shared.holds.types import LATEST_RELEASE, HeldUnits, Hold, HoldState, Purpose, release_of
from shared.orders import store as orders
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock import store as stock
from shared.stock.types import Change, Key
from tests.flows.test_hold_stock import HELD, TTL_S, hold, release
from tests.support import given
from tests.support.clock import TestClock

Result = TypeVar("Result")

STATES = "SELECT order_id, state FROM orders ORDER BY 1"
KEPT = """
    SELECT reference, sku, warehouse, quantity
      FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE purpose = 'waitlist' AND state = 'open' ORDER BY 1, 2, 3
"""


def expire(database: Database) -> int:
    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    return expire_holds(run)


def waits(database: Database, order_id: str, wants: Mapping[str, int], **fields: Any) -> None:
    """An order that finds too little and waits."""
    given.order(database, order_id, wants, **fields)
    given.place(database, order_id)


def asked_for(database: Database) -> list[tuple[Any, ...]]:
    """(queue, order) of the placement work in the outbox."""
    return given.rows(
        database,
        "SELECT destination, body::json->>'order_id' FROM outbox WHERE kind = 'queue'"
        " AND attributes->>'ce-type' = 'dispatch.work.place_order.v1' ORDER BY outbox_id",
    )


def test_a_hold_ends_when_its_release_is_due_and_not_before(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    made, _ = hold(database, "cart_1", {"MUG": 2})
    assert made.release_at is not None

    clock.now = made.release_at - timedelta(milliseconds=1)
    assert expire(database) == 0
    clock.now = made.release_at
    assert [expire(database), expire(database)] == [1, 0]

    assert given.rows(database, "SELECT state FROM stock_holds") == [("expired",)]
    assert given.rows(database, HELD) == []
    assert given.told(database) == ["stock.increased"]
    assert given.violations(database) == []


@pytest.mark.slow
def test_thousands_that_end_together_are_ended_in_short_steps(
    database: Database, clock: TestClock
) -> None:
    # Goal: set-wise, so that a step of two hundred holds is a handful of statements.
    given.catalogue(database, {"BER": {"MUG": 3_000, "PEN": 3_000}})
    ends = clock.now + timedelta(seconds=TTL_S)

    def make(tx: Transaction) -> None:
        made = [
            Hold(
                name, Purpose.CART, name, None, None, HoldState.OPEN, tx.now, ends,
                release_of(name, ends),
                (HeldUnits("MUG", "BER", 0, 1), HeldUnits("PEN", "BER", 0, 1)),
            )
            for name in (f"cart_{n}" for n in range(3_000))
        ]  # fmt: skip
        changes = [Change(Key(sku, "BER"), held=3_000) for sku in ("MUG", "PEN")]
        tx.write(*holds.insert(*made), stock.change(changes))

    database.run(make, given.cause())
    clock.now = ends + LATEST_RELEASE / 2
    half = expire(database)
    clock.now = ends + LATEST_RELEASE

    assert 1_200 < half < 1_800
    assert half + expire(database) == 3_000
    assert given.rows(database, HELD) == []
    steps = -(-half // flow.AT_ONCE) + -(-(3_000 - half) // flow.AT_ONCE)
    assert len(given.told(database)) <= steps + 2
    assert given.violations(database) == []


def test_one_run_has_a_limit_and_the_next_goes_on(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    monkeypatch.setattr(flow, "MOST_STEPS", 2)
    given.catalogue(database, {"BER": {"MUG": 5}})
    for number in range(5):
        hold(database, f"cart_{number}", {"MUG": 1})
    clock.advance(seconds=TTL_S + 120)

    assert [expire(database), expire(database)] == [4, 1]


def test_several_runs_at_once_end_every_hold_once_while_orders_use_theirs(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 3)
    given.catalogue(database, {"BER": {"MUG": 30}})
    for number in range(30):
        hold(database, f"cart_{number}", {"MUG": 1})
    for number in range(10):
        given.order(database, f"ord_{number}", {"MUG": 1}, hold_id=f"cart_{number}")
    clock.advance(seconds=TTL_S + 120)

    with ThreadPoolExecutor(max_workers=5) as pool:
        runs = [pool.submit(expire, database) for _ in range(3)]
        list(pool.map(lambda n: given.place(database, f"ord_{n}"), range(10)))
    ended = sum(run.result() for run in runs) + expire(database)

    consumed = given.rows(database, "SELECT count(*) FROM stock_holds WHERE state = 'consumed'")
    assert ended + consumed[0][0] == 30
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(10, 0)]
    assert given.violations(database) == []


def test_released_units_go_to_who_waits_and_not_to_who_comes_anew(database: Database) -> None:
    # Goal: between the release and the waking of the waiting order, nobody can take its units.
    given.catalogue(database, {"BER": {"MUG": 2}})
    hold(database, "cart_1", {"MUG": 2})
    waits(database, "first", {"MUG": 2})
    given.silence(database)

    release(database, "cart_1")
    given.order(database, "fresh", {"MUG": 1})
    given.place(database, "fresh")
    assert asked_for(database) == [("placement-standard", "first")]
    given.place(database, "first")

    assert given.rows(database, STATES) == [("first", "placed"), ("fresh", "backordered")]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(2, 0)]
    assert given.violations(database) == []


def test_what_an_order_leaves_of_its_cart_goes_to_who_waits_and_not_to_who_comes_anew(
    database: Database,
) -> None:
    # Goal: five are held, three are ordered. The two that are left are for who has waited.
    given.catalogue(database, {"BER": {"MUG": 5}})
    hold(database, "cart_1", {"MUG": 5})
    waits(database, "first", {"MUG": 2})

    given.order(database, "owner", {"MUG": 3}, hold_id="cart_1")
    given.place(database, "owner")
    given.order(database, "fresh", {"MUG": 2})
    given.place(database, "fresh")
    expire(database)
    assert given.rows(database, KEPT) == [("first", "MUG", "BER", 2)]
    given.place(database, "first")

    assert given.rows(database, STATES) == [
        ("first", "placed"),
        ("fresh", "backordered"),
        ("owner", "placed"),
    ]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(5, 0)]
    assert given.violations(database) == []


def test_the_most_urgent_are_served_first_and_what_is_left_is_for_everybody(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    hold(database, "cart_1", {"MUG": 4})
    waits(database, "bulk", {"MUG": 2}, service_level=ServiceLevel.ECONOMY)
    waits(database, "large", {"MUG": 9}, service_level=ServiceLevel.EXPRESS)
    waits(database, "usual", {"MUG": 2})
    waits(database, "express", {"MUG": 1}, service_level=ServiceLevel.EXPRESS)
    given.silence(database)
    clock.advance(seconds=TTL_S + 120)

    expire(database)

    assert given.rows(database, KEPT) == [("express", "MUG", "BER", 1), ("usual", "MUG", "BER", 2)]
    assert given.rows(
        database, "SELECT body::jsonb->'available' FROM outbox WHERE destination = 'stock-events'"
    ) == [({"MUG": 1},)]
    assert given.violations(database) == []


def test_units_are_added_to_what_is_free_already_and_elsewhere(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "LIS": {"MUG": 1, "PEN": 1}})
    hold(database, "cart_1", {"MUG": 2}, warehouse="BER")
    waits(database, "ord_1", {"MUG": 4, "PEN": 1})

    release(database, "cart_1")

    assert given.rows(database, KEPT) == [("ord_1", "MUG", "BER", 3)]
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.violations(database) == []


def test_nothing_is_kept_for_who_could_not_use_it(database: Database) -> None:
    # Goal: an order that waits for something else does not take units off sale.
    given.catalogue(database, {"BER": {"MUG": 6, "TEA": 0, "PEN": 5}, "LIS": {"MUG": 0}})
    database.run(lambda tx: orders.set_scope(tx, "south", {"LIS": 100}), given.cause())
    database.run(lambda tx: orders.set_scope(tx, "small", {"BER": 10}), given.cause())
    given.kit(database, "SET", {"MUG": 1, "TEA": 1})
    hold(database, "cart_1", {"MUG": 6})
    waits(database, "a_no_tea", {"MUG": 1, "TEA": 1})
    waits(database, "b_kit", {"SET": 1})
    waits(database, "c_elsewhere", {"MUG": 1}, channel="south")
    waits(database, "d_share", {"MUG": 1}, channel="small")
    waits(database, "e_can", {"MUG": 2, "PEN": 1})

    release(database, "cart_1")

    assert given.rows(database, KEPT) == [("e_can", "MUG", "BER", 2)]


def test_two_releases_serve_two_orders(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    for number in (1, 2):
        hold(database, f"cart_{number}", {"MUG": 2})
    for number in (1, 2):
        waits(database, f"ord_{number}", {"MUG": 2})

    release(database, "cart_1")
    release(database, "cart_2")

    assert given.rows(database, KEPT) == [("ord_1", "MUG", "BER", 2), ("ord_2", "MUG", "BER", 2)]


def test_what_was_kept_in_vain_goes_to_the_next_in_line_and_then_to_everybody(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    hold(database, "cart_1", {"MUG": 1})
    waits(database, "ord_1", {"MUG": 1})
    waits(database, "ord_2", {"MUG": 1})
    release(database, "cart_1")
    kept = []
    for _ in range(3):
        kept.append([row[0] for row in given.rows(database, KEPT)])
        clock.advance(seconds=(KEPT_FOR + LATEST_RELEASE).total_seconds())
        expire(database)

    assert kept == [["ord_1"], ["ord_2"], []]
    assert given.rows(database, HELD) == []
    clock.advance(seconds=KEPT_AGAIN_AFTER.total_seconds())
    hold(database, "cart_2", {"MUG": 1})
    release(database, "cart_2")
    assert given.rows(database, KEPT) == [("ord_1", "MUG", "BER", 1)]


def test_what_its_cart_held_and_what_was_kept_for_it_serve_an_order_together(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    hold(database, "cart_1", {"MUG": 1})
    hold(database, "cart_2", {"MUG": 2})
    waits(database, "ord_1", {"MUG": 3}, hold_id="cart_1")

    release(database, "cart_2")
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.rows(database, "SELECT DISTINCT state FROM stock_holds ORDER BY 1") == [
        ("consumed",),
        ("released",),
    ]
    assert given.violations(database) == []


def test_units_below_a_raised_safety_are_promised_to_nobody(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    hold(database, "cart_1", {"MUG": 3})
    waits(database, "ord_1", {"MUG": 2})
    database.statement(text("UPDATE stock_levels SET safety = 2"))

    release(database, "cart_1")

    assert given.rows(database, KEPT) == []
    assert given.violations(database) == []
