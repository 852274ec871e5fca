"""A row that cannot be right promises nothing, whatever others do, until it is right again."""

import json
from collections.abc import Iterator

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import Disposition
from shared.flows.cancel_order import cancel_order
from shared.flows.release_stock import release_stock
from shared.flows.return_stock import return_stock
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.ops.availability import available_to_promise
from shared.orders import store as orders
from shared.platform.db import Database
from shared.platform.sql import text
from shared.stock import warehouses
from shared.stock.types import BalanceFencedOff
from tests.flows import doubles, reports, transfers, updates
from tests.flows.drifting import DRIFTS, corrupt, count, promised, told
from tests.flows.partitioned import allot, ordered, reconcile, rows, spread, states
from tests.flows.test_hold_stock import hold, release
from tests.support import given
from tests.support.clock import TestClock

FENCES = "SELECT fenced_for FROM stock_levels ORDER BY sku, warehouse, partition"


@pytest.fixture
def unconstrained(database: Database) -> Iterator[Database]:
    """A database that takes figures which cannot be."""
    database.statement(text("ALTER TABLE stock_levels DROP CONSTRAINT never_oversold"))
    yield database
    database.statement(
        text("UPDATE stock_levels SET on_hand = greatest(on_hand, 0) + 99,"
             " reserved = greatest(reserved, 0), held = greatest(held, 0)")
    )  # fmt: skip
    database.statement(
        text("ALTER TABLE stock_levels ADD CONSTRAINT never_oversold CHECK ("
             "0 <= reserved AND 0 <= held AND reserved + held <= on_hand)")
    )  # fmt: skip


def test_what_is_promised_beyond_on_hand_is_fenced_off_and_nothing_new_is_promised(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: a balance that the table's CHECK permits, and that cannot be repaired without breaking
    # it: parcels have more than there is. Whoever was promised keeps it, nobody new gets any.
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 2}})
    ordered(database, "ord_1", 5)
    corrupt(
        database,
        "UPDATE stock_levels SET on_hand = 4, reserved = 1 WHERE warehouse = 'BER'",
    )
    given.silence(database)
    capsys.readouterr()

    report = reconcile(database)

    assert (report.repaired, report.fenced) == (0, 1)
    assert given.rows(database, DRIFTS) == [
        ("MUG", 0, "on_hand", 4, 9, "fenced"),
        ("MUG", 0, "reserved", 1, 5, "fenced"),
        ("MUG", 0, "promised", 5, 4, "fenced"),
    ]
    assert rows(database) == [
        (0, 4, 4, 0, "fewer are on hand than are promised"),
        (0, 2, 0, 0, ""),
    ]
    assert told(database, "dispatch.stock.count_wanted.v1") == [
        {"warehouse": "BER", "skus": ["MUG"], "fenced": ["MUG"]}
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (paged,) = (line for line in lines if line["severity"] == "CRITICAL")
    assert paged["message"] == "stock.fenced_off"
    assert (paged["sku"], paged["warehouse"], paged["partition"]) == ("MUG", "BER", 0)
    # The other warehouse promises as before.
    ordered(database, "ord_2", 2)
    ordered(database, "ord_3", 1)
    assert states(database) == ["placed", "placed", "backordered"]


def test_a_negative_row_is_fenced_off_and_the_others_of_its_spread_go_on(
    unconstrained: Database,
) -> None:
    database = unconstrained
    given.catalogue(database, {"BER": {"MUG": 6}})
    spread(database, 3)
    corrupt(database, "UPDATE stock_levels SET on_hand = -7 WHERE partition = 1")

    report = reconcile(database)

    assert report.fenced == 1
    assert given.rows(database, DRIFTS) == [("MUG", 1, "on_hand", -7, 0, "fenced")]
    assert given.rows(database, FENCES) == [(None,), ("on hand is below zero",), (None,)]
    for number in range(5):
        ordered(database, f"ord_{number}")
    assert states(database) == ["placed"] * 4 + ["backordered"]


def test_a_row_that_is_wrong_changes_nothing_of_what_a_channel_may_sell_of_the_others(
    unconstrained: Database,
) -> None:
    # Goal: a share is one of what lies there, and nobody knows what lies in that row. Found or not.
    database = unconstrained
    given.catalogue(database, {"BER": {"MUG": 20}})
    spread(database, 2)
    database.run(lambda tx: orders.set_scope(tx, "small", {"BER": 50}), given.cause())
    ordered(database, "promised", 4)  # of both rows
    corrupt(database, "UPDATE stock_levels SET on_hand = -40 WHERE partition = 1")

    def can_sell() -> int:
        (mug,) = database.run(
            lambda tx: available_to_promise(tx, ["MUG"], channel="small"), given.cause()
        )
        return mug.available

    found = can_sell()
    reconcile(database)
    assert (found, can_sell()) == (7, 7)  # half of ten, and of the four that were promised
    ordered(database, "ord_1", found, channel="small")
    ordered(database, "ord_2", 1, channel="small")
    assert states(database) == ["placed", "backordered", "placed"]


@pytest.mark.parametrize("into", [1, 3])
def test_a_row_that_is_wrong_and_was_not_found_yet_is_not_laid_anew(
    unconstrained: Database, into: int
) -> None:
    # Goal: what is below zero in one row would be made good by units that nobody has.
    database = unconstrained
    given.catalogue(database, {"BER": {"MUG": 6}})
    spread(database, 2)
    corrupt(database, "UPDATE stock_levels SET on_hand = -40 WHERE partition = 1")

    with pytest.raises(BalanceFencedOff, match=r"partition 1: .* send a count of it, or reconcile"):
        spread(database, into)
    with pytest.raises(BalanceFencedOff):
        allot(database, 1)

    assert [row[1] for row in rows(database)] == [3, -40]


def test_negative_promises_are_what_parcels_and_holds_say_again(unconstrained: Database) -> None:
    database = unconstrained
    promised(database)
    corrupt(database, "UPDATE stock_levels SET reserved = -3, held = -1 WHERE sku = 'MUG'")

    assert reconcile(database).repaired == 1
    assert given.violations(database) == []


def test_what_was_promised_of_what_never_had_a_balance_is_fenced_off(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {}})
    ordered(database, "ord_1", 2)
    corrupt(
        database,
        "UPDATE parcels SET warehouse = 'LIS'",
    )

    report = reconcile(database)

    assert (report.repaired, report.fenced) == (1, 1)
    assert given.rows(database, FENCES) == [(None,), ("fewer are on hand than are promised",)]
    assert given.rows(
        database, "SELECT on_hand, reserved FROM stock_levels ORDER BY warehouse"
    ) == [
        (9, 0),
        (0, 0),
    ]


