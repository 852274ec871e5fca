"""What an order may take from the stock: channels, kits, sales, partitions, holds, releases."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.contracts.work import PlaceOrder
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.flows.supply import SawTooLittle
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.orders import backorder_caps
from shared.orders import store as orders
from shared.platform.config import Config
from shared.platform.db import Database, LostRace, Transaction, connect
from shared.platform.sql import text
from shared.stock import store as stock
from shared.stock.skus import Unit, put_skus
from shared.stock.types import Change, Key
from tests.flows import partitioned
from tests.flows.test_expire_holds import expire
from tests.support import given
from tests.support.clock import TestClock

STATES = "SELECT order_id, state FROM orders ORDER BY 1"
RESERVED = "SELECT sku, warehouse, partition, reserved FROM stock_levels ORDER BY 1, 2, 3"
PACKED = "SELECT line_no, sku, sum(quantity) FROM parcel_items GROUP BY 1, 2 ORDER BY 1, 2"


def hold(
    database: Database, hold_id: str, units: Mapping[tuple[str, str], int], *, partition: int = 0
) -> None:
    """What a cart keeps: (SKU, warehouse) -> units."""
    items = tuple(HeldUnits(sku, at, partition, n) for (sku, at), n in units.items())

    def make(tx: Transaction) -> None:
        ends = tx.now + timedelta(minutes=15)
        made = Hold(
            hold_id, Purpose.CART, "cart", None, None, HoldState.OPEN, tx.now, ends, ends, items
        )
        changes = [Change(Key(i.sku, i.warehouse, i.partition), held=i.quantity) for i in items]
        tx.write(*holds.insert(made), stock.change(changes))

    database.run(make, given.cause())


def scope(database: Database, channel: str, shares: Mapping[str, int]) -> None:
    database.run(lambda tx: orders.set_scope(tx, channel, shares), given.cause())


def place_from_drawn_partitions(database: Database, order_id: str) -> None:
    work = PlaceOrder(order_id=order_id, priority="standard")
    database.run(lambda tx: place_order(tx, work, Rules(), all_partitions=False), given.cause())


def test_a_kit_and_its_component_count_together_against_the_stock(database: Database) -> None:
    # Goal: three mugs are wanted, one of them inside the set; two mugs are not enough.
    given.catalogue(database, {"BER": {"MUG": 2, "TEA": 9}})
    given.kit(database, "SET", {"MUG": 1, "TEA": 2})
    given.order(database, "ord_1", [("SET", 1), ("MUG", 2)])

    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "backordered")]

    given.receive(database, "BER", {"MUG": 1})
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.rows(database, PACKED) == [(1, "MUG", 1), (1, "TEA", 2), (2, "MUG", 2)]
    assert given.rows(database, "SELECT line_no, allocated FROM order_lines ORDER BY 1") == [
        (1, 1),
        (2, 2),
    ]
    assert given.violations(database) == []


def test_an_order_keeps_the_kit_as_it_was_when_it_came(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "TEA": 5}})
    given.kit(database, "SET", {"MUG": 1, "TEA": 2})
    given.order(database, "ord_1", {"SET": 1})
    given.kit(database, "SET", {"MUG": 3})

    given.place(database, "ord_1")

    assert given.rows(database, PACKED) == [(1, "MUG", 1), (1, "TEA", 2)]
    assert given.violations(database) == []


def test_a_channel_takes_only_from_the_warehouses_it_may_sell_from(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 1}})
    scope(database, "market", {"LIS": 100})
    given.order(database, "ord_1", {"MUG": 2}, channel="market")
    given.order(database, "ord_2", {"MUG": 2}, channel="web")

    given.place(database, "ord_1")
    given.place(database, "ord_2")

    assert given.rows(database, STATES) == [("ord_1", "backordered"), ("ord_2", "placed")]


def test_a_channel_sells_up_to_its_share_and_no_further(database: Database) -> None:
    # Goal: half of ten is five, in however many orders, and what others took does not count.
    given.catalogue(database, {"BER": {"MUG": 10}})
    scope(database, "market", {"BER": 50})
    for name, channel, units in (("a", "market", 3), ("b", "web", 2), ("c", "market", 2),
                                 ("d", "market", 1), ("e", "web", 3)):  # fmt: skip
        given.order(database, name, {"MUG": units}, channel=channel)
        given.place(database, name)

    assert [state for _, state in given.rows(database, STATES)] == [
        "placed",
        "placed",
        "placed",
        "backordered",
        "placed",
    ]
    assert given.violations(database) == []


def test_a_hold_is_for_its_owner_and_for_nobody_else(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    hold(database, "hold_1", {("MUG", "BER"): 2})
    given.order(database, "stranger", {"MUG": 2})
    given.order(database, "owner", {"MUG": 3}, hold_id="hold_1")

    given.place(database, "stranger")
    given.place(database, "owner")

    assert given.rows(database, STATES) == [("owner", "placed"), ("stranger", "backordered")]
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(3, 0)]
    assert given.rows(database, "SELECT state FROM stock_holds") == [("consumed",)]
    assert given.violations(database) == []


def test_what_a_hold_kept_beyond_its_order_is_given_back_and_told(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3, "PEN": 1}})
    hold(database, "hold_1", {("MUG", "BER"): 3, ("PEN", "BER"): 1})
    given.order(database, "owner", {"MUG": 1}, hold_id="hold_1")
    given.silence(database)

    given.place(database, "owner")
    assert given.rows(database, "SELECT sku, reserved, held FROM stock_levels ORDER BY 1") == [
        ("MUG", 1, 2),
        ("PEN", 0, 1),
    ]
    assert given.violations(database) == []
    expire(database)

    assert given.rows(database, "SELECT sku, reserved, held FROM stock_levels ORDER BY 1") == [
        ("MUG", 1, 0),
        ("PEN", 0, 0),
    ]
    assert given.rows(
        database, "SELECT body::jsonb->'available' FROM outbox WHERE destination = 'stock-events'"
    ) == [({"MUG": 2, "PEN": 1},)]
    assert given.violations(database) == []


def test_a_hold_survives_that_its_order_has_to_wait_and_serves_it_later(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    hold(database, "hold_1", {("MUG", "BER"): 2})
    given.order(database, "owner", {"MUG": 3}, hold_id="hold_1")

    given.place(database, "owner")
    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(0, 2)]
    given.receive(database, "BER", {"MUG": 1})
    given.place(database, "owner")

    assert given.rows(database, STATES) == [("owner", "placed")]
    assert given.violations(database) == []


def test_safety_that_was_raised_since_does_not_take_a_hold_from_its_owner(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    hold(database, "hold_1", {("MUG", "BER"): 2})
    given.keep_back(database, "BER", {"MUG": 3})
    given.order(database, "owner", {"MUG": 2}, hold_id="hold_1")

    given.place(database, "owner")

    assert given.rows(database, STATES) == [("owner", "placed")]


@pytest.mark.parametrize("units", [[4, 3, 3], [0, 0, 10], [0, 10, 0], [9, 0, 1]])
def test_an_order_that_finds_its_partition_empty_tries_the_others(
    database: Database, units: list[int]
) -> None:
    # Goal: the last unit is always sellable, wherever the partitions left it.
    given.catalogue(database, {"BER": {"MUG": 10}})
    given.spread(database, "MUG", "BER", units)
    for number in range(11):
        given.order(database, f"ord_{number:02}", {"MUG": 1})
        try:
            place_from_drawn_partitions(database, f"ord_{number:02}")
        except SawTooLittle:
            given.place(database, f"ord_{number:02}")

    states = [state for _, state in given.rows(database, STATES)]
    assert states == ["placed"] * 10 + ["backordered"]
    assert given.violations(database) == []


def test_a_warehouse_that_has_run_out_is_no_reason_to_look_at_all_partitions(
    database: Database,
) -> None:
    # Goal: where one place has plenty, a sale does not queue behind another's last unit.
    given.catalogue(database, {"BER": {"MUG": 80}, "MUC": {"MUG": 1}})
    given.spread(database, "MUG", "BER", [20] * 4)
    given.spread(database, "MUG", "MUC", [1, 0, 0, 0])

    for number in range(12):
        given.order(database, f"ord_{number:02}", {"MUG": 1})
        place_from_drawn_partitions(database, f"ord_{number:02}")

    assert {state for _, state in given.rows(database, STATES)} == {"placed"}
    assert given.violations(database) == []


def test_units_elsewhere_are_looked_for_where_what_was_drawn_cannot_be_sent(
    database: Database,
) -> None:
    # Goal: Berlin has plenty, and nobody works there. The last unit of Munich is found.
    given.catalogue(database, {"BER": {"MUG": 80}, "MUC": {"MUG": 1}})
    given.works(database, "BER", daily_parcels=0)
    given.spread(database, "MUG", "BER", [20] * 4)
    given.spread(database, "MUG", "MUC", [1, 0, 0, 0])
    names = [f"ord_{number}" for number in range(8)]
    for name in names:
        given.order(database, name, {"MUG": 1})

    for name in names:
        partitioned.place(database, name)

    placed = "SELECT warehouse FROM parcels"
    assert given.rows(database, placed) == [("MUC",)]
    assert [state for _, state in given.rows(database, STATES)].count("placed") == 1


def test_a_place_that_has_enough_in_other_partitions_is_looked_at(database: Database) -> None:
    # Goal: near is cheap. A row that happens to lack one of four does not send them from afar.
    given.catalogue(database, {"BER": {"MUG": 12}, "LIS": {"MUG": 40}})
    given.spread(database, "MUG", "BER", [3] * 4)
    given.order(database, "ord_1", {"MUG": 4})

    partitioned.place(database, "ord_1")

    assert given.rows(database, "SELECT warehouse FROM parcels") == [("BER",)]


def test_an_order_takes_from_several_partitions_what_none_has_alone(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    given.spread(database, "MUG", "BER", [3, 3, 3])
    given.order(database, "ord_1", [("MUG", 4), ("MUG", 3)])

    with pytest.raises(SawTooLittle):
        place_from_drawn_partitions(database, "ord_1")
    given.place(database, "ord_1")

    assert sum(row[3] for row in given.rows(database, RESERVED)) == 7
    assert given.rows(database, PACKED) == [(1, "MUG", 4), (2, "MUG", 3)]
    assert given.violations(database) == []


def test_orders_of_other_partitions_do_not_wait_for_a_locked_one(
    database: Database, config: Config, clock: TestClock
) -> None:
    # Goal: a flash sale does not queue behind one row.
    given.catalogue(database, {"BER": {"MUG": 20}})
    given.spread(database, "MUG", "BER", [10, 10])
    names = [f"ord_{number}" for number in range(8)]
    for name in names:
        given.order(database, name, {"MUG": 1})
    hasty = connect(config.model_copy(update={"lock_timeout_ms": 100}), clock)
    placed = []

    def place_the_others(tx: Transaction) -> None:
        tx.rows(text("SELECT 1 FROM stock_levels WHERE partition = :number FOR UPDATE"), number=0)
        for name in names:
            with suppress(LostRace):
                place_from_drawn_partitions(hasty, name)
                placed.append(name)

    database.run(place_the_others, given.cause())
    hasty.close()

    assert 0 < len(placed) < len(names)
    assert [row[2:] for row in given.rows(database, RESERVED)] == [(0, 0), (1, len(placed))]


def test_an_allotment_is_for_its_sale_alone_and_is_taken_first(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    partitioned.allot(database, 3)
    given.order(database, "ord_1", {"MUG": 3})
    given.order(database, "ord_2", {"MUG": 2}, sale="friday")
    given.order(database, "ord_3", {"MUG": 3}, sale="friday")

    for name in ("ord_1", "ord_2", "ord_3"):
        given.place(database, name)

    assert [state for _, state in given.rows(database, STATES)] == [
        "backordered",
        "placed",
        "placed",
    ]
    assert [row[2:] for row in given.rows(database, RESERVED)] == [(0, 2), (64, 3)]
    assert given.violations(database) == []


def test_what_is_not_released_yet_is_a_pre_order(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"GAME": 5}})
    release = clock.now + timedelta(days=3)
    given.apply(
        database,
        lambda tx, _: put_skus(tx, [Unit("GAME", 500, released_at=release)]),
        None,
    )
    given.order(database, "ord_1", {"GAME": 1})

    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "backordered")]
    clock.now = release
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed")]


def test_a_warehouse_that_could_not_pick_it_is_not_asked_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1, "PEN": 1})
    given.apply(
        database,
        lambda tx, _: tx.write(orders.exclude(tx, "ord_1", ["MUG"], "BER", "short pick")),
        None,
    )

    given.place(database, "ord_1")

    assert given.rows(
        database,
        "SELECT warehouse, sku FROM parcels JOIN parcel_items USING (parcel_id) ORDER BY 1",
    ) == [("BER", "PEN"), ("LIS", "MUG")]


def test_a_row_that_is_fenced_off_or_broken_changes_nothing_of_what_others_promise(
    database: Database,
) -> None:
    # Goal: one warehouse with a corrupt balance must not change what others can promise.
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 4}})
    database.statement(text("ALTER TABLE stock_levels DROP CONSTRAINT never_oversold"))
    try:
        database.statement(text("UPDATE stock_levels SET on_hand = -7 WHERE warehouse = 'BER'"))
        given.order(database, "ord_1", {"MUG": 4})
        given.place(database, "ord_1")
        assert given.rows(database, STATES) == [("ord_1", "placed")]
    finally:
        database.statement(text("UPDATE stock_levels SET on_hand = 9 WHERE warehouse = 'BER'"))
        database.statement(
            text("ALTER TABLE stock_levels ADD CONSTRAINT never_oversold CHECK ("
                 "0 <= reserved AND 0 <= held AND reserved + held <= on_hand)")
        )  # fmt: skip


def test_no_more_may_wait_than_the_cap_says_and_the_rest_is_told_at_once(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.apply(database, lambda tx, _: backorder_caps.put(tx, {"MUG": 3}), None)
    for name, units in (("a", 2), ("b", 2), ("c", 1)):
        given.order(database, name, {"MUG": units})
        given.place(database, name)

    assert given.rows(database, "SELECT order_id, state, state_reason FROM orders ORDER BY 1") == [
        ("a", "backordered", ""),
        ("b", "cancelled", "sold out, and no more may wait for MUG"),
        ("c", "backordered", ""),
    ]
    assert given.rows(database, "SELECT taken FROM backorder_caps") == [(3,)]
    given.receive(database, "BER", {"MUG": 3})
    given.place(database, "a")
    given.place(database, "c")

    assert given.rows(database, "SELECT taken FROM backorder_caps") == [(0,)]
    assert given.violations(database) == []
