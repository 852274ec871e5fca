"""A transfer leaves: off the books where it was, and what stays is free again."""

from datetime import timedelta

import pytest

from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows.count_stock import count_stock
from shared.inbound.types import (
    InboundConflict,
    InboundEnded,
    InboundNotHereYet,
    UnitsContradict,
)
from shared.platform.db import Database
from tests.flows import transfers
from tests.support import given
from tests.support.clock import TestClock

LEDGER = "SELECT kind, quantity, reference FROM stock_movements ORDER BY movement_id"


def asked(database: Database) -> None:
    """BER has ten mugs, and is to send four of them to LIS."""
    given.catalogue(database, {"BER": {"MUG": 10, "PEN": 2}, "LIS": {}})
    transfers.request(database, {"MUG": 4, "PEN": 2})
    given.silence(database)


def test_what_left_is_not_on_hand_any_more_and_is_in_transit(database: Database) -> None:
    asked(database)

    transfers.ship(database, {"MUG": 4, "PEN": 2})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("PEN", "BER", 0, 0)]
    assert given.rows(database, LEDGER)[2:] == [
        ("transfer_out", -4, "trf_1"),
        ("transfer_out", -2, "trf_1"),
    ]
    assert given.rows(database, "SELECT state FROM stock_holds") == [("consumed",)]
    assert given.rows(database, "SELECT body::jsonb->'coming' FROM outbox") == [
        ({"MUG": 4, "PEN": 2},)
    ]
    assert given.violations(database) == []


def test_what_was_asked_for_and_stayed_is_free_and_told(database: Database) -> None:
    asked(database)

    transfers.ship(database, {"MUG": 3})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 7, 0), ("PEN", "BER", 2, 0)]
    assert given.told(database) == ["inbound.changed", "stock.increased"]
    assert given.rows(database, transfers.ITEMS) == [
        ("shipped", "MUG", 4, 3, 0),
        ("shipped", "PEN", 2, 0, 0),
    ]
    assert given.violations(database) == []


def test_the_same_report_again_changes_nothing_and_another_one_is_a_conflict(
    database: Database,
) -> None:
    asked(database)
    transfers.ship(database, {"MUG": 4})
    transfers.receive(database, {"MUG": 4})
    given.silence(database)

    transfers.ship(database, {"MUG": 4})
    with pytest.raises(InboundConflict):
        transfers.ship(database, {"MUG": 3})

    assert given.told(database) == []
    assert given.violations(database) == []


def test_a_report_before_the_request_is_asked_for_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {}})

    with pytest.raises(InboundNotHereYet):
        transfers.ship(database, {"MUG": 4})


def test_a_shipment_from_before_a_count_leaves_the_balance_as_it_was_counted(
    database: Database, clock: TestClock
) -> None:
    # Goal: BER counted six mugs after four had left, and only then reports that they did.
    asked(database)
    left_at = clock.now
    clock.advance(hours=1)
    given.apply(
        database,
        count_stock,
        StockCounted(
            warehouse="BER",
            count_id="cnt_1",
            counted_at=clock.now,
            lines=(CountedUnits(sku="MUG", on_hand=6),),
        ),
    )
    clock.advance(hours=1)

    transfers.ship(database, {"MUG": 4, "PEN": 2}, at=left_at)

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("PEN", "BER", 0, 0)]
    assert given.violations(database) == []


def test_a_new_date_replaces_the_one_that_was_asked_for(
    database: Database, clock: TestClock
) -> None:
    asked(database)
    later = clock.now + timedelta(days=9)

    transfers.ship(database, {"MUG": 4}, expected_at=later)

    assert given.rows(database, "SELECT expected_at FROM inbounds") == [(later,)]


@pytest.mark.parametrize("units", [{"MUG": 5}, {"MUG": 4, "CUP": 1}])
def test_more_than_was_asked_for_is_refused_and_says_what_to_do(
    database: Database, units: dict[str, int]
) -> None:
    asked(database)

    with pytest.raises(UnitsContradict, match=r"were asked for; report \d, and ask for another"):
        transfers.ship(database, units)

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 10, 4), ("PEN", "BER", 2, 2)]


def test_what_was_cancelled_cannot_leave(database: Database) -> None:
    asked(database)
    transfers.cancel(database)

    with pytest.raises(InboundEnded, match="ask for another transfer"):
        transfers.ship(database, {"MUG": 4})


def test_a_transfer_between_other_warehouses_is_refused(database: Database) -> None:
    asked(database)

    with pytest.raises(InboundConflict, match="trf_1 goes from BER to LIS"):
        transfers.ship(database, {"MUG": 4}, warehouse="MUC")