def test_a_row_that_is_fenced_off_is_found_once_and_pages_every_night(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 5)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1")
    reconcile(database)
    found = given.rows(database, DRIFTS)
    given.silence(database)
    capsys.readouterr()

    assert reconcile(database).fenced == 1

    assert given.rows(database, DRIFTS) == found
    assert given.told(database) == []
    assert '"CRITICAL"' in capsys.readouterr().out


def test_as_many_promises_as_there_are_units_can_be_taken_back(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    for name, units in (("a", 3), ("b", 2)):
        ordered(database, name, units)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 0")
    assert reconcile(database).fenced == 1

    given.apply(database, cancel_order, OrderCancelled(order_id="a", reason="no"))

    assert rows(database)[0][1:3] == (4, 1)
    assert reconcile(database).lifted == 1
    assert rows(database) == [(0, 4, 2, 0, "")]


def test_reconciliation_lifts_the_fence_when_the_row_is_right_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 3)
    ordered(database, "ord_2", 2)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 4")
    reconcile(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)

    report = reconcile(database)

    assert (report.fenced, report.lifted) == (0, 1)
    assert rows(database) == [(0, 4, 2, 0, "")]
    assert given.told(database) == ["stock.count_wanted", "stock.increased"]
    assert given.violations(database) == []


def test_a_count_says_what_is_there_and_lifts_the_fence(
    database: Database, clock: TestClock
) -> None:
    # Goal: what is there was counted; what is promised is what parcels say, and not the row.
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 5)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1")
    reconcile(database)
    given.silence(database)
    clock.advance(minutes=1)

    count(database, 4, clock)
    assert rows(database) == [(0, 4, 4, 0, "fewer were counted than are promised")]
    count(database, 7, clock)

    assert rows(database) == [(0, 7, 5, 0, "")]
    assert told(database, "dispatch.stock.increased.v1") == [
        {"warehouse": "BER", "available": {"MUG": 2}}
    ]
    assert given.rows(database, "SELECT counted_at FROM stock_levels") == [(clock.now,)]
    reconcile(database)
    assert given.violations(database) == []
    count(database, 7, clock)
    assert rows(database) == [(0, 7, 5, 0, "")]


