"""When a backordered order can be expected: told when it changes, and only then."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from shared.contracts.inbound import InboundChanged
from shared.contracts.stock import ReceivedUnits, StockReceived
from shared.flows import expect_backorders as flow
from shared.flows.expect_backorders import expect_after, expect_backorders
from shared.flows.receive_stock import receive_stock
from shared.ops.order_view import view_order
from shared.orders import store as orders
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock.skus import Unit, put_skus
from tests.flows import transfers
from tests.flows.test_expect_delivery import announce
from tests.flows.test_supply import hold, scope
from tests.support import given
from tests.support.clock import TestClock

Result = TypeVar("Result")
MOMENTS = "SELECT order_id, expected_at FROM orders ORDER BY 1"
TOLD = """
    SELECT body::jsonb->>'order_id', CAST(body::jsonb->>'expected_at' AS timestamptz) FROM outbox
     WHERE attributes->>'ce-type' = 'dispatch.order.expected.v1' ORDER BY outbox_id
"""


def expect(database: Database) -> int:
    """Housekeeping comes by."""

    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    return expect_backorders(run)


def waits(database: Database, order_id: str, wants: dict[str, int], **fields: Any) -> None:
    """A backordered order; nothing that was told before matters."""
    given.order(database, order_id, wants, **fields)
    given.place(database, order_id)
    given.silence(database)


def told(database: Database) -> list[tuple[str, datetime | None]]:
    """(Order, moment) as it was told since the last look."""
    found = [(name, moment) for name, moment in given.rows(database, TOLD)]
    given.silence(database)
    return found


def test_who_waits_is_told_when_what_is_on_its_way_covers_it(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    for name in ("a", "b", "c", "d"):
        waits(database, name, {"MUG": 2})
    first, second = clock.now + timedelta(days=1), clock.now + timedelta(days=5)
    announce(database, {"MUG": 3}, inbound_id="asn_1", expected_at=first)
    announce(database, {"MUG": 3}, inbound_id="asn_2", expected_at=second)

    assert expect(database) == 3
    assert told(database) == [("a", first), ("b", second), ("c", second)]
    assert given.rows(database, MOMENTS) == [
        ("a", first),
        ("b", second),
        ("c", second),
        ("d", None),
    ]

    assert expect(database) == 0
    assert told(database) == []


def test_news_of_an_inbound_is_told_at_once(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}, "LIS": {}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    transfers.request(database, {"MUG": 3})
    waits(database, "ord_2", {"MUG": 2})
    moment = clock.now + timedelta(days=2)
    event = InboundChanged(
        inbound_id="trf_1",
        origin="BER",
        warehouse="LIS",
        state="requested",
        expected_at=moment,
        coming={"MUG": 3},
        missing={},
    )

    given.apply(database, expect_after, event)

    assert told(database) == [("ord_2", moment)]


def test_a_date_that_is_moved_cut_or_cancelled_is_told_anew(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 5})
    waits(database, "large", {"MUG": 4})
    first, later = clock.now + timedelta(days=2), clock.now + timedelta(days=7)
    expect(database)
    assert told(database) == [("large", first)]

    transfers.ship(database, {"MUG": 5}, expected_at=later)
    expect(database)
    assert told(database) == [("large", later)]

    transfers.receive(database, {"MUG": 3})
    expect(database)
    assert told(database) == [("large", None)]


def test_what_is_overdue_covers_nothing(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "ord_1", {"MUG": 1})
    announce(database, {"MUG": 1})
    expect(database)
    given.silence(database)

    clock.advance(days=2)
    expect(database)

    assert told(database) == [("ord_1", None)]


def test_what_is_free_already_counts_and_what_it_covers_alone_is_not_told(
    database: Database, clock: TestClock
) -> None:
    # Goal: ten wanted and six free need four more; one who can be placed needs no date.
    given.catalogue(database, {"BER": {"MUG": 6}})
    waits(database, "large", {"MUG": 10})
    announce(database, {"MUG": 4})
    moment = clock.now + timedelta(days=2)

    expect(database)
    assert told(database) == [("large", moment)]
    given.receive(database, "BER", {"MUG": 4})
    expect(database)

    assert given.rows(database, MOMENTS) == [("large", moment)]


def test_only_what_may_serve_an_order_is_its_cover(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}, "LIS": {"MUG": 0}})
    scope(database, "market", {"LIS": 100})
    waits(database, "market", {"MUG": 1}, channel="market")
    waits(database, "refused", {"MUG": 1})
    given.apply(
        database,
        lambda tx, _: tx.write(orders.exclude(tx, "refused", ["MUG"], "BER", "short pick")),
        None,
    )
    waits(database, "several", {"MUG": 1, "PEN": 1})
    announce(database, {"MUG": 9})

    assert expect(database) == 0


def test_a_kit_is_expected_with_its_last_component_and_shares_the_queue(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "TEA": 0}})
    given.kit(database, "SET", {"MUG": 2, "TEA": 1})
    waits(database, "a_set", {"SET": 2})
    waits(database, "b_mug", {"MUG": 1})
    first, second = clock.now + timedelta(days=1), clock.now + timedelta(days=3)
    announce(database, {"MUG": 5}, inbound_id="asn_1", expected_at=first)
    announce(database, {"TEA": 2}, inbound_id="asn_2", expected_at=second)

    expect(database)

    assert told(database) == [("a_set", second), ("b_mug", first)]


def test_what_its_own_hold_keeps_is_not_missing(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    hold(database, "hold_1", {("MUG", "BER"): 2})
    waits(database, "owner", {"MUG": 3}, hold_id="hold_1")
    announce(database, {"MUG": 1})

    expect(database)

    assert told(database) == [("owner", clock.now + timedelta(days=2))]


@pytest.mark.parametrize("units", [0, 5])
def test_a_pre_order_is_expected_when_it_is_released(
    database: Database, clock: TestClock, units: int
) -> None:
    given.catalogue(database, {"BER": {"GAME": units}})
    release = clock.now + timedelta(days=30)
    given.apply(
        database,
        lambda tx, _: put_skus(tx, [Unit("GAME", 500, released_at=release)]),
        None,
    )
    waits(database, "ord_1", {"GAME": 1})

    expect(database)

    assert told(database) == [("ord_1", release)]


def test_a_pre_order_behind_what_is_announced_is_not_told_the_release(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"GAME": 0}})
    release = clock.now + timedelta(days=1)
    given.apply(
        database,
        lambda tx, _: put_skus(tx, [Unit("GAME", 500, released_at=release)]),
        None,
    )
    announce(database, {"GAME": 1})
    waits(database, "a", {"GAME": 1})
    waits(database, "b", {"GAME": 1})

    expect(database)

    assert told(database) == [("a", clock.now + timedelta(days=2))]


def test_who_is_placed_or_changed_at_this_moment_is_told_with_the_next_round(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "a", {"MUG": 1})
    waits(database, "b", {"MUG": 1})
    announce(database, {"MUG": 2})
    given.silence(database)

    def while_locked(tx: Transaction) -> None:
        orders.lock(tx, "a")
        assert expect(database) == 1

    database.run(while_locked, given.cause())

    assert [name for name, _ in told(database)] == ["b"]
    expect(database)
    assert [name for name, _ in told(database)] == ["a"]


def test_two_rounds_at_once_are_one(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "a", {"MUG": 1})
    announce(database, {"MUG": 1})

    def while_another(tx: Transaction) -> None:
        assert orders.expect_alone(tx)
        assert expect(database) == 0

    database.run(while_another, given.cause())
    assert expect(database) == 1


def test_many_are_told_in_several_transactions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "TOLD_AT_ONCE", 2)
    given.catalogue(database, {"BER": {"MUG": 0}})
    for n in range(5):
        waits(database, f"ord_{n}", {"MUG": 1})
    announce(database, {"MUG": 5})

    assert expect(database) == 5


def test_a_date_ends_with_the_waiting_and_is_shown_until_then(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "ord_1", {"MUG": 1})
    announce(database, {"MUG": 1})
    expect(database)
    moment = database.now() + timedelta(days=2)
    shown = database.run(lambda tx: view_order(tx, "ord_1"), given.cause())
    assert shown is not None
    assert shown.expected_at == moment

    receipt = StockReceived(
        warehouse="BER",
        receipt_id="rcp_1",
        received_at=database.now(),
        lines=(ReceivedUnits(sku="MUG", quantity=1),),
        inbound_id="asn_1",
    )
    given.apply(database, receive_stock, receipt)
    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state, expected_at FROM orders") == [("placed", None)]
    assert given.rows(database, "SELECT state FROM inbounds") == [("received",)]


def test_an_order_that_waits_anew_says_what_it_was_told_before(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "ord_1", {"MUG": 1})
    announce(database, {"MUG": 1})
    expect(database)
    given.silence(database)
    database.statement(text("UPDATE orders SET state = 'waiting'"))

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT body::jsonb->>'expected_at' FROM outbox") == [
        ("2026-03-04T12:00:00Z",)
    ]
