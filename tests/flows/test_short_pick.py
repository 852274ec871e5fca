"""Short picks: what is missing is gone, and the order is placed anew where it lies."""

from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import CountedUnits, MissingUnits, ParcelShortPicked, StockCounted
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.orders.types import PartlyPicked
from shared.platform.db import Database
from shared.platform.sql import text
from shared.shipments.types import (
    LabelBeingBought,
    NoSuchParcel,
    NotInParcel,
    ParcelOfAnotherWarehouse,
)
from shared.stock.types import KitHasNoStock, UnknownSku, UnknownWarehouse
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

STOCK = "SELECT warehouse, on_hand, reserved FROM stock_levels ORDER BY 1"


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A planned parcel of two mugs in Berlin; Lisbon has some too, farther away."""
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    (found,) = doubles.parcels_of(database, "ord_1")
    return found


def short(
    database: Database,
    parcel_id: str,
    missing: dict[str, int] | None = None,
    *,
    warehouse: str = "BER",
    minutes: int = 0,
) -> None:
    """The warehouse reports what is missing; one mug unless it says otherwise."""
    event = ParcelShortPicked(
        warehouse=warehouse,
        parcel_id=parcel_id,
        short_picked_at=database.now() + timedelta(minutes=minutes),
        lines=tuple(MissingUnits(sku=sku, missing=n) for sku, n in (missing or {"MUG": 1}).items()),
    )
    given.apply(database, short_pick, event)


@pytest.mark.parametrize("state", ["planned", "labelled", "picked"])
def test_what_is_missing_is_gone_and_the_order_is_placed_elsewhere(
    database: Database, parcel_id: str, state: str
) -> None:
    if state == "labelled":
        doubles.labelled(database, "ord_1")
    if state == "picked":  # and found short when it was packed
        doubles.picked(database, parcel_id)
    given.silence(database)

    short(database, parcel_id)

    assert given.rows(database, STOCK) == [("BER", 4, 0), ("LIS", 5, 0)]
    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("waiting", "short pick")
    ]
    assert given.told(database) == [
        "parcel.cancelled",
        *(["work.void_label"] if state == "labelled" else []),
        "stock.increased",
        "order.changed",
    ]
    assert given.violations(database) == []

    given.place(database, "ord_1")

    assert given.rows(database, STOCK) == [("BER", 4, 0), ("LIS", 5, 2)]
    assert given.violations(database) == []


def test_the_missing_units_are_in_the_ledger_with_their_parcel(
    database: Database, parcel_id: str
) -> None:
    short(database, parcel_id)

    assert given.rows(
        database,
        "SELECT quantity, reference, actor FROM stock_movements WHERE kind = 'short_pick'",
    ) == [(-1, parcel_id, "BER")]


def test_a_short_pick_that_is_reported_again_changes_nothing(
    database: Database, parcel_id: str
) -> None:
    short(database, parcel_id)
    given.place(database, "ord_1")
    given.silence(database)

    short(database, parcel_id)

    assert given.rows(database, STOCK) == [("BER", 4, 0), ("LIS", 5, 2)]
    assert given.told(database) == []
    assert given.violations(database) == []


def test_a_short_pick_of_a_parcel_that_has_left_or_was_cancelled_changes_nothing(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    (code,) = doubles.labelled(database, "ord_1")
    news = updates.body(code, [("in_transit", clock.now)])
    given.apply(database, track_parcel, updates.received(database, news))
    given.order(database, "ord_2", {"MUG": 1})
    given.place(database, "ord_2")
    (other,) = doubles.parcels_of(database, "ord_2")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_2", reason="no"))

    short(database, parcel_id)
    short(database, other)

    assert given.rows(database, STOCK) == [("BER", 3, 0), ("LIS", 5, 0)]
    assert given.violations(database) == []


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_short_pick_from_before_a_count_leaves_the_balance_as_it_was_counted(
    database: Database, clock: TestClock, parcel_id: str, minutes: int
) -> None:
    clock.advance(hours=1)
    counted = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now,
        lines=(CountedUnits(sku="MUG", on_hand=4),),
    )
    given.apply(database, count_stock, counted)

    short(database, parcel_id, minutes=minutes)

    assert given.rows(database, STOCK) == [("BER", 4, 0), ("LIS", 5, 0)]
    assert given.violations(database) == []


def test_missing_units_are_taken_from_the_partitions_that_had_promised_them(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 6}})
    given.spread(database, "MUG", "BER", [3, 3])
    given.order(database, "ord_1", [("MUG", 4), ("MUG", 1)])
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")

    short(database, parcel_id, {"MUG": 5})

    assert given.rows(database, "SELECT sum(on_hand), sum(reserved) FROM stock_levels") == [(1, 0)]
    assert given.violations(database) == []


def test_all_parcels_of_the_order_are_decided_anew(database: Database) -> None:
    # Goal: an order is placed whole, and gives back exactly what it held.
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 6})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")
    parcels = doubles.parcels_of(database, "ord_1")
    ((warehouse,),) = given.rows(
        database, f"SELECT warehouse FROM parcels WHERE parcel_id = '{parcels[0]}'"
    )

    short(database, parcels[0], {"MUG": 3}, warehouse=warehouse)
    assert given.rows(database, "SELECT count(*) FROM labels WHERE state = 'void_requested'") == [
        (2,)
    ]
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(
        database, f"SELECT reserved FROM stock_levels WHERE warehouse = '{warehouse}'"
    ) == [(0,)]
    assert given.violations(database) == []


def test_what_nobody_else_has_waits_for_stock_elsewhere(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")

    short(database, parcel_id)
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("backordered",)]
    assert given.violations(database) == []


def test_what_is_found_later_is_for_the_order_again(database: Database, clock: TestClock) -> None:
    # Goal: an order that its only warehouse could not pick does not wait beside full shelves.
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel,) = doubles.parcels_of(database, "ord_1")
    short(database, parcel)
    given.place(database, "ord_1")
    clock.advance(minutes=1)

    given.receive(database, "BER", {"MUG": 1})
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    ((parcel,),) = given.rows(database, "SELECT parcel_id FROM parcels WHERE state = 'planned'")
    clock.advance(minutes=1)
    short(database, parcel)
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT state FROM orders") == [("backordered",)]
    clock.advance(minutes=1)
    counted = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=database.now(),
        lines=(CountedUnits(sku="MUG", on_hand=2),),
    )
    given.apply(database, count_stock, counted)
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_an_order_that_was_to_come_back_is_cancelled_instead(
    database: Database, parcel_id: str
) -> None:
    doubles.picked(database, parcel_id)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)

    short(database, parcel_id)

    assert given.rows(database, "SELECT state FROM orders") == [("cancelled",)]
    assert given.told(database)[-1] == "order.closed"
    assert given.violations(database) == []


def sibling_picked(database: Database) -> tuple[str, str]:
    """Two parcels of one order, the heavier picked. Returns the other one and its warehouse."""
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}, "LIS": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    first, second = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, first)
    ((warehouse,),) = given.rows(
        database, f"SELECT warehouse FROM parcels WHERE parcel_id = '{second}'"
    )
    given.silence(database)
    return second, warehouse


def test_what_a_picked_sibling_has_goes_its_way_and_the_others_are_placed_anew(
    database: Database,
) -> None:
    second, warehouse = sibling_picked(database)

    short(database, second, {"MUG": 2}, warehouse=warehouse)

    assert given.rows(database, "SELECT state FROM orders") == [("partly_placed",)]
    assert given.rows(database, "SELECT allocated, backordered FROM order_lines") == [(3, 0)]
    assert given.told(database)[-1] == "order.changed"
    assert given.violations(database) == []
    given.place(database, "ord_1")
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(
        database, "SELECT warehouse FROM parcels WHERE state = 'planned' AND picked_at IS NULL"
    ) == [("LIS",)]
    assert given.violations(database) == []


def test_where_the_others_are_nowhere_they_wait(database: Database) -> None:
    second, warehouse = sibling_picked(database)
    database.statement(text("UPDATE stock_levels SET safety = 2 WHERE warehouse = 'LIS'"))

    short(database, second, {"MUG": 2}, warehouse=warehouse)
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("partly_placed",)]
    assert given.rows(database, "SELECT allocated, backordered FROM order_lines") == [(3, 2)]
    assert given.told(database)[-1] == "order.backordered"
    assert given.violations(database) == []


def test_of_an_order_that_is_wanted_no_more_they_are_left_out(database: Database) -> None:
    second, warehouse = sibling_picked(database)
    doubles.picked(database, second)  # and so it was to be sent, and to come back
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    short(database, second, {"MUG": 2}, warehouse=warehouse)

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT allocated, cancelled FROM order_lines") == [(3, 2)]
    assert given.violations(database) == []


def test_a_kit_that_is_torn_by_the_pick_is_left_to_a_person(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}, "MUC": {"TEA": 1}})
    given.kit(database, "SET", {"MUG": 1, "TEA": 1})
    given.order(database, "ord_1", {"SET": 1})
    given.place(database, "ord_1")
    parcels = dict(given.rows(database, "SELECT warehouse, parcel_id FROM parcels"))
    doubles.picked(database, parcels["MUC"])

    with pytest.raises(PartlyPicked, match="a part of kit SET"):
        short(database, parcels["BER"], {"MUG": 1})

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_while_the_label_is_being_bought_the_report_is_asked_for_again(
    database: Database, parcel_id: str
) -> None:
    def report_meanwhile(_request: object) -> None:
        with pytest.raises(LabelBeingBought):
            short(database, parcel_id)

    doubles.buy(database, parcel_id, doubles.RecordingCarrier(before=report_meanwhile))

    assert given.rows(database, STOCK) == [("BER", 5, 2), ("LIS", 5, 0)]
    short(database, parcel_id)
    assert given.violations(database) == []


def test_wrong_reports_are_told_what_to_look_at(database: Database, parcel_id: str) -> None:
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(NoSuchParcel):
        short(database, "par_none")
    with pytest.raises(ParcelOfAnotherWarehouse, match="BER"):
        short(database, parcel_id, warehouse="LIS")
    with pytest.raises(UnknownWarehouse):
        short(database, parcel_id, warehouse="XXX")
    with pytest.raises(UnknownSku):
        short(database, parcel_id, {"GHOST": 1})
    with pytest.raises(KitHasNoStock, match="name MUG"):
        short(database, parcel_id, {"SET": 1})
    with pytest.raises(NotInParcel, match="has 2 of them") as caught:
        short(database, parcel_id, {"MUG": 3})

    assert caught.value.facts["field"] == "lines.0.missing"
    assert given.rows(database, STOCK) == [("BER", 5, 2), ("LIS", 5, 0)]
    assert given.violations(database) == []
