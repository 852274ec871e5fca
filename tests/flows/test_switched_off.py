"""A carrier that somebody has switched off: nothing is planned with it, what was is placed anew."""

import pytest

from shared.carriers.types import CarrierAccount, CarrierPaused
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.flows.buy_label import buy_label
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.kit.kept import KEPT_FOR
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, everywhere, parcels_of
from tests.flows.rerouting import books_are_right, offer, parcel_id
from tests.support import given
from tests.support.clock import TestClock

__all__ = ["books_are_right", "parcel_id"]

BY = "SELECT carrier, quoted_cents FROM parcels WHERE state <> 'cancelled' ORDER BY parcel_id"
STATE = "SELECT state, state_reason FROM orders WHERE order_id = '{}'"


def switch(database: Database, carrier: str, *, on: bool) -> None:
    wish = SetCarrierAccount(CarrierAccount(carrier, is_enabled=on), Person("ana", "because"))
    database.run(lambda tx: set_carrier_account(tx, wish), given.cause())


def buy(database: Database, parcel: str, at: str = "correios") -> RecordingCarrier:
    carrier, cause = RecordingCarrier(), given.cause()
    work = BuyLabel(parcel_id=parcel, carrier=at)
    buy_label(lambda step: database.run(step, cause), work, everywhere(carrier), Rules())
    return carrier


def test_nothing_is_planned_with_it_from_the_next_batch_on(
    database: Database, clock: TestClock
) -> None:
    # Goal: a process that has read its rules hears of the switch as soon as of new prices.
    given.catalogue(database, {"BER": {"MUG": 50}})
    offer(database, "jadlog", 8_000)
    rules = Rules()

    def place(order_id: str) -> None:
        given.order(database, order_id, {"MUG": 1})
        work = PlaceOrder(order_id=order_id, priority="standard")
        database.run(lambda tx: place_order(tx, work, rules), given.cause())

    place("ord_1")
    switch(database, "correios", on=False)
    clock.now += KEPT_FOR
    place("ord_2")
    switch(database, "correios", on=True)
    clock.now += KEPT_FOR
    place("ord_3")

    carriers = given.rows(database, "SELECT order_id, carrier FROM parcels ORDER BY order_id")
    assert carriers == [("ord_1", "correios"), ("ord_2", "jadlog"), ("ord_3", "correios")]
    assert given.rows(database, "SELECT 1 FROM parcel_reroutes") == []


def test_where_nobody_else_takes_it_the_order_waits_and_is_placed_when_it_is_switched_on(
    database: Database,
) -> None:
    # Goal: an hour without the only carrier is no reason to look at every order by hand.
    given.catalogue(database, {"BER": {"MUG": 50}})
    switch(database, "correios", on=False)
    given.order(database, "ord_1", {"MUG": 1})

    given.place(database, "ord_1")
    given.place(database, "ord_1")

    assert given.rows(database, STATE.format("ord_1")) == [
        ("backordered", "no carrier takes MUG while correios is off")
    ]
    switch(database, "correios", on=True)
    given.place(database, "ord_1")
    assert given.rows(database, STATE.format("ord_1")) == [("placed", "")]


def test_what_no_carrier_would_take_at_any_time_is_looked_at_by_a_person(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 50}}, weight_g=40_000)
    switch(database, "correios", on=False)
    given.order(database, "ord_1", {"MUG": 1})

    given.place(database, "ord_1")

    assert given.rows(database, STATE.format("ord_1")) == [("review", "no carrier takes MUG")]


def test_what_was_planned_with_it_is_placed_anew_and_no_difference_is_booked(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: nothing has failed. The parcel costs what is decided now, 8.00 instead of 4.90.
    offer(database, "jadlog", 800)
    switch(database, "correios", on=False)
    clock.now += KEPT_FOR

    asked = buy(database, parcel_id).asked
    given.place(database, "ord_1")

    assert asked == []
    assert given.rows(database, BY) == [("jadlog", 800)]
    (anew,) = [one for one in parcels_of(database, "ord_1") if one != parcel_id]
    assert len(buy(database, anew, at="jadlog").sold) == 1
    assert given.rows(database, "SELECT 1 FROM parcel_reroutes") == []
    assert given.rows(database, "SELECT 1 FROM charges WHERE kind = 'fallback_difference'") == []


def test_it_waits_where_nobody_else_would_take_it_or_somebody_may_not_know_yet(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: no order goes to and fro between who plans with the carrier and who may not buy.
    switch(database, "correios", on=False)
    clock.now += KEPT_FOR
    with pytest.raises(CarrierPaused, match="switched off"):
        buy(database, parcel_id)
    offer(database, "jadlog", 800)
    switch(database, "correios", on=False)
    with pytest.raises(CarrierPaused, match="switched off"):
        buy(database, parcel_id)

    assert given.rows(database, BY) == [("correios", 490)]
    switch(database, "correios", on=True)
    assert len(buy(database, parcel_id).sold) == 1


def test_a_parcel_that_is_picked_goes_as_it_is_by_another_carrier(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: what is packed is not unpacked. Its quote stands, so the difference is booked.
    offer(database, "jadlog", 800)
    given.rows(database, "UPDATE parcels SET picked_at = now() RETURNING 1")
    switch(database, "correios", on=False)
    clock.now += KEPT_FOR

    buy(database, parcel_id)

    assert given.rows(database, BY) == [("jadlog", 490)]
    assert given.rows(database, "SELECT difference_cents FROM parcel_reroutes") == [(310,)]
