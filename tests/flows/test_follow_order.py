"""A customer follows an order from the shelf to the door, and learns nothing about anybody."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.orders import OrderCancelled
from shared.flows.accept_order import accept_order
from shared.flows.cancel_order import cancel_order
from shared.flows.follow_order import follow_order
from shared.flows.track_parcel import track_parcel
from shared.kit.languages import Language
from shared.ops import order_by_token
from shared.ops.order_story import Arrival, Situation, Step, Story
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def catalogue(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 0}})


def follow(database: Database, order_id: str = "ord_1") -> Story:
    ((token,),) = given.rows(
        database, f"SELECT tracking_token FROM orders WHERE order_id = '{order_id}'"
    )
    story = database.run(lambda tx: follow_order(tx, token), given.cause())
    assert story is not None
    return story


def track(database: Database, code: str, status: str, at: datetime) -> None:
    event = updates.received(database, updates.body(code, [(status, at)]))
    given.apply(database, track_parcel, event)


def test_an_order_is_followed_from_its_acceptance_to_the_door(
    database: Database, clock: TestClock
) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    assert follow(database).situation is Situation.RECEIVED

    given.place(database, "ord_1")
    assert follow(database).situation is Situation.BEING_PACKED

    (code,) = doubles.labelled(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, parcel_id)
    assert follow(database).situation is Situation.PACKED

    seen = []
    for status in (
        "in_transit",
        "out_for_delivery",
        "failure",
        "available_for_pickup",
        "delivered",
    ):
        clock.advance(hours=1)
        track(database, code, status, clock.now)
        seen.append(follow(database).situation)
    assert seen == [
        Situation.ON_ITS_WAY,
        Situation.OUT_FOR_DELIVERY,
        Situation.DELIVERY_FAILED,
        Situation.READY_FOR_PICKUP,
        Situation.DELIVERED,
    ]

    story = follow(database)
    (parcel,) = story.parcels
    assert (parcel.carrier, parcel.units, parcel.step) == ("correios", 2, Step.DELIVERED)
    assert parcel.code_end == code[-4:]
    assert [entry.what for entry in parcel.history] == [
        "delivered",
        "ready_for_pickup",
        "delivery_failed",
        "out_for_delivery",
        "in_transit",
        "packed",
        "ordered",
    ]


def test_a_return_is_told(database: Database, clock: TestClock) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    track(database, code, "in_transit", clock.now)
    track(database, code, "return_to_sender", clock.now + HOUR)

    story = follow(database)

    assert (story.situation, story.arrival) == (Situation.GOING_BACK, Arrival.OVER)


def test_a_cancelled_order_is_told_and_its_parcels_are_gone(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="changed mind"))

    story = follow(database)

    assert (story.situation, story.parcels) == (Situation.CANCELLED, ())
    assert [entry.what for entry in story.history] == ["cancelled", "ordered"]


def test_what_is_cancelled_after_the_pick_is_wanted_back(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    doubles.labelled(database, "ord_1")
    doubles.picked(database, parcel_id)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="changed mind"))

    assert follow(database).is_wanted_back


def test_what_is_out_of_stock_follows(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 2, "PEN": 3}, ship_together=False)
    given.place(database, "ord_1")

    story = follow(database)

    assert [parcel.units for parcel in story.parcels] == [2]
    assert (story.out_of_stock, story.waiting, story.cancelled) == (3, 0, 0)


def test_units_are_pieces_also_of_kits(database: Database) -> None:
    given.kit(database, "SET", {"MUG": 2, "PEN": 1})
    given.order(database, "ord_1", {"SET": 2})

    assert follow(database).waiting == 6


def test_days_are_those_of_the_zone_that_is_nearest_to_where_it_goes(database: Database) -> None:
    database.statement(text("UPDATE warehouses SET time_zone = 'America/Sao_Paulo'"))
    given.order(database, "ord_1", {"MUG": 1})
    database.statement(text("UPDATE orders SET ordered_at = '2026-03-02T02:00Z'"))

    story = follow(database)

    assert (str(story.zone), story.ordered_on.isoformat()) == ("America/Sao_Paulo", "2026-03-01")


@pytest.mark.parametrize(
    ("asked", "language"),
    [(None, Language.GERMAN), ("pt-BR", Language.PORTUGUESE), ("en", Language.ENGLISH)],
)
def test_an_order_is_told_in_its_language_or_that_of_its_country(
    database: Database, asked: str | None, language: Language
) -> None:
    given.order(database, "ord_1", {"MUG": 1}, language=asked)

    assert follow(database).language is language


@pytest.mark.parametrize(
    "token", ["", "-", "A" * 22, "A" * 21, "A" * 10_000, "\0" * 22, "%", "' OR true --", "ord_1"]
)
def test_what_is_no_token_opens_nothing(database: Database, token: str) -> None:
    given.order(database, "ord_1", {"MUG": 1})

    assert database.run(lambda tx: follow_order(tx, token), given.cause()) is None


def test_a_page_is_found_by_the_index_of_tokens(database: Database) -> None:
    def plan(tx: Transaction) -> str:
        tx.rows(text("SET LOCAL enable_seqscan = off"))  # of a handful of rows
        rows = tx.rows(text(f"EXPLAIN {order_by_token._BY_TOKEN.written}"), token="A" * 22)
        return "\n".join(row[0] for row in rows)

    assert "Index Scan using orders_by_tracking_token" in database.run(plan, given.cause())


def test_an_order_without_a_token_is_opened_by_nothing(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 1})
    database.statement(text("UPDATE orders SET tracking_token = NULL"))

    assert database.run(lambda tx: follow_order(tx, "-"), given.cause()) is None


def test_nothing_that_is_read_for_the_page_is_about_a_person(
    database: Database, clock: TestClock
) -> None:
    # Goal: whoever has the address sees the page. Every text that a stranger wrote, or that a
    # stranger could ask for more by, is marked, and no mark leaves the database.
    marked = {
        "name": "Ada MARKED",
        "street": "MARKED Street 1",
        "city": "MARKEDville",
        "state": "MARKED",
        "postcode": "MARKED 7",
    }
    event = given.submitted("ord-MARKED-0001", {"MUG": 2}, channel="MARKED")
    place = event.destination.model_copy(update=marked)
    submitted = event.model_copy(update={"destination": place})
    given.apply(database, accept_order, submitted)
    given.place(database, "ord-MARKED-0001")
    carrier = doubles.RecordingCarrier()
    (parcel_id,) = doubles.parcels_of(database, "ord-MARKED-0001")
    doubles.buy(database, parcel_id, carrier)
    database.statement(text("UPDATE parcels SET tracking_code = 'MARKED-code-0815'"))
    scan: dict[str, Any] = {
        "status": "delivered",
        "status_detail": "MARKED_detail",
        "datetime": clock.now.isoformat(),
        "message": "Left with MARKED",
        "tracking_location": {"city": "MARKEDville", "country": "DE", "zip": "MARKED"},
    }
    result = {
        "tracking_code": "MARKED-code-0815",
        "carrier": "Correios MARKED",
        "status": "delivered",
        "signed_by": "MARKED",
        "tracking_details": [scan],
    }
    sent = json.dumps({"description": "tracker.updated", "result": result}).encode()
    given.apply(database, track_parcel, updates.received(database, sent))
    ((token,),) = given.rows(database, "SELECT tracking_token FROM orders")

    found = database.run(lambda tx: order_by_token.find(tx, token), given.cause())

    assert found is not None
    (parcel,) = found.parcels
    assert parcel.delivered_at is not None
    assert "MARKED" in json.dumps(given.rows(database, "SELECT message FROM tracking_events"))
    assert "MARKED" not in repr(found)
    assert (found.number_end, parcel.code_end) == ("0001", "0815")
