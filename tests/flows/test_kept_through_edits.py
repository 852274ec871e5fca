"""An edit keeps what an order has of what it still wants: units, parcels, and its place in line."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.override_placement import hold_order, release_order
from shared.flows.short_pick import short_pick
from shared.orders import backorder_caps
from shared.orders import store as orders
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows import doubles, reports
from tests.flows.test_hold_stock import hold
from tests.support import given

ADA = Person("ada", "because")
STATES = "SELECT order_id, state FROM orders ORDER BY 1"
STOCK = "SELECT sku, warehouse, reserved, held FROM stock_levels ORDER BY 1, 2"
LINES = """
    SELECT sku, allocated, backordered, cancelled FROM order_lines
     WHERE order_id = 'ord_1' ORDER BY line_no
"""
LIVE = """
    SELECT warehouse, item.sku, item.quantity
      FROM parcels JOIN parcel_items AS item USING (parcel_id)
     WHERE parcels.order_id = 'ord_1' AND state <> 'cancelled' ORDER BY 1, 2
"""
KEPT = """
    SELECT sku, warehouse, quantity FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE state = 'open' AND purpose = 'order' AND for_order = 'ord_1' ORDER BY 1, 2
"""
revisions = count(2)


def edit(database: Database, wants: Mapping[str, int] | list[tuple[str, int]]) -> None:
    """The channel says what `ord_1` is to be from now on."""
    pairs = list(wants.items()) if isinstance(wants, Mapping) else wants
    lines = tuple(
        OrderedLine(line_no=number, sku=sku, quantity=units, unit_price_cents=1_000)
        for number, (sku, units) in enumerate(pairs, start=1)
    )
    event = OrderAmended(order_id="ord_1", revision=next(revisions), lines=lines)
    given.apply(database, change_order, event)


def cap(database: Database, **units: int) -> None:
    database.run(lambda tx: backorder_caps.put(tx, units), given.cause())


def ordered(database: Database, wants: Mapping[str, int], order_id: str = "ord_1") -> None:
    given.order(database, order_id, wants)
    given.place(database, order_id)


def cancel(database: Database) -> None:
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))


def test_nobody_else_gets_what_an_order_has_while_it_is_placed_anew(database: Database) -> None:
    # Goal: between the edit and the placing there is no moment in which its units are free.
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 5})

    edit(database, {"MUG": 4})
    ordered(database, {"MUG": 2}, "ord_2")
    ordered(database, {"MUG": 1}, "ord_3")

    assert given.rows(database, STOCK) == [("MUG", "BER", 1, 4)]
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [
        ("ord_1", "placed"),
        ("ord_2", "backordered"),
        ("ord_3", "placed"),
    ]
    assert given.rows(database, STOCK) == [("MUG", "BER", 5, 0)]
    assert given.violations(database) == []


def test_whatever_races_with_an_edit_takes_only_what_it_gives_back(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 5})
    rivals = [f"rival_{number}" for number in range(6)]

    def edited() -> None:
        edit(database, {"MUG": 3})
        given.place(database, "ord_1")

    def rivalled(name: str) -> None:
        ordered(database, {"MUG": 1}, name)

    with ThreadPoolExecutor(max_workers=7) as pool:
        acts = [pool.submit(edited), *(pool.submit(rivalled, name) for name in rivals)]
        for act in acts:
            act.result()
    for name in rivals:
        given.place(database, name)

    assert given.rows(database, LINES) == [("MUG", 3, 0, 0)]
    assert given.rows(database, "SELECT state, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [
        ("backordered", 4),
        ("placed", 3),
    ]
    assert given.violations(database) == []


def test_what_an_edit_gives_back_goes_to_who_waits_first(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    ordered(database, {"MUG": 3})
    ordered(database, {"MUG": 1}, "ord_2")

    edit(database, {"MUG": 2})
    ordered(database, {"MUG": 1}, "ord_3")
    given.place(database, "ord_2")

    assert given.rows(database, STATES)[1:] == [("ord_2", "placed"), ("ord_3", "backordered")]
    assert given.violations(database) == []


def test_more_than_there_is_waits_and_what_was_had_stays(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    ordered(database, {"MUG": 4})

    edit(database, {"MUG": 5})
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 0, 5, 0)]
    assert given.rows(database, KEPT) == [("MUG", "BER", 4)]
    given.receive(database, "BER", {"MUG": 1})
    ordered(database, {"MUG": 1}, "ord_2")
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "backordered")]
    assert given.rows(database, KEPT) == []
    assert given.violations(database) == []


def test_an_addition_that_may_not_wait_is_refused_and_the_order_is_as_it_was(
    database: Database,
) -> None:
    # Goal: a full cap never cancels what was promised before, and the channel is told what it did.
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    cap(database, MUG=0)
    ordered(database, {"MUG": 5, "PEN": 1})

    edit(database, {"MUG": 7, "PEN": 2})
    given.silence(database)
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 5, 0, 2), ("PEN", 2, 0, 0)]
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.told(database)[:2] == ["order.rest_cancelled", "order.placed"]
    ((body,),) = given.rows(
        database, "SELECT body::json FROM outbox WHERE attributes->>'ce-type' LIKE '%rest_can%'"
    )
    assert body["cancelled"] == {"MUG": 2}
    assert body["reason"] == "sold out, and no more may wait for MUG"
    assert given.violations(database) == []


def test_what_is_sold_out_of_an_edit_can_be_asked_for_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    cap(database, MUG=0)
    ordered(database, {"MUG": 2})
    edit(database, {"MUG": 3})
    given.place(database, "ord_1")
    given.receive(database, "BER", {"MUG": 1})

    edit(database, {"MUG": 3})
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 3, 0, 0)]
    assert given.violations(database) == []


@pytest.mark.parametrize(("units", "waiting", "cancelled"), [(4, 4, 0), (5, 5, 0), (8, 5, 3)])
def test_a_backordered_order_keeps_its_room_under_a_full_cap(
    database: Database, units: int, waiting: int, cancelled: int
) -> None:
    # Goal: others fill the cap between the edit and the placing; the order still waits.
    given.catalogue(database, {"BER": {"MUG": 0}})
    cap(database, MUG=5)
    ordered(database, {"MUG": 5})

    edit(database, {"MUG": units})
    for number in range(3):
        ordered(database, {"MUG": 1}, f"rival_{number}")
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 0, waiting, cancelled)]
    assert given.rows(database, "SELECT taken FROM backorder_caps") == [(5,)]
    assert given.violations(database) == []


def test_what_an_order_had_waits_beyond_a_full_cap(database: Database) -> None:
    # Goal: its units are where nothing can be taken for the moment; that is no reason to cancel.
    given.catalogue(database, {"BER": {"MUG": 3}, "LIS": {"MUG": 0}})
    cap(database, MUG=0)
    ordered(database, {"MUG": 3})
    edit(database, {"MUG": 2})
    database.run(lambda tx: orders.set_scope(tx, "web", {"LIS": 100}), given.cause())

    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 0, 2, 0)]
    assert given.rows(database, KEPT) == [("MUG", "BER", 2)]
    database.run(lambda tx: orders.set_scope(tx, "web", {}), given.cause())
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.violations(database) == []


def test_a_short_pick_under_a_full_cap_lets_the_order_wait(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    cap(database, MUG=0)
    ordered(database, {"MUG": 2})

    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    event = reports.missing(parcel_id, ("MUG", "BER"), database.now())
    given.apply(database, short_pick, event)
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 0, 2, 0)]
    assert given.violations(database) == []


def test_an_edit_does_not_cost_a_place_in_the_waitlist(database: Database) -> None:
    # Goal: units that come while the edit waits to be placed go to who was first.
    given.catalogue(database, {"BER": {"MUG": 0}})
    ordered(database, {"MUG": 2})
    ordered(database, {"MUG": 2}, "ord_2")

    edit(database, {"MUG": 3})
    given.receive(database, "BER", {"MUG": 3})
    for name in ("ord_2", "ord_1"):
        given.place(database, name)

    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "backordered")]
    assert given.violations(database) == []


def test_what_was_sent_in_part_keeps_both_its_units_and_its_place(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    cap(database, PEN=1)
    ordered(database, {"MUG": 6, "PEN": 1})
    assert given.rows(database, STATES) == [("ord_1", "partly_placed")]

    edit(database, {"MUG": 7, "PEN": 1})
    ordered(database, {"MUG": 1}, "ord_2")

    assert given.rows(database, STATES) == [("ord_1", "backordered"), ("ord_2", "backordered")]
    assert given.rows(database, KEPT) == [("MUG", "BER", 6)]
    given.place(database, "ord_1")
    assert given.rows(database, LINES) == [("MUG", 6, 1, 0), ("PEN", 0, 1, 0)]
    assert given.violations(database) == []


def test_a_parcel_that_loses_nothing_stays_as_it_is(database: Database) -> None:
    # Goal: no label is voided for the sake of a line that lies in another parcel.
    given.catalogue(database, {"BER": {"MUG": 2}, "LIS": {"PEN": 2}})
    ordered(database, {"MUG": 2, "PEN": 2})
    doubles.labelled(database, "ord_1")

    edit(database, {"MUG": 2, "PEN": 1})

    assert given.rows(database, LIVE) == [("BER", "MUG", 2)]
    assert given.rows(database, LINES) == [("MUG", 2, 0, 0), ("PEN", 0, 0, 0)]
    assert given.rows(database, KEPT) == [("PEN", "LIS", 1)]
    given.place(database, "ord_1")
    assert given.rows(database, LIVE) == [("BER", "MUG", 2), ("LIS", "PEN", 1)]
    assert given.rows(database, "SELECT state, count(*) FROM labels GROUP BY 1 ORDER BY 1") == [
        ("bought", 1),
        ("void_requested", 1),
    ]
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.violations(database) == []


def test_a_line_that_is_left_out_gives_back_what_it_had_and_nothing_else(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}, "LIS": {"PEN": 2}})
    ordered(database, {"MUG": 2, "PEN": 2})

    edit(database, {"MUG": 2})

    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.rows(database, STOCK) == [("MUG", "BER", 2, 0), ("PEN", "LIS", 0, 0)]
    assert given.violations(database) == []


def test_a_kit_in_two_parcels_is_taken_back_as_a_whole(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 0}, "LIS": {"MUG": 0, "PEN": 4}})
    given.kit(database, "SET", {"MUG": 1, "PEN": 1})
    ordered(database, {"SET": 1, "PEN": 2})

    edit(database, {"SET": 1, "PEN": 1})

    assert given.rows(database, LIVE) == []
    assert given.rows(database, KEPT) == [("MUG", "BER", 1), ("PEN", "LIS", 2)]
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.violations(database) == []


def test_components_of_a_kit_are_kept_when_it_is_sold_alone(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 4}})
    given.kit(database, "SET", {"MUG": 1, "PEN": 2})
    ordered(database, {"SET": 2})

    edit(database, {"PEN": 3})

    assert given.rows(database, KEPT) == [("PEN", "BER", 3)]
    given.place(database, "ord_1")
    assert given.rows(database, STOCK) == [("MUG", "BER", 0, 0), ("PEN", "BER", 3, 0)]
    assert given.violations(database) == []


def test_an_edit_that_comes_twice_changes_nothing_more(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 5})
    line = OrderedLine(line_no=1, sku="MUG", quantity=3, unit_price_cents=1_000)
    event = OrderAmended(order_id="ord_1", revision=next(revisions), lines=(line,))

    for _ in range(2):
        given.apply(database, change_order, event)

    assert given.rows(database, STOCK) == [("MUG", "BER", 0, 3)]
    given.place(database, "ord_1")
    given.apply(database, change_order, event)
    assert given.rows(database, STOCK) == [("MUG", "BER", 3, 0)]
    assert given.violations(database) == []


def test_an_edit_after_an_edit_keeps_what_both_want(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 5}})
    ordered(database, {"MUG": 5})

    edit(database, {"MUG": 4})
    edit(database, {"MUG": 2, "PEN": 1})
    assert given.rows(database, KEPT) == [("MUG", "BER", 2)]
    edit(database, {"PEN": 1})

    assert given.rows(database, KEPT) == []
    assert given.rows(database, STOCK) == [("MUG", "BER", 0, 0), ("PEN", "BER", 0, 0)]
    assert given.violations(database) == []


def test_what_its_cart_held_and_an_edit_leaves_out_is_free_at_once(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    hold(database, "cart_1", {"MUG": 3})
    given.order(database, "ord_1", {"MUG": 3}, hold_id="cart_1")

    edit(database, {"MUG": 1})
    ordered(database, {"MUG": 2}, "ord_2")
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "placed")]
    assert given.violations(database) == []


def test_who_cancels_before_it_is_placed_anew_gives_everything_back(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 5})
    edit(database, {"MUG": 4})

    cancel(database)

    assert given.rows(database, STOCK) == [("MUG", "BER", 0, 0)]
    assert given.violations(database) == []


def test_an_order_that_a_person_holds_keeps_its_units(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 5})

    database.run(lambda tx: hold_order(tx, "ord_1", ADA), given.cause())
    ordered(database, {"MUG": 1}, "ord_2")
    database.run(lambda tx: release_order(tx, "ord_1", ADA), given.cause())
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "placed"), ("ord_2", "backordered")]
    assert given.violations(database) == []


def test_what_the_rest_was_cancelled_of_stays_cancelled_when_the_order_is_placed_anew(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}, "LIS": {"MUG": 6, "PEN": 0}})
    ordered(database, {"MUG": 6, "PEN": 1})
    event = OrderCancelled(order_id="ord_1", reason="no", rest_only=True)
    given.apply(database, cancel_order, event)

    database.run(lambda tx: hold_order(tx, "ord_1", ADA), given.cause())
    database.run(lambda tx: release_order(tx, "ord_1", ADA), given.cause())
    given.place(database, "ord_1")

    assert given.rows(database, LINES) == [("MUG", 6, 0, 0), ("PEN", 0, 0, 1)]
    assert given.violations(database) == []


def test_a_channel_takes_no_more_than_its_share_with_what_it_keeps(database: Database) -> None:
    # Goal: what the order has counts once, as what it was promised, not as room beside it.
    given.catalogue(database, {"BER": {"MUG": 8}})
    database.run(lambda tx: orders.set_scope(tx, "web", {"BER": 50}), given.cause())
    ordered(database, {"MUG": 3})

    edit(database, {"MUG": 5})
    given.place(database, "ord_1")

    assert given.rows(database, STATES) == [("ord_1", "backordered")]
    assert given.rows(database, KEPT) == [("MUG", "BER", 3)]
    edit(database, {"MUG": 4})
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.violations(database) == []
