"""A person chooses by which service a parcel goes: what fits, at its price, with one label."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from shared.carriers import carrier_accounts
from shared.carriers.types import CarrierAccount, LabelRequest
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned, ParcelRerouted
from shared.contracts.work import BuyLabel, VoidAbandonedLabel
from shared.costing.book import Bookshelf
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.choose_service import ServiceNotOffered, choose_service
from shared.flows.rules import Rules
from shared.kit.errors import DispatchError
from shared.orders.types import TooLateToChange
from shared.people.types import Person
from shared.platform.db import Database, LostRace
from shared.platform.sql import text
from shared.shipments.store import request_label
from shared.shipments.types import LabelBeingBought, NoSuchParcel
from tests.flows import doubles
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import (
    books_are_right,
    down,
    offer,
    open_breaker,
    parcel_id,
    work,
)
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

__all__ = ["books_are_right", "parcel_id"]

ADA = Person("ada", "the customer pays for it")
GOES_BY = """SELECT carrier, service, rate_card_id, state FROM parcels
              WHERE state <> 'cancelled' ORDER BY parcel_id"""
DIFFERENCE = "SELECT amount_cents, rate_card_id FROM charges WHERE kind = 'fallback_difference'"


def choose(database: Database, parcel_id: str, rate_card_id: str) -> str:
    return database.run(
        lambda tx: choose_service(tx, parcel_id, rate_card_id, ADA, Rules()), given.cause()
    )


def charge(database: Database) -> None:
    """Costing hears of every parcel that was planned or cancelled."""
    for kind, body in given.rows(
        database, "SELECT attributes->>'ce-type', body FROM outbox ORDER BY outbox_id"
    ):
        if kind == ParcelPlanned.type:
            event = ParcelPlanned.decode(body.encode())
            given.apply(database, partial(charge_parcel, shelf=Bookshelf()), event)
        elif kind == ParcelCancelled.type:
            given.apply(database, take_charges_back, ParcelCancelled.decode(body.encode()))


def cost_cents(database: Database, parcel_id: str) -> int:
    ((cents,),) = given.rows(
        database, f"SELECT sum(amount_cents) FROM charges WHERE parcel_id = '{parcel_id}'"
    )
    return int(cents)


def test_before_its_label_is_bought_the_parcel_goes_by_the_chosen_service_at_its_price(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800, service="express")

    assert choose(database, parcel_id, "jadlog@express-1") == parcel_id

    assert given.rows(database, GOES_BY) == [("jadlog", "express", "jadlog@express-1", "planned")]
    assert given.rows(database, DIFFERENCE) == [(310, "jadlog@express-1")]
    assert cost_cents(database, parcel_id) == 800
    assert given.told(database) == ["parcel.rerouted", "parcel.charged", "work.buy_label"]
    (told,) = work(database, ParcelRerouted)
    assert (told.from_carrier, told.to_carrier, told.to_service, told.reason) == (
        "correios",
        "jadlog",
        "express",
        "chosen_by_hand",
    )
    (asked,) = work(database, BuyLabel)
    assert asked.carrier == "jadlog"
    assert people.trail(database) == [
        ("ada", "choose_service", "ord_1", "the customer pays for it")
    ]


def test_another_service_of_the_same_carrier_is_bought_as_that(
    database: Database, parcel_id: str
) -> None:
    # Goal: the work that was given out before finds the parcel with its carrier, and must not buy
    # what was planned; the work of the choice then finds the label bought.
    offer(database, "correios", 900, service="sedex")
    carrier = RecordingCarrier()

    choose(database, parcel_id, "correios@sedex-1")
    buy(database, parcel_id, carrier)
    buy(database, parcel_id, carrier)

    assert [request.service for request in carrier.asked] == ["sedex"]
    assert given.rows(database, GOES_BY) == [("correios", "sedex", "correios@sedex-1", "labelled")]


def test_whoever_saw_the_parcel_by_its_former_service_asks_for_nothing(
    database: Database, parcel_id: str
) -> None:
    # Goal: between the look at a parcel and the intent to buy its label it may get another service.
    offer(database, "correios", 900, service="sedex")
    choose(database, parcel_id, "correios@sedex-1")

    with pytest.raises(LostRace):
        database.run(
            lambda tx: tx.write(request_label(parcel_id, "correios", "standard")), given.cause()
        )

    assert given.rows(database, "SELECT state FROM parcels") == [("planned",)]


def test_a_label_that_was_bought_is_given_back_and_the_twin_goes_by_the_chosen_service(
    database: Database, parcel_id: str, clock: TestClock
) -> None:
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier()
    buy(database, parcel_id, carrier)
    clock.advance(minutes=1)
    before = given.rows(database, "SELECT on_hand, reserved FROM stock_levels")
    given.silence(database)

    twin = choose(database, parcel_id, "jadlog-1")

    assert twin != parcel_id
    assert given.told(database) == [
        "parcel.cancelled",
        "parcel.planned",
        "work.void_label",
        "parcel.rerouted",
        "parcel.charged",
        "work.buy_label",
    ]
    assert given.rows(database, "SELECT on_hand, reserved FROM stock_levels") == before
    charge(database)
    doubles.void(database, parcel_id, carrier)
    buy(database, twin, carrier, at="jadlog")
    assert given.rows(database, GOES_BY) == [("jadlog", "standard", "jadlog-1", "labelled")]
    assert (cost_cents(database, parcel_id), cost_cents(database, twin)) == (0, 800)
    assert len(carrier.voided) == 1
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]


def test_what_may_have_been_bought_already_is_given_back(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    with pytest.raises(DispatchError):
        buy(database, parcel_id, RecordingCarrier(before=down))
    given.silence(database)

    choose(database, parcel_id, "jadlog-1")

    assert len(work(database, VoidAbandonedLabel)) == 1
    assert given.rows(database, "SELECT count(*) FROM labels") == [(0,)]


def test_while_a_label_is_being_bought_nobody_chooses(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    refused: list[type[Exception]] = []

    def meanwhile(_request: LabelRequest) -> None:
        with pytest.raises(LabelBeingBought) as caught:
            choose(database, parcel_id, "jadlog-1")
        refused.append(caught.type)

    buy(database, parcel_id, RecordingCarrier(before=meanwhile))

    assert refused == [LabelBeingBought]
    assert given.rows(database, GOES_BY) == [("correios", "standard", "correios-1", "labelled")]
    assert people.trail(database) == []


@pytest.mark.parametrize(
    ("said", "rate_card_id", "reason"),
    [
        ({"max_weight_g": 500}, "jadlog-1", "not by jadlog standard: .*that heavy"),
        ({"currency": "USD"}, "jadlog-1", "prices are in USD"),
        ({}, "correios-1", "goes by correios standard already"),
        ({}, "jadlog-2", "no such prices hold now"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    database: Database,
    parcel_id: str,
    said: dict[str, object],
    rate_card_id: str,
    reason: str,
) -> None:
    offer(database, "jadlog", 800, **said)

    with pytest.raises(ServiceNotOffered, match=reason) as refused:
        choose(database, parcel_id, rate_card_id)

    assert refused.value.facts["field"] == "rate_card_id"
    assert given.rows(database, GOES_BY) == [("correios", "standard", "correios-1", "planned")]
    assert given.told(database) == []
    assert people.trail(database) == []


def test_what_it_needs_must_be_carried(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    offer(database, "cold", 900, carries=("cold",))
    database.run(
        lambda tx: tx.rows(text("UPDATE skus SET needs = '{cold}' RETURNING 1")),
        given.cause(),
    )

    with pytest.raises(ServiceNotOffered, match="does not carry cold"):
        choose(database, parcel_id, "jadlog-1")


def test_a_carrier_that_is_not_called_is_not_chosen(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    open_breaker(database, "jadlog")
    with pytest.raises(ServiceNotOffered, match="does not answer"):
        choose(database, parcel_id, "jadlog-1")

    off = CarrierAccount("jadlog", is_enabled=False)
    database.run(
        lambda tx: tx.write(carrier_accounts.put(tx, off, "ada", is_new=True)), given.cause()
    )
    with pytest.raises(ServiceNotOffered, match="is switched off"):
        choose(database, parcel_id, "jadlog-1")


def test_a_picked_or_cancelled_parcel_goes_as_it_was_decided(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    buy(database, parcel_id, RecordingCarrier())
    doubles.picked(database, parcel_id)
    with pytest.raises(TooLateToChange, match="is picked already"):
        choose(database, parcel_id, "jadlog-1")


def test_of_a_cancelled_parcel_nothing_is_chosen(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    with pytest.raises(TooLateToChange, match="is cancelled"):
        choose(database, parcel_id, "jadlog-1")
    with pytest.raises(NoSuchParcel):
        choose(database, "par_none", "jadlog-1")
    charge(database)


def test_of_two_who_choose_and_a_purchase_at_once_one_label_is_left(
    database: Database, parcel_id: str, clock: TestClock
) -> None:
    clock.advance(minutes=1)
    offer(database, "jadlog", 800)
    offer(database, "correios", 900, service="sedex")
    carrier = RecordingCarrier()
    start = Barrier(3)

    def at_once(step: str) -> None:
        start.wait()
        try:
            if step == "buy":
                buy(database, parcel_id, carrier)
            else:
                choose(database, parcel_id, step)
        except DispatchError:
            pass  # whoever comes second is told so

    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(at_once, ("buy", "jadlog-1", "correios@sedex-1")))

    charge(database)
    assert len(given.rows(database, GOES_BY)) == 1
    live = """SELECT count(*) FROM labels JOIN parcels USING (parcel_id)
               WHERE labels.state IN ('requested', 'bought') AND parcels.state <> 'cancelled'"""
    ((labels,),) = given.rows(database, live)
    assert labels <= 1
