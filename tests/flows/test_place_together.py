"""Placing what waits in a queue together: fair, each order for itself, and never one unit twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import patch

import pytest

from emulators.bench.trips import counted
from shared.contracts.orders import ServiceLevel
from shared.contracts.work import PlaceOrder
from shared.flows import table
from shared.flows.place_order import Crowd, place_waiting
from shared.flows.rules import Rules
from shared.orders import backorder_caps
from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.placement.engine import decide
from shared.placement.types import Demand, Limits, Placement, Shortage, Site
from shared.platform.db import Database, Transaction
from tests.flows.test_hold_stock import hold as hold_stock
from tests.flows.test_supply import hold
from tests.support import given

STATES = "SELECT order_id, state FROM orders ORDER BY 1"


def place(
    database: Database, order_id: str, *, priority: str = "standard", alone: bool = False
) -> None:
    """The work of one order comes up."""
    work = PlaceOrder(order_id=order_id, priority=priority)
    place_waiting(partial(database.run, cause=given.cause()), work, Rules(), Crowd(), alone=alone)


def wait(database: Database, number: int, wants: dict[str, int], **fields: object) -> list[str]:
    names = [f"ord_{n}" for n in range(1, number + 1)]
    for name in names:
        given.order(database, name, wants, **fields)  # type: ignore[arg-type]  # of the event
    return names


def test_who_waits_in_the_same_queue_is_placed_along(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    wait(database, 3, {"MUG": 2})

    place(database, "ord_3")

    assert given.rows(database, STATES) == [(f"ord_{n}", "placed") for n in (1, 2, 3)]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(6,)]
    assert given.violations(database) == []


def test_other_queues_are_left_alone(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    given.order(database, "ord_1", {"MUG": 1}, service_level=ServiceLevel.EXPRESS)
    given.order(database, "ord_2", {"MUG": 1})

    place(database, "ord_1", priority="express")

    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "waiting")]


def test_while_something_urgent_waits_nobody_is_placed_along(database: Database) -> None:
    # Goal: a flood of bulk does not hold the locks of fifty while an express order wants them.
    given.catalogue(database, {"BER": {"MUG": 9}})
    wait(database, 3, {"MUG": 1})
    given.order(database, "urgent", {"MUG": 1}, service_level=ServiceLevel.EXPRESS)

    place(database, "ord_1")
    assert [state for _, state in given.rows(database, STATES)].count("placed") == 1

    place(database, "urgent", priority="express")
    place(database, "ord_2")
    assert [state for _, state in given.rows(database, STATES)].count("placed") == 4


def test_an_order_alone_is_placed_alone(database: Database) -> None:
    # Goal: what went wrong once is not tried again in the company that may be the reason.
    given.catalogue(database, {"BER": {"MUG": 9}})
    wait(database, 2, {"MUG": 1})

    place(database, "ord_2", alone=True)

    assert given.rows(database, STATES) == [("ord_1", "waiting"), ("ord_2", "placed")]


def test_the_last_units_go_to_those_who_were_first(database: Database) -> None:
    # Goal: whose work comes up first is chance; who asked first is served first.
    given.catalogue(database, {"BER": {"MUG": 3}})
    wait(database, 3, {"MUG": 1})
    given.order(database, "ord_4", {"MUG": 1})

    place(database, "ord_4")

    assert given.rows(database, STATES) == [
        ("ord_1", "placed"),
        ("ord_2", "placed"),
        ("ord_3", "placed"),
        ("ord_4", "backordered"),
    ]


def test_what_cannot_be_placed_holds_up_nobody(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3, "PEN": 1}})
    given.order(database, "ord_1", {"PEN": 2})
    given.order(database, "ord_2", {"MUG": 4})
    given.order(database, "ord_3", {"MUG": 1, "PEN": 1})

    place(database, "ord_3")

    assert given.rows(database, STATES) == [
        ("ord_1", "backordered"),
        ("ord_2", "backordered"),
        ("ord_3", "placed"),
    ]
    assert given.violations(database) == []


def test_work_that_was_done_by_others_still_serves_the_queue(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    given.order(database, "ord_1", {"MUG": 1})
    place(database, "ord_1")
    given.order(database, "ord_2", {"MUG": 1})

    place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "placed")]


def test_what_nobody_can_decide_about_is_left_to_its_own_work(database: Database) -> None:
    # Goal: a mistake of ours in one decision costs that one order only.
    given.catalogue(database, {"BER": {"MUG": 9, "BAD": 9}})
    given.order(database, "ord_1", {"BAD": 1})
    given.order(database, "ord_2", {"MUG": 1})

    def fails_for_bad(
        demand: Sequence[Demand], sites: Sequence[Site], limits: Limits
    ) -> Placement | Shortage:
        if demand[0].sku == "BAD":
            raise ValueError("a mistake of ours")
        return decide(demand, sites, limits)

    with patch.object(table, "decide", fails_for_bad):
        place(database, "ord_2")
        assert given.rows(database, STATES) == [("ord_1", "waiting"), ("ord_2", "placed")]

        with pytest.raises(ValueError, match="a mistake of ours"):
            place(database, "ord_1")


def test_decisions_that_take_long_are_left_for_the_next_transaction(database: Database) -> None:
    # Goal: locks are not held for as long as it takes to think about fifty orders.
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 9}, "MUC": {"MUG": 9, "PEN": 9}})
    wait(database, 4, {"MUG": 1, "PEN": 1})

    with patch.object(table, "NODES_TOGETHER", 1):
        place(database, "ord_4")

    states = [state for _, state in given.rows(database, STATES)]
    assert states == ["placed", "waiting", "waiting", "placed"], "whose work it is, is placed"


def test_each_order_tells_its_own_story(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    wait(database, 2, {"MUG": 1})
    trails = dict(given.rows(database, "SELECT order_id, correlation_id FROM orders"))
    given.silence(database)

    place(database, "ord_1")

    told = given.rows(
        database,
        "SELECT body::json->>'order_id', attributes->>'ce-correlationid' FROM outbox"
        " WHERE attributes->>'ce-type' = 'dispatch.order.placed.v1' ORDER BY 1",
    )
    assert told == [("ord_1", trails["ord_1"]), ("ord_2", trails["ord_2"])]


def test_a_channel_has_its_share_once_for_all_of_them(database: Database) -> None:
    # Goal: two orders of one transaction do not see the same room.
    given.catalogue(database, {"BER": {"MUG": 4}})
    database.run(lambda tx: orders.set_scope(tx, "web", {"BER": 50}), given.cause())
    wait(database, 3, {"MUG": 1})

    place(database, "ord_1")

    states = [state for _, state in given.rows(database, STATES)]
    assert states == ["placed", "placed", "backordered"]


def test_what_an_order_leaves_of_its_cart_stays_in_the_share_of_its_channel(
    database: Database,
) -> None:
    # Goal: half of ten. A cart has four, its order wants one of them, the next order four more.
    given.catalogue(database, {"BER": {"MUG": 10}})
    database.run(lambda tx: orders.set_scope(tx, "web", {"BER": 50}), given.cause())
    hold_stock(database, "cart", {"MUG": 4}, channel="web")
    given.order(database, "ord_1", {"MUG": 1}, hold_id="cart")
    given.order(database, "ord_2", {"MUG": 4})
    given.order(database, "ord_3", {"MUG": 1})

    place(database, "ord_1")

    states = [state for _, state in given.rows(database, STATES)]
    assert states == ["placed", "backordered", "placed"]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(2, 3)]


def test_everybody_takes_what_its_own_cart_held(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    for n in (1, 2):
        hold(database, f"cart_{n}", {("MUG", "BER"): 1})
    given.order(database, "ord_1", {"MUG": 2})  # one is free
    given.order(database, "ord_2", {"MUG": 1}, hold_id="cart_1")
    given.order(database, "ord_3", {"MUG": 1}, hold_id="cart_2")

    place(database, "ord_1")

    assert given.rows(database, STATES) == [
        ("ord_1", "backordered"),
        ("ord_2", "placed"),
        ("ord_3", "placed"),
    ]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(2, 0)]
    assert given.violations(database) == []


def test_caps_leave_room_for_as_many_as_they_say(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 1}})
    database.run(lambda tx: backorder_caps.put(tx, {"MUG": 3}), given.cause())
    wait(database, 3, {"MUG": 2})
    given.order(database, "ord_4", {"MUG": 1})

    place(database, "ord_1")

    states = [state for _, state in given.rows(database, STATES)]
    assert states == ["backordered", "cancelled", "cancelled", "backordered"]
    assert given.violations(database) == []


def test_who_is_being_changed_is_not_waited_for(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    wait(database, 2, {"MUG": 1})

    def hold_and_place(tx: Transaction) -> None:
        orders.lock(tx, "ord_1")
        place(database, "ord_2")

    database.run(hold_and_place, given.cause())

    assert given.rows(database, STATES) == [("ord_1", "waiting"), ("ord_2", "placed")]


def test_fifty_orders_cost_four_round_trips(database: Database) -> None:
    # Goal: lock one, lock the others, lock the stock, write and commit.
    given.catalogue(database, {"BER": {"MUG": 500}})
    rules = Rules()
    run = partial(database.run, cause=given.cause())
    for warm_up in (True, False):
        names = [f"{warm_up}_{n}" for n in range(50)]
        for name in names:
            given.order(database, name, {"MUG": 1})
        with counted() as trips:
            place_waiting(run, PlaceOrder(order_id=names[0], priority="standard"), rules, Crowd())

    assert given.rows(database, "SELECT DISTINCT state FROM orders") == [("placed",)]
    assert len(trips) == 4


def test_in_a_crowd_work_that_is_done_costs_one_round_trip(database: Database) -> None:
    # Goal: of fifty that are placed together forty-nine find their work done. Who has just found
    # that asks whether it is so again, and sees at once when it is not.
    given.catalogue(database, {"BER": {"MUG": 500}})
    names = wait(database, 4, {"MUG": 1})
    rules, crowd = Rules(), Crowd()

    def trips(order_id: str) -> int:
        with counted() as made:
            work = PlaceOrder(order_id=order_id, priority="standard")
            place_waiting(partial(database.run, cause=given.cause()), work, rules, crowd)
        return len(made)

    trips(names[0])
    assert crowd.is_here is False
    trips(names[1])
    assert crowd.is_here is True
    trips(names[2])  # prepares the question
    assert trips(names[3]) == 1
    given.order(database, "late", {"MUG": 1})
    trips("late")

    assert crowd.is_here is False
    assert given.rows(database, "SELECT DISTINCT state FROM orders") == [("placed",)]


def test_in_a_crowd_done_work_still_serves_the_queue(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 500}})
    names = wait(database, 2, {"MUG": 1})
    run, rules, crowd = partial(database.run, cause=given.cause()), Rules(), Crowd()
    for name in names:
        place_waiting(run, PlaceOrder(order_id=name, priority="standard"), rules, crowd)
    given.order(database, "late", {"MUG": 1})

    place_waiting(run, PlaceOrder(order_id=names[0], priority="standard"), rules, crowd)

    assert given.rows(database, STATES)[0] == ("late", "placed")
    crowd.is_here = True
    with pytest.raises(UnknownOrder):
        place_waiting(run, PlaceOrder(order_id="nobody", priority="standard"), rules, crowd)


def test_many_at_once_promise_nothing_twice(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 20, "PEN": 15}, "MUC": {"MUG": 10, "PEN": 15}})
    names = wait(database, 30, {"MUG": 1, "PEN": 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: place(database, name), names))

    assert given.rows(database, "SELECT state, count(*) FROM orders GROUP BY 1") == [("placed", 30)]
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(60,)]
    assert given.violations(database) == []
