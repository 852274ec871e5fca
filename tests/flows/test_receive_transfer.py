"""A transfer arrives: in whatever order it is reported, to the unit, and short ones end too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_that
from hypothesis import strategies as st

from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows.count_stock import count_stock
from shared.inbound.types import InboundConflict, InboundEnded, InboundNotHereYet, UnitsContradict
from shared.kit.errors import DispatchError
from shared.platform.db import Database
from tests.flows import partitioned, transfers
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty


def in_transit(database: Database) -> None:
    """Four mugs are on their way from BER to LIS, which has one."""
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 1}})
    transfers.request(database, {"MUG": 4})
    transfers.ship(database, {"MUG": 4})
    given.silence(database)


def test_what_arrives_can_be_promised_and_wakes_who_waits(database: Database) -> None:
    in_transit(database)

    transfers.receive(database, {"MUG": 4})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("MUG", "LIS", 5, 0)]
    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 4, 4, 4)]
    assert given.told(database) == ["inbound.changed", "stock.increased"]
    assert given.violations(database) == []


def test_a_short_receipt_ends_the_transfer_and_tells_what_is_missing(database: Database) -> None:
    in_transit(database)

    transfers.receive(database, {"MUG": 3})

    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 4, 4, 3)]
    assert given.rows(
        database,
        "SELECT body::jsonb->'coming', body::jsonb->'missing' FROM outbox"
        " WHERE attributes->>'ce-type' = 'dispatch.inbound.changed.v1'",
    ) == [({}, {"MUG": 1})]
    assert given.violations(database) == []


def test_a_transfer_of_which_nothing_arrives_ends_as_well(database: Database) -> None:
    in_transit(database)

    transfers.receive(database, {})

    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 4, 4, 0)]
    assert given.violations(database) == []


def test_the_same_receipt_again_changes_nothing_and_another_one_is_a_conflict(
    database: Database,
) -> None:
    in_transit(database)
    transfers.receive(database, {"MUG": 3})
    given.silence(database)

    transfers.receive(database, {"MUG": 3})
    with pytest.raises(InboundConflict):
        transfers.receive(database, {"MUG": 4})

    assert given.told(database) == []
    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("MUG", "LIS", 4, 0)]


@pytest.mark.parametrize("units", [{"MUG": 5}, {"PEN": 1}])
def test_more_than_was_sent_is_refused_and_says_what_to_do(
    database: Database, units: dict[str, int]
) -> None:
    in_transit(database)

    with pytest.raises(UnitsContradict, match="and the rest as a receipt"):
        transfers.receive(database, units)

    assert given.rows(database, "SELECT state FROM inbounds") == [("shipped",)]


def test_a_receipt_that_is_reported_before_the_shipment_is_booked_once(
    database: Database,
) -> None:
    # Goal: two warehouses report by themselves, so LIS may be faster than BER.
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 1}})
    transfers.request(database, {"MUG": 4})

    transfers.receive(database, {"MUG": 3})
    transfers.receive(database, {"MUG": 3})
    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 10, 4), ("MUG", "LIS", 4, 0)]
    assert given.violations(database) == []
    with pytest.raises(UnitsContradict, match="report at least those"):
        transfers.ship(database, {"MUG": 2})
    transfers.ship(database, {"MUG": 4})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("MUG", "LIS", 4, 0)]
    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 4, 4, 3)]
    assert given.violations(database) == []


def test_a_receipt_from_before_a_count_leaves_the_balance_as_it_was_counted(
    database: Database, clock: TestClock
) -> None:
    in_transit(database)
    came_at = clock.now
    clock.advance(hours=1)
    given.apply(
        database,
        count_stock,
        StockCounted(
            warehouse="LIS",
            count_id="cnt_1",
            counted_at=clock.now,
            lines=(CountedUnits(sku="MUG", on_hand=5),),
        ),
    )

    transfers.receive(database, {"MUG": 4}, at=came_at)

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("MUG", "LIS", 5, 0)]
    assert given.violations(database) == []


def test_what_was_cancelled_or_never_asked_for_cannot_arrive(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {}})
    with pytest.raises(InboundNotHereYet):
        transfers.receive(database, {"MUG": 4})
    transfers.request(database, {"MUG": 4})
    transfers.cancel(database)

    with pytest.raises(InboundEnded, match="report what came as a receipt"):
        transfers.receive(database, {"MUG": 4})


REPORTS: dict[str, Callable[[Database], None]] = {
    "request": lambda database: transfers.request(database, {"MUG": 4}),
    "ship": lambda database: transfers.ship(database, {"MUG": 3}),
    "receive": lambda database: transfers.receive(database, {"MUG": 2}),
}


@pytest.mark.slow
@given_that(extra=st.lists(st.sampled_from(sorted(REPORTS)), max_size=5), data=st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_in_whatever_order_and_however_often_it_is_reported_the_end_is_the_same(
    database: Database, extra: list[str], data: st.DataObject
) -> None:
    # Goal: what comes too early is delivered again by the edge, here by a second round.
    empty(database)
    given.catalogue(database, {"BER": {"MUG": 10}, "LIS": {"MUG": 1}})
    order = data.draw(st.permutations([*REPORTS, *extra]))

    for name in [*order, *order]:
        with suppress(DispatchError):
            REPORTS[name](database)
        assert given.violations(database) == []

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 7, 0), ("MUG", "LIS", 3, 0)]
    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 4, 3, 2)]


def test_one_receipt_that_comes_twice_at_once_is_booked_once(database: Database) -> None:
    in_transit(database)

    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(lambda _: transfers.receive(database, {"MUG": 4}), range(3)))

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 6, 0), ("MUG", "LIS", 5, 0)]
    assert given.violations(database) == []


def test_what_arrives_reaches_all_rows_of_a_spread_balance(database: Database) -> None:
    in_transit(database)
    partitioned.spread(database, 2, sku="MUG", warehouse="LIS")

    transfers.receive(database, {"MUG": 3})

    assert given.rows(
        database, "SELECT on_hand FROM stock_levels WHERE warehouse = 'LIS' ORDER BY partition"
    ) == [(2,), (2,)]
    assert given.violations(database) == []