def test_a_count_of_a_spread_balance_makes_every_row_right(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    spread(database, 3)
    ordered(database, "ord_1", 9)
    corrupt(database, "UPDATE stock_levels SET on_hand = 1, reserved = 0 WHERE partition = 1")
    spread_before = given.rows(database, "SELECT spread_from, spread FROM stock_levels")
    assert reconcile(database).fenced == 1
    clock.advance(minutes=1)

    count(database, 10, clock)

    assert [row[2:] for row in rows(database)] == [(3, 0, "")] * 3
    assert sum(row[1] for row in rows(database)) == 10
    assert given.rows(database, "SELECT spread_from, spread FROM stock_levels") == spread_before
    reconcile(database)
    assert given.violations(database) == []


def test_a_shut_row_that_was_fenced_off_is_shut_again(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    spread(database, 2)
    ordered(database, "ord_1", 4)
    spread(database, 1)
    corrupt(database, "UPDATE stock_levels SET on_hand = 0, reserved = 0 WHERE partition = 1")
    reconcile(database)
    assert given.rows(database, FENCES)[1] == ("fewer are on hand than are promised",)
    clock.advance(minutes=1)

    count(database, 4, clock)

    assert rows(database) == [(0, 2, 2, 0, ""), (1, 2, 2, 0, "shut")]
    reconcile(database)
    assert given.violations(database) == []


@pytest.fixture
def more_than_there_is(database: Database) -> Database:
    """A parcel has five mugs of a row that says four; it is fenced off."""
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 5)
    doubles.labelled(database, "ord_1")
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1")
    assert reconcile(database).fenced == 1
    return database


def is_right_again(database: Database, on_hand: int) -> None:
    """The next reconciliation lifts the fence, and has a count asked for."""
    given.silence(database)
    assert reconcile(database).lifted == 1
    assert rows(database) == [(0, on_hand, 0, 0, "")]
    assert "stock.count_wanted" in given.told(database)
    assert given.violations(database) == []


def test_a_parcel_leaves_a_row_that_says_there_are_fewer(
    more_than_there_is: Database, clock: TestClock
) -> None:
    # Goal: it has left, whatever the books say; its customer is to hear of it.
    database = more_than_there_is
    (code,) = (c for (c,) in given.rows(database, "SELECT tracking_code FROM parcels"))

    news = updates.received(database, updates.body(code, [("in_transit", clock.now)]))
    given.apply(database, track_parcel, news)

    assert states(database) == ["shipped"]
    assert rows(database) == [(0, 0, 0, 0, "fewer are on hand than are promised")]
    is_right_again(database, 0)


def test_an_order_is_cancelled_that_has_more_of_a_row_than_there_is(
    more_than_there_is: Database,
) -> None:
    database = more_than_there_is

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert states(database) == ["cancelled"]
    is_right_again(database, 4)


def test_what_is_not_there_is_short_picked_as_the_fence_says(
    more_than_there_is: Database,
) -> None:
    database = more_than_there_is
    (parcel,) = doubles.parcels_of(database, "ord_1")

    given.apply(database, short_pick, reports.missing(parcel, ("MUG", "BER"), database.now()))

    assert states(database) == ["waiting"]
    is_right_again(database, 3)


def test_a_cart_is_given_up_that_holds_more_of_a_row_than_there_is(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    hold(database, "cart", {"MUG": 5})
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, held = 1")
    assert reconcile(database).fenced == 1

    release(database, "cart")

    is_right_again(database, 4)


@pytest.mark.parametrize("what", ["shipped", "cancelled"])
def test_a_transfer_leaves_or_is_called_off_that_has_more_of_a_row_than_there_is(
    database: Database, what: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    transfers.request(database, {"MUG": 5}, warehouse=_elsewhere(database))
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, held = 1")
    assert reconcile(database).fenced == 1

    if what == "shipped":
        transfers.ship(database, {"MUG": 5}, warehouse="MUC")
    else:
        transfers.cancel(database, warehouse="MUC")

    is_right_again(database, 0 if what == "shipped" else 4)


def test_what_is_in_quarantine_is_released_from_a_row_that_says_there_is_less(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    place = ("MUG", "BER")
    back = reports.returned("rma_1", place, Disposition.QUARANTINE, database.now())
    given.apply(database, return_stock, back)
    corrupt(database, "UPDATE stock_levels SET on_hand = 0, held = 0")
    assert reconcile(database).fenced == 1

    looked_at = reports.released("rel_1", "rma_1", place, "write_off", database.now())
    given.apply(database, release_stock, looked_at)

    is_right_again(database, 0)


def _elsewhere(database: Database) -> str:
    """Another warehouse, that has nothing."""
    database.run(
        lambda tx: warehouses.put(tx, "MUC", given.ADDRESS, given.PLACES["MUC"]), given.cause()
    )
    return "MUC"
