"""Returns: to the shelf, into quarantine or written off; once, as of their time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import (
    CountedUnits,
    Disposition,
    ReturnedUnits,
    StockCounted,
    StockReturned,
)
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.flows.return_stock import return_stock
from shared.flows.track_parcel import track_parcel
from shared.orders.types import UnknownOrder
from shared.platform.db import Database
from shared.shipments.types import NoSuchParcel, NotInParcel, ParcelNeverLeft
from shared.stock.types import KitHasNoStock, UnknownSku, UnknownWarehouse
from tests.flows import doubles, partitioned, updates
from tests.support import given
from tests.support.clock import TestClock

RESTOCK, QUARANTINE = Disposition.RESTOCK, Disposition.QUARANTINE
WRITE_OFF = Disposition.WRITE_OFF
STOCK = "SELECT sum(on_hand), sum(reserved), sum(held) FROM stock_levels"


def come_back(
    database: Database,
    *lines: tuple[str, int, Disposition],
    return_id: str = "rma_1",
    warehouse: str = "BER",
    minutes: int = 0,
    **origin: str,
) -> None:
    """The warehouse reports these lines as one return."""
    event = StockReturned(
        warehouse=warehouse,
        return_id=return_id,
        returned_at=database.now() + timedelta(minutes=minutes),
        lines=tuple(
            ReturnedUnits(sku=sku, quantity=n, disposition=disposition)
            for sku, n, disposition in lines
        ),
        parcel_id=origin.get("parcel_id"),
        order_id=origin.get("order_id"),
    )
    given.apply(database, return_stock, event)


def sent(database: Database, units: Mapping[str, int]) -> str:
    """An order whose only parcel has left, and that parcel."""
    given.order(database, "ord_1", units)
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    news = updates.body(code, [("in_transit", database.now())])
    given.apply(database, track_parcel, updates.received(database, news))
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    return parcel_id


def test_what_has_come_back_of_a_parcel_cannot_come_back_again(
    database: Database, clock: TestClock
) -> None:
    # Goal: whoever scans a box under two numbers, or in two warehouses, makes no units.
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 0}})
    parcel_id = sent(database, {"MUG": 3})
    clock.advance(minutes=10)
    come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id)

    for warehouse in ("BER", "LIS"):
        with pytest.raises(NotInParcel, match="2 of them came back before") as caught:
            come_back(
                database,
                ("MUG", 2, WRITE_OFF),
                parcel_id=parcel_id,
                return_id="rma_2",
                warehouse=warehouse,
            )
        assert caught.value.facts["field"] == "lines.0.quantity"
    come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id)
    come_back(database, ("MUG", 1, RESTOCK), parcel_id=parcel_id, return_id="rma_2")

    assert given.rows(database, STOCK) == [(10, 0, 0)]
    assert given.violations(database) == []


def test_two_returns_of_a_parcel_at_once_make_no_units(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 0}})
    parcel_id = sent(database, {"MUG": 2})
    clock.advance(minutes=10)

    def report(warehouse: str) -> bool:
        try:
            come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id, warehouse=warehouse)
        except NotInParcel:
            return False
        return True

    with ThreadPoolExecutor(max_workers=2) as pool:
        booked = list(pool.map(report, ["BER", "LIS"]))

    assert sorted(booked) == [False, True]
    assert given.rows(database, STOCK) == [(10, 0, 0)]


@pytest.mark.parametrize(
    ("disposition", "stock", "moved", "told"),
    [
        (RESTOCK, (7, 0, 0), ["return 2"], ["stock.increased"]),
        (QUARANTINE, (7, 0, 2), ["return 2"], []),
        (WRITE_OFF, (5, 0, 0), ["return 2", "write_off -2"], []),
    ],
)
def test_the_stock_follows_the_disposition_once(
    *,
    database: Database,
    disposition: Disposition,
    stock: tuple[int, int, int],
    moved: list[str],
    told: list[str],
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    come_back(database, ("MUG", 2, disposition))
    come_back(database, ("MUG", 2, disposition))

    assert given.rows(database, STOCK) == [stock]
    movements = given.rows(
        database,
        "SELECT kind || ' ' || quantity FROM stock_movements WHERE reference = 'rma_1' ORDER BY 1",
    )
    assert [text for (text,) in movements] == moved
    assert given.told(database) == told
    assert given.violations(database) == []


def test_one_return_may_go_three_ways(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})

    come_back(
        database,
        ("MUG", 1, RESTOCK),
        ("MUG", 2, QUARANTINE),
        ("PEN", 3, QUARANTINE),
        ("MUG", 4, WRITE_OFF),
    )

    assert given.rows(database, "SELECT sku, on_hand, held FROM stock_levels ORDER BY 1") == [
        ("MUG", 3, 2),
        ("PEN", 3, 3),
    ]
    assert given.rows(database, "SELECT purpose, count(*) FROM stock_holds GROUP BY 1") == [
        ("quarantine", 2)
    ]
    assert given.violations(database) == []


def test_what_is_kept_in_quarantine_needs_no_room_above_the_safety(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}}, safety=5)

    come_back(database, ("MUG", 2, QUARANTINE))

    assert given.rows(database, STOCK) == [(3, 0, 2)]
    assert given.violations(database) == []


def test_a_parcel_that_comes_back_is_restocked_and_wakes_who_waits(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    news = updates.body(code, [("in_transit", clock.now)])
    given.apply(database, track_parcel, updates.received(database, news))
    given.order(database, "ord_2", {"MUG": 2})
    given.place(database, "ord_2")
    given.silence(database)

    come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id, order_id="ord_1")
    assert given.told(database) == ["work.place_order"], "they are kept for who waits"
    given.place(database, "ord_2")

    assert given.rows(database, "SELECT order_id, state FROM orders ORDER BY 1") == [
        ("ord_1", "shipped"),
        ("ord_2", "placed"),
    ]
    assert given.violations(database) == []


def test_a_return_may_arrive_at_another_warehouse(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}, "MUC": {}})
    parcel_id = sent(database, {"MUG": 2})

    come_back(database, ("MUG", 1, RESTOCK), warehouse="MUC", parcel_id=parcel_id)

    assert given.rows(database, "SELECT on_hand FROM stock_levels WHERE warehouse = 'MUC'") == [
        (1,)
    ]


def test_what_comes_back_to_a_spread_balance_reaches_all_rows(
    database: Database, clock: TestClock
) -> None:
    # Goal: what is restocked is dealt, what is kept apart lies together, and all of it is looked at
    # again, also where the return is reported late.
    given.catalogue(database, {"BER": {"MUG": 8}})
    partitioned.spread(database, 2)
    clock.advance(hours=1)

    come_back(database, ("MUG", 6, RESTOCK), ("MUG", 2, QUARANTINE), ("MUG", 1, WRITE_OFF))

    assert given.rows(database, STOCK) == [(16, 0, 2)]
    assert [row[1] for row in partitioned.rows(database)] == [9, 7]
    assert given.violations(database) == []
    counted = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now,
        lines=(CountedUnits(sku="MUG", on_hand=16),),
    )
    given.apply(database, count_stock, counted)
    come_back(database, ("MUG", 7, QUARANTINE), return_id="rma_2", minutes=-30)
    assert given.rows(database, STOCK) == [(16, 0, 9)]
    assert given.violations(database) == []


@pytest.mark.parametrize("minutes", [0, -5])
@pytest.mark.parametrize(("counted", "held"), [(5, 2), (3, 1)], ids=["free", "promised"])
def test_a_return_from_before_a_count_leaves_the_balance_as_it_was_counted(
    *, database: Database, clock: TestClock, minutes: int, counted: int, held: int
) -> None:
    # Goal: what was counted is what there is; what of it has been promised since stays promised.
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    clock.advance(hours=1)
    event = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now,
        lines=(CountedUnits(sku="MUG", on_hand=counted),),
    )
    given.apply(database, count_stock, event)

    come_back(database, ("MUG", 2, QUARANTINE), minutes=minutes)

    assert given.rows(database, STOCK) == [(counted, 2, held)]
    assert given.violations(database) == []


def test_what_was_never_picked_cannot_come_back(database: Database) -> None:
    # Goal: the customer cancels afterwards, and the units are free once and not twice.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")

    for _ in ("planned", "labelled"):
        with pytest.raises(ParcelNeverLeft, match="was not picked yet") as caught:
            come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id)
        assert caught.value.facts["field"] == "parcel_id"
        doubles.labelled(database, "ord_1")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert given.rows(database, STOCK) == [(5, 0, 0)]


def test_what_was_picked_may_come_back_before_its_carrier_has_scanned_it(
    database: Database, clock: TestClock
) -> None:
    # Goal: the box came back by itself, and its scans come later: whatever comes first.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    doubles.picked(database, parcel_id)
    clock.advance(minutes=10)

    come_back(database, ("MUG", 2, RESTOCK), parcel_id=parcel_id)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    assert given.rows(database, STOCK) == [(7, 2, 0)]
    news = updates.body(code, [("in_transit", clock.now)])
    given.apply(database, track_parcel, updates.received(database, news))

    assert given.rows(database, STOCK) == [(5, 0, 0)]
    assert given.violations(database) == []


def test_wrong_reports_are_told_what_to_do(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.kit(database, "SET", {"MUG": 2})
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 2})
        given.place(database, name)
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    (cancelled,) = doubles.parcels_of(database, "ord_2")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_2", reason="no"))
    doubles.picked(database, parcel_id)

    with pytest.raises(UnknownWarehouse):
        come_back(database, ("MUG", 1, RESTOCK), warehouse="XXX")
    with pytest.raises(UnknownSku):
        come_back(database, ("GHOST", 1, RESTOCK))
    with pytest.raises(KitHasNoStock, match="name MUG"):
        come_back(database, ("SET", 1, RESTOCK))
    with pytest.raises(UnknownOrder, match="leave it out"):
        come_back(database, ("MUG", 1, RESTOCK), order_id="ord_9")
    with pytest.raises(NoSuchParcel, match="leave it out"):
        come_back(database, ("MUG", 1, RESTOCK), parcel_id="par_none")
    with pytest.raises(ParcelNeverLeft, match="adjustment"):
        come_back(database, ("MUG", 1, RESTOCK), parcel_id=cancelled)
    with pytest.raises(NotInParcel, match="without a parcel_id") as caught:
        come_back(database, ("MUG", 1, RESTOCK), ("MUG", 2, WRITE_OFF), parcel_id=parcel_id)

    assert caught.value.facts["field"] == "lines.1.quantity"
    assert given.rows(database, STOCK) == [(5, 2, 0)]
