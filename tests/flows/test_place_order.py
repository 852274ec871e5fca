"""Placing an order: everything or nothing, at the least cost, never twice, never oversold."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from emulators.bench.trips import counted
from shared.contracts.work import PlaceOrder
from shared.flows.accept_order import accept_order
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.orders.types import UnknownOrder
from shared.platform.db import Database, Transaction
from tests.support import given


def test_an_order_is_placed_at_the_warehouse_that_costs_least(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2}, at=given.LISBON)

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT warehouse, weight_g, quoted_cents FROM parcels") == [
        ("LIS", 1_000, 490)
    ]
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT warehouse, reserved FROM stock_levels ORDER BY 1") == [
        ("BER", 0),
        ("LIS", 2),
    ]
    assert given.violations(database) == []


def test_what_is_announced_is_the_order_its_parcels_and_the_labels_to_buy(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})

    given.place(database, "ord_1")

    assert given.rows(
        database, "SELECT destination, attributes->>'ce-type' FROM outbox ORDER BY outbox_id"
    ) == [
        ("order-events", "dispatch.order.accepted.v1"),
        ("order-events", "dispatch.order.placed.v1"),
        ("parcel-events", "dispatch.parcel.planned.v1"),
        ("labels-correios", "dispatch.work.buy_label.v1"),
    ]


def test_wanting_ten_where_six_and_twenty_are_takes_no_more_than_there_is(
    database: Database,
) -> None:
    # Goal: a unit is promised by one warehouse only; 6 and 4 or 0 and 10, never 6 and 10.
    given.catalogue(database, {"BER": {"MUG": 6}, "MUC": {"MUG": 20}})
    given.order(database, "ord_1", {"MUG": 10})

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT sum(quantity) FROM parcel_items") == [(10,)]
    assert given.violations(database) == []


def test_a_quantity_is_split_over_warehouses_when_none_has_it_all(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})

    given.place(database, "ord_1")

    (packed,) = given.rows(database, "SELECT count(*), sum(quantity) FROM parcel_items")
    assert packed == (2, 5)
    assert given.violations(database) == []


def test_two_lines_that_share_a_sku_count_together_against_the_stock(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", [("MUG", 3), ("MUG", 3)], ship_together=True)
    given.order(database, "ord_2", [("MUG", 3), ("MUG", 2)])

    given.place(database, "ord_1")
    given.place(database, "ord_2")

    assert given.rows(database, "SELECT order_id, state FROM orders ORDER BY 1") == [
        ("ord_1", "backordered"),
        ("ord_2", "placed"),
    ]
    assert given.rows(database, "SELECT line_no, quantity FROM parcel_items ORDER BY 1") == [
        (1, 3),
        (2, 2),
    ]
    assert given.violations(database) == []


def test_placing_twice_is_placing_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})

    given.place(database, "ord_1")
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(2,)]
    assert given.rows(database, "SELECT count(*) FROM parcels") == [(1,)]


def test_an_order_is_placed_in_three_round_trips(database: Database) -> None:
    # Goal: lock the order with its lines, lock the stock, write and commit.
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 9}})
    rules = Rules()
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 1, "PEN": 2})
    given.place(database, "ord_1", rules)  # plans are prepared and rate cards read

    with counted() as trips:
        given.place(database, "ord_2", rules)

    assert given.rows(database, "SELECT DISTINCT state FROM orders") == [("placed",)]
    assert len(trips) == 3


def test_ten_orders_race_for_the_last_four_units(database: Database) -> None:
    # Goal: never promise a unit twice, whatever the interleaving. Ten orders, four units above the
    # safety level, so exactly four may win and six must wait for stock.
    given.catalogue(database, {"BER": {"MUG": 5}}, safety=1)
    names = [f"ord_{n}" for n in range(10)]
    for name in names:
        given.order(database, name, {"MUG": 1})

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda name: given.place(database, name), names))

    assert given.rows(database, "SELECT state, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [
        ("backordered", 6),
        ("placed", 4),
    ]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(4,)]
    assert given.rows(
        database,
        "SELECT count(*) FROM outbox WHERE attributes->>'ce-type' = 'dispatch.order.placed.v1'",
    ) == [(4,)]
    assert given.violations(database) == []


def test_orders_that_want_the_same_skus_in_opposite_order_never_deadlock(
    database: Database,
) -> None:
    # Goal: stock rows are locked in one order whatever the order of the lines. Forty orders over
    # the same two rows; a deadlock would cost one of them its attempts.
    given.catalogue(database, {"BER": {"MUG": 40, "PEN": 40}})
    names = [f"ord_{n}" for n in range(40)]
    for n, name in enumerate(names):
        given.order(database, name, [("MUG", 1), ("PEN", 1)][:: 1 if n % 2 else -1])

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda name: given.place(database, name), names))

    assert given.rows(database, "SELECT sku, reserved FROM stock_levels ORDER BY 1") == [
        ("MUG", 40),
        ("PEN", 40),
    ]
    assert given.violations(database) == []


def test_without_stock_an_order_waits_as_a_state_and_says_what_it_misses(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 3})

    given.place(database, "ord_1")
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("backordered",)]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(0,)]
    assert given.rows(
        database,
        "SELECT body::json->>'missing' FROM outbox"
        " WHERE attributes->>'ce-type' = 'dispatch.order.backordered.v1'",
    ) == [('{"MUG":2}',)]
    assert given.violations(database) == []


def test_what_no_carrier_takes_waits_for_a_person(database: Database) -> None:
    given.catalogue(database, {"BER": {"ANVIL": 5}}, weight_g=50_000)
    given.order(database, "ord_1", {"ANVIL": 1})

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("review", "no carrier takes ANVIL")
    ]
    assert given.violations(database) == []


def test_a_step_that_fails_at_its_end_leaves_nothing_behind(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    before = given.rows(database, "SELECT count(*) FROM outbox")

    def place_and_die(tx: Transaction) -> None:
        place_order(tx, PlaceOrder(order_id="ord_1", priority="standard"), Rules())
        raise RuntimeError("died before the commit")

    with pytest.raises(RuntimeError):
        database.run(place_and_die, given.cause())

    assert given.rows(database, "SELECT state FROM orders") == [("waiting",)]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM outbox") == before


def test_an_order_in_a_currency_that_no_carrier_takes_waits_for_a_person(
    database: Database,
) -> None:
    # Goal: a channel's mistake, so nobody is paged and nothing is tried again and again.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 1}).model_copy(update={"currency": "BRL"})
    given.apply(database, accept_order, event)

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("review", "no carrier has a rate card in BRL")
    ]
    assert given.told(database)[-1] == "order.needs_review"
    assert given.violations(database) == []


def test_work_for_an_order_that_does_not_exist_is_refused(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(UnknownOrder):
        given.place(database, "ord_none")


def test_the_decision_is_kept_with_its_inputs_and_candidates(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 2})

    given.place(database, "ord_1")

    ((outcome, cost_cents, receipt),) = given.rows(
        database, "SELECT outcome, cost_cents, receipt FROM placement_decisions"
    )
    assert (outcome, cost_cents) == ("placed", 490)
    assert receipt["inputs"]["demand"] == [
        ["MUG", 2, 500, {"volume_mm3": 1_000_000, "longest_mm": 100}]
    ]
    assert [site[0] for site in receipt["inputs"]["sites"]] == ["BER", "LIS"]
    assert {c["warehouse"]: c.get("reason") for c in receipt["result"]["candidates"]} == {
        "BER": None,
        "LIS": "short of MUG by 1",
    }
