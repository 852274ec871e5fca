"""Following a parcel: the same end whatever the order and number of its carrier's updates."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.contracts.parcels import CarrierUpdateReceived
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.track_parcel import TO_BE_RECORDED, LostUpdate, track_parcel
from shared.platform.db import Database
from shared.shipments.types import ParcelNotHereYet
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty

T0 = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
PRE_TRANSIT = ("pre_transit", T0)
IN_TRANSIT = ("in_transit", T0 + timedelta(hours=1))
OUT = ("out_for_delivery", T0 + timedelta(hours=20))
DELIVERED = ("delivered", T0 + timedelta(hours=24))
RETURNING = ("return_to_sender", T0 + timedelta(hours=30))
STRANGE = ("teleported", T0 + timedelta(hours=2))

STORY = """
    SELECT orders.state, parcels.state, tracking_status, shipped_at, delivered_at, returned_at,
           last_update_at, (SELECT sum(on_hand) FROM stock_levels),
           (SELECT sum(reserved) FROM stock_levels),
           (SELECT string_agg(raw_status, ',' ORDER BY occurred_at) FROM tracking_events)
      FROM orders JOIN parcels USING (order_id)
"""


def labelled_order(database: Database) -> str:
    """A placed order with one labelled parcel of two units; returns its tracking code."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    given.silence(database)
    return code


def track(database: Database, code: str, *history: updates.News) -> None:
    """The carrier's update arrives and is folded in."""
    event = updates.received(database, updates.body(code, history))
    given.apply(database, track_parcel, event)


def delivery_news(database: Database) -> list[str]:
    return [kind for kind in given.told(database) if kind != "carrier.update_received"]


def state(database: Database) -> tuple[Any, ...]:
    (found,) = given.rows(
        database, "SELECT orders.state, parcels.state FROM orders JOIN parcels USING (order_id)"
    )
    return found


def test_the_first_sign_of_the_carrier_takes_the_units_out_of_the_stock_once(
    database: Database, clock: TestClock
) -> None:
    code = labelled_order(database)
    clock.now = OUT[1]

    track(database, code, PRE_TRANSIT)
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(5, 2)]
    assert state(database) == ("placed", "labelled")
    track(database, code, IN_TRANSIT)
    track(database, code, OUT)

    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(3, 0)]
    assert given.rows(
        database, "SELECT quantity, occurred_at FROM stock_movements WHERE kind = 'shipment'"
    ) == [(-2, IN_TRANSIT[1])]
    assert state(database) == ("shipped", "shipped")
    assert given.violations(database) == []


def test_each_change_of_status_is_announced_and_the_end_of_the_order_too(
    database: Database,
) -> None:
    code = labelled_order(database)

    for news in (PRE_TRANSIT, IN_TRANSIT, STRANGE, OUT, DELIVERED):
        track(database, code, news)

    assert given.rows(
        database,
        "SELECT body::json->>'status' FROM outbox WHERE destination = 'delivery-events'"
        " ORDER BY outbox_id",
    ) == [("in_transit",), ("out_for_delivery",), ("delivered",)]
    assert delivery_news(database)[-1] == "order.closed"
    assert given.violations(database) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "history",
    [
        (PRE_TRANSIT, IN_TRANSIT, OUT, DELIVERED),
        (IN_TRANSIT, STRANGE, DELIVERED, RETURNING),
    ],
    ids=["delivered", "returned"],
)
def test_updates_in_every_order_and_doubled_come_to_the_same_end(
    database: Database, history: tuple[updates.News, ...]
) -> None:
    # Goal: Pub/Sub and carriers promise neither order nor number. All 24 orders, every update
    # twice, each under an event id of its own, as republished events come.
    ends = set()
    for order in permutations(history):
        empty(database)
        code = labelled_order(database)
        for news in order:
            event = updates.received(database, updates.body(code, [news]))
            given.apply(database, track_parcel, event)
            given.apply(database, track_parcel, event)
        ends.update(given.rows(database, STORY))
        assert given.violations(database) == []

    assert len(ends) == 1


def test_a_full_history_at_once_is_the_same_as_one_update_after_another(
    database: Database,
) -> None:
    code = labelled_order(database)
    history = (PRE_TRANSIT, IN_TRANSIT, OUT, DELIVERED)
    for news in history:
        track(database, code, news)
    one_by_one = given.rows(database, STORY)

    empty(database)
    code = labelled_order(database)
    track(database, code, *history)

    assert given.rows(database, STORY) == one_by_one
    assert state(database) == ("delivered", "delivered")


def test_the_same_body_is_kept_and_announced_once(database: Database) -> None:
    code = labelled_order(database)
    sent = updates.body(code, [IN_TRANSIT])

    updates.received(database, sent)
    updates.received(database, sent)

    assert given.rows(database, "SELECT count(*) FROM carrier_updates") == [(1,)]
    assert given.told(database) == ["carrier.update_received"]


def test_an_update_about_a_parcel_that_nobody_knows_asks_to_come_again(
    database: Database,
) -> None:
    event = updates.received(database, updates.body("NOBODY", [IN_TRANSIT]))

    with pytest.raises(ParcelNotHereYet):
        given.apply(database, track_parcel, event)


