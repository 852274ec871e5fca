"""Receipts: booked once, announced to those who wait, and never on top of a later count."""

from datetime import datetime, timedelta

import pytest

from shared.contracts.stock import CountedUnits, ReceivedUnits, StockCounted, StockReceived
from shared.flows.count_stock import count_stock
from shared.flows.receive_stock import receive_stock
from shared.platform.db import Database
from shared.stock.types import UnknownSku, UnknownWarehouse
from tests.flows import partitioned
from tests.support import given
from tests.support.clock import TestClock


def receipt(
    units: list[tuple[str, int]],
    at: datetime,
    *,
    receipt_id: str = "rcp_1",
    warehouse: str = "BER",
) -> StockReceived:
    return StockReceived(
        warehouse=warehouse,
        receipt_id=receipt_id,
        received_at=at,
        lines=tuple(ReceivedUnits(sku=sku, quantity=quantity) for sku, quantity in units),
    )


def test_a_receipt_adds_to_the_balance_and_tells_what_can_be_promised_now(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, safety=1)
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)

    given.apply(database, receive_stock, receipt([("MUG", 4)], clock.now))

    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(9, 2)]
    assert given.rows(
        database, "SELECT destination, ordering_key, body::json->'available'->>'MUG' FROM outbox"
    ) == [("stock-events", "BER", "6")]
    assert given.violations(database) == []


def test_the_same_receipt_under_two_event_ids_adds_once(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = receipt([("MUG", 4)], clock.now)

    given.apply(database, receive_stock, event)
    given.apply(database, receive_stock, event)

    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(9,)]
    assert given.told(database) == ["stock.increased"]


def test_two_lines_of_one_sku_are_one_booking(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 0}})

    given.apply(database, receive_stock, receipt([("MUG", 1), ("PEN", 1), ("MUG", 2)], clock.now))

    assert given.rows(database, "SELECT sku, on_hand FROM stock_levels ORDER BY 1") == [
        ("MUG", 8),
        ("PEN", 1),
    ]
    assert given.violations(database) == []


def test_a_warehouse_may_receive_what_it_never_had(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "MUC": {}})

    given.apply(database, receive_stock, receipt([("MUG", 4)], clock.now, warehouse="MUC"))

    assert given.rows(database, "SELECT on_hand FROM stock_levels WHERE warehouse = 'MUC'") == [
        (4,)
    ]


@pytest.mark.parametrize("minutes_before_the_count", [1, 0])
def test_a_late_receipt_from_before_a_count_adds_nothing(
    database: Database, clock: TestClock, minutes_before_the_count: int
) -> None:
    # Goal: what had arrived before the count was on the shelf and was counted; adding it again
    # would promise units that do not exist.
    given.catalogue(database, {"BER": {"MUG": 5}})
    clock.advance(hours=1)
    counted = StockCounted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now,
        lines=(CountedUnits(sku="MUG", on_hand=9),),
    )
    given.apply(database, count_stock, counted)
    given.silence(database)
    at = clock.now - timedelta(minutes=minutes_before_the_count)

    given.apply(database, receive_stock, receipt([("MUG", 4)], at))
    given.apply(database, receive_stock, receipt([("MUG", 4)], at))

    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(9,)]
    assert given.told(database) == []
    assert given.violations(database) == []


def test_an_unknown_warehouse_is_named(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(UnknownWarehouse) as caught:
        given.apply(database, receive_stock, receipt([("MUG", 1)], clock.now, warehouse="XXX"))

    assert caught.value.facts["field"] == "warehouse"


def test_an_unknown_sku_is_named_and_nothing_of_the_receipt_is_booked(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    with pytest.raises(UnknownSku) as caught:
        given.apply(database, receive_stock, receipt([("MUG", 1), ("GHOST", 1)], clock.now))

    assert caught.value.facts["field"] == "lines.1.sku"
    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(5,)]


def test_goods_for_a_spread_balance_go_where_least_can_be_promised(
    database: Database, clock: TestClock
) -> None:
    # Goal: what arrives in a flash sale does not all lie in one row.
    given.catalogue(database, {"BER": {"MUG": 8}})
    partitioned.spread(database, 4)
    partitioned.ordered(database, "ord_1", 2)
    partitioned.spread(database, 3)

    given.receive(database, "BER", {"MUG": 7})

    open_rows = [row for row in partitioned.rows(database) if not row[4]]
    assert sorted(units - promised for _, units, promised, *_ in open_rows) == [4, 4, 5]
    assert given.violations(database) == []