def test_an_update_about_a_parcel_that_is_not_ours_is_let_be_after_a_while(
    database: Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: others who use the vendor's account with us do not flood us with letters.
    event = updates.received(database, updates.body("NOBODY", [IN_TRANSIT]))
    clock.now += TO_BE_RECORDED - timedelta(microseconds=1)
    with pytest.raises(ParcelNotHereYet):
        given.apply(database, track_parcel, event)

    clock.advance(microseconds=1)
    given.apply(database, track_parcel, event)

    assert "tracking.not_ours" in capsys.readouterr().out
    assert given.rows(database, "SELECT count(*) FROM carrier_updates") == [(1,)]


def test_a_label_that_is_recorded_late_gets_all_that_was_let_be(
    database: Database, clock: TestClock
) -> None:
    # Goal: nothing of ours is lost. Vendors tell the whole history every time.
    early = updates.received(database, updates.body("ord_1-1", [PRE_TRANSIT, IN_TRANSIT]))
    clock.now += 2 * TO_BE_RECORDED
    given.apply(database, track_parcel, early)
    code = labelled_order(database)
    clock.now = OUT[1]

    track(database, code, PRE_TRANSIT, IN_TRANSIT, OUT)

    assert given.rows(database, "SELECT count(*), min(occurred_at) FROM tracking_events") == [
        (3, PRE_TRANSIT[1])
    ]
    assert given.rows(database, "SELECT shipped_at FROM parcels") == [(IN_TRANSIT[1],)]


def test_an_update_whose_raw_text_is_missing_is_a_fault(database: Database) -> None:
    event = CarrierUpdateReceived(update_id="cup_none", vendor="easypost", tracking_code="X")

    with pytest.raises(LostUpdate):
        given.apply(database, track_parcel, event)


def test_an_order_of_two_parcels_is_delivered_with_the_last(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}, "MUC": {"MUG": 3}})
    given.order(database, "ord_1", {"MUG": 5})
    given.place(database, "ord_1")
    first, second = doubles.labelled(database, "ord_1")
    order_state = "SELECT state FROM orders"

    track(database, first, IN_TRANSIT, DELIVERED)
    assert given.rows(database, order_state) == [("shipped",)]
    assert given.violations(database) == []
    track(database, second, IN_TRANSIT)
    assert given.rows(database, order_state) == [("shipped",)]
    track(database, second, DELIVERED)

    assert given.rows(database, order_state) == [("delivered",)]
    assert given.rows(database, "SELECT sum(on_hand), sum(reserved) FROM stock_levels") == [(1, 0)]
    assert given.violations(database) == []


def test_a_parcel_that_goes_back_ends_the_order_as_returned(database: Database) -> None:
    code = labelled_order(database)

    track(database, code, IN_TRANSIT)
    track(database, code, RETURNING)

    assert state(database) == ("returned", "returned")
    assert given.rows(
        database, "SELECT body::json->>'state' FROM outbox WHERE destination = 'order-events'"
    ) == [("returned",)]
    assert given.violations(database) == []


def test_a_return_that_is_the_first_sign_of_the_carrier_ships_and_returns_at_once(
    database: Database,
) -> None:
    code = labelled_order(database)

    track(database, code, RETURNING)

    assert state(database) == ("returned", "returned")
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(3, 0)]
    assert given.violations(database) == []


def test_a_return_after_a_delivery_turns_the_order_into_a_returned_one(
    database: Database,
) -> None:
    code = labelled_order(database)

    track(database, code, IN_TRANSIT, DELIVERED)
    track(database, code, RETURNING)

    assert state(database) == ("returned", "returned")
    assert given.rows(database, "SELECT delivered_at, returned_at FROM parcels") == [
        (DELIVERED[1], RETURNING[1])
    ]
    assert given.violations(database) == []


def test_late_news_of_the_way_does_not_reopen_what_is_delivered(database: Database) -> None:
    code = labelled_order(database)
    track(database, code, IN_TRANSIT, DELIVERED)
    given.silence(database)

    track(database, code, OUT)

    assert state(database) == ("delivered", "delivered")
    assert delivery_news(database) == []
    assert given.rows(database, "SELECT count(*) FROM tracking_events") == [(3,)]


@pytest.mark.parametrize("news", [PRE_TRANSIT, IN_TRANSIT, DELIVERED, RETURNING, STRANGE])
def test_news_of_a_cancelled_parcel_is_kept_and_moves_nothing(
    database: Database, news: updates.News, capsys: pytest.CaptureFixture[str]
) -> None:
    code = labelled_order(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)
    capsys.readouterr()

    track(database, code, news)
    told = delivery_news(database)
    track(database, code, news)

    assert state(database) == ("cancelled", "cancelled")
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(5, 0)]
    assert given.rows(database, "SELECT count(*) FROM tracking_events") == [(1,)]
    assert told == []
    assert capsys.readouterr().out.count(code.partition("-")[0]) == 1, "one line tells of it"
    assert given.violations(database) == []


def test_news_of_a_cancelled_parcel_leaves_the_parcels_of_its_order_alone(
    database: Database,
) -> None:
    code = labelled_order(database)
    line = OrderedLine(line_no=1, sku="MUG", quantity=1, unit_price_cents=900)
    amended = OrderAmended(order_id="ord_1", revision=2, lines=(line,))
    given.apply(database, change_order, amended)
    given.place(database, "ord_1")

    track(database, code, IN_TRANSIT, DELIVERED)

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == [(5, 1)]
    assert given.violations(database) == []
