"""A parcel whose carrier does not answer goes by another one: once, at its cost, with one label."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.carriers import carrier_breakers
from shared.carriers.carrier_breakers import Admission
from shared.carriers.store import LEASE
from shared.carriers.types import (
    BrokenAnswer,
    CarrierPaused,
    CarrierUnavailable,
    LabelRequest,
    RefusedByCarrier,
)
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelRerouted
from shared.contracts.policies import PolicyDocument
from shared.contracts.work import BuyLabel, VoidAbandonedLabel
from shared.flows.buy_label import CALLS
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import take_charges_back
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.flows.reroute_parcel import BACK_AFTER
from shared.kit.breaker import FIRST_PAUSE
from shared.kit.errors import DispatchError, NotYet
from shared.people.types import Person
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.shipments.store import refuse_label
from shared.shipments.types import LabelBeingBought
from tests.flows.doubles import RecordingCarrier, buy, parcels_of
from tests.flows.rerouting import (
    books_are_right,
    down,
    go_unanswered,
    offer,
    open_breaker,
    parcel_id,
    work,
)
from tests.support import given
from tests.support.clock import TestClock

GOES_BY = "SELECT carrier, service, rate_card_id, state, quoted_cents FROM parcels"
DIFFERENCE = "SELECT amount_cents, rate_card_id FROM charges WHERE kind = 'fallback_difference'"


__all__ = ["books_are_right", "parcel_id"]


def test_after_three_calls_without_an_answer_another_carrier_takes_over(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(before=down)
    for _ in range(CALLS - 1):
        with pytest.raises(CarrierUnavailable):
            buy(database, parcel_id, carrier, priority="express")
    assert given.told(database) == []

    buy(database, parcel_id, carrier, priority="express")

    assert given.rows(database, GOES_BY) == [("jadlog", "standard", "jadlog-1", "planned", 490)]
    assert given.rows(database, DIFFERENCE) == [(310, "jadlog-1")]
    assert given.told(database) == [
        "parcel.rerouted",
        "parcel.charged",
        "work.buy_label",
        "work.void_abandoned_label",
    ]
    (told,) = work(database, ParcelRerouted)
    assert (told.from_carrier, told.to_carrier, told.reason) == (
        "correios",
        "jadlog",
        "calls_failed",
    )
    assert (told.difference_cents, told.currency) == (310, "EUR")
    (to_buy,) = work(database, BuyLabel)
    assert (to_buy.queue, to_buy.parcel_id) == ("express-labels-jadlog", parcel_id)

    carrier.before = lambda _request: None
    buy(database, parcel_id, carrier, at="jadlog")
    assert carrier.asked[-1].carrier == "jadlog"
    assert given.rows(database, "SELECT carrier, state FROM labels") == [("jadlog", "bought")]


def test_while_the_breaker_is_open_a_parcel_is_rerouted_without_a_call(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    open_breaker(database)
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)

    assert carrier.asked == []
    (told,) = work(database, ParcelRerouted)
    assert told.reason == "carrier_paused"
    # Nobody was asked, so nobody can have sold anything.
    assert work(database, VoidAbandonedLabel) == []


def test_work_of_the_carrier_that_was_left_has_nothing_to_do(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: Cloud Tasks may bring it once more; the other carrier's rate is not spent on it.
    offer(database, "jadlog", 800)
    open_breaker(database)
    carrier = RecordingCarrier()
    buy(database, parcel_id, carrier)
    given.silence(database)

    buy(database, parcel_id, carrier)
    clock.advance(hours=1)
    buy(database, parcel_id, carrier)

    assert carrier.asked == []
    assert given.told(database) == []


def test_where_nobody_else_would_take_it_the_parcel_waits_for_its_own_carrier(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    offer(database, "jadlog", 100, max_weight_g=999)
    offer(database, "dhl", 100, currency="USD")
    offer(database, "ups", 100)
    open_breaker(database)
    open_breaker(database, "ups")
    carrier = RecordingCarrier()
    for _ in range(3):
        with pytest.raises(CarrierPaused):
            buy(database, parcel_id, carrier)
    assert given.rows(database, GOES_BY) == [("correios", "standard", "correios-1", "planned", 490)]
    assert carrier.asked == []
    assert given.told(database) == []

    clock.now += FIRST_PAUSE
    buy(database, parcel_id, carrier)

    assert given.rows(database, "SELECT carrier, state FROM labels") == [("correios", "bought")]


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        ({"dear": (900, 1), "cheap": (600, 1)}, "cheap"),
        ({"late": (100, 9), "punctual": (900, 1)}, "punctual"),
        ({"later": (100, 12), "late": (900, 7)}, "late"),
        ({"silent": (600, None), "punctual": (700, 1)}, "silent"),
        ({"b": (600, 1), "a": (600, 1)}, "a"),
    ],
)
def test_the_cheapest_that_keeps_the_promise_is_taken_or_the_least_late(
    database: Database, parcel_id: str, offers: dict[str, tuple[int, int | None]], chosen: str
) -> None:
    # The promise is Friday, today is Monday.
    for carrier, (price_cents, days) in offers.items():
        offer(database, carrier, price_cents, days=days)
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [(chosen,)]


def test_a_cheaper_carrier_is_booked_as_cheaper(database: Database, parcel_id: str) -> None:
    offer(database, "slow", 100, days=9)
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, DIFFERENCE) == [(-390, "slow-1")]
    assert given.rows(database, "SELECT sum(amount_cents) FROM charges") == [(100,)]


def test_a_service_that_may_not_carry_what_is_in_the_parcel_does_not_take_it(
    database: Database, parcel_id: str
) -> None:
    database.statement(text("UPDATE skus SET needs = '{hazmat}'"))
    offer(database, "jadlog", 100)
    offer(database, "brave", 900, carries=("hazmat",))
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("brave",)]


def test_what_a_policy_excludes_takes_nothing_over(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 100)
    offer(database, "dhl", 900)
    document = PolicyDocument(excluded_services=frozenset({"jadlog/standard"}))
    wanted = PublishPolicy(document, None, Person("ada", "a test"))
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("dhl",)]


def test_nobody_takes_a_parcel_away_from_who_is_asking_its_carrier(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)

    def attempt_meanwhile(_request: LabelRequest) -> None:
        open_breaker(database)
        with pytest.raises(LabelBeingBought):
            buy(database, parcel_id, RecordingCarrier())
        database.statement(text("DELETE FROM carrier_breakers"))

    buy(database, parcel_id, RecordingCarrier(before=attempt_meanwhile))

    assert given.rows(database, "SELECT carrier, state FROM labels") == [("correios", "bought")]


def test_a_parcel_that_was_rerouted_can_be_cancelled_and_costs_nothing(
    database: Database, parcel_id: str
) -> None:
    offer(database, "slow", 100, days=9)
    open_breaker(database)
    buy(database, parcel_id, RecordingCarrier())

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    back = ParcelCancelled(parcel_id=parcel_id, order_id="ord_1")
    given.apply(database, take_charges_back, back)

    assert given.rows(database, "SELECT sum(amount_cents) FROM charges") == [(0,)]


def test_a_cancelled_parcel_is_not_rerouted(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    open_breaker(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.told(database) == []


def test_a_parcel_goes_to_and_fro_once_an_hour_at_most(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(before=down)
    go_unanswered(database, parcel_id, carrier)
    for _ in range(CALLS):
        with pytest.raises(CarrierUnavailable):
            buy(database, parcel_id, carrier, at="jadlog")

    clock.now += BACK_AFTER
    buy(database, parcel_id, carrier, at="jadlog")

    assert given.rows(database, GOES_BY) == [("correios", "standard", "correios-1", "planned", 490)]
    assert given.rows(database, DIFFERENCE) == [(0, "correios-1")]
    assert given.rows(
        database, "SELECT number, to_carrier, difference_cents FROM parcel_reroutes ORDER BY 1"
    ) == [(1, "jadlog", 310), (2, "correios", -310)]


@pytest.mark.parametrize(
    ("error", "moved"),
    [
        (BrokenAnswer("no sense"), True),
        (RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD"), False),
    ],
)
def test_only_a_carrier_without_an_answer_is_replaced(
    database: Database, parcel_id: str, error: DispatchError, moved: bool
) -> None:
    def fail(_request: LabelRequest) -> None:
        raise error

    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(before=fail)
    for _ in range(CALLS - 1):
        with pytest.raises(type(error)):
            buy(database, parcel_id, carrier)

    if moved:
        buy(database, parcel_id, carrier)
    else:
        with pytest.raises(type(error)):
            buy(database, parcel_id, carrier)

    assert given.rows(database, "SELECT carrier FROM parcels") == [
        ("jadlog" if moved else "correios",)
    ]


def test_a_parcel_that_is_rerouted_under_the_eyes_of_a_buyer_is_not_bought_by_it(
    database: Database, parcel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: the buyer has looked at the parcel, and another one reroutes it before it writes.
    offer(database, "jadlog", 800)
    admit = carrier_breakers.admit
    others = iter([True])

    def admitted(tx: Transaction, carrier: str, vendor: str) -> Admission:
        if next(others, False):
            open_breaker(database)
            buy(database, parcel_id, RecordingCarrier())
            return Admission(carrier, vendor)
        return admit(tx, carrier, vendor)

    monkeypatch.setattr(carrier_breakers, "admit", admitted)
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)

    assert carrier.asked == []
    assert given.rows(database, "SELECT carrier, state FROM parcels") == [("jadlog", "planned")]
    assert given.rows(database, "SELECT count(*) FROM labels") == [(0,)]


def test_a_refusal_that_comes_after_the_reroute_takes_nothing_from_the_next_carrier(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    next_one = RecordingCarrier()

    def overtaken(_request: LabelRequest) -> None:
        clock.now += LEASE
        open_breaker(database)
        buy(database, parcel_id, next_one)
        next_one.before = refused_meanwhile
        buy(database, parcel_id, next_one, at="jadlog")
        raise RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD")

    def refused_meanwhile(_request: LabelRequest) -> None:
        database.run(
            lambda tx: tx.write(refuse_label(parcel_id, "correios", "standard")), given.cause()
        )

    with pytest.raises(RefusedByCarrier):
        buy(database, parcel_id, RecordingCarrier(before=overtaken))

    assert given.rows(database, "SELECT carrier, state FROM parcels") == [("jadlog", "labelled")]


def test_of_many_attempts_at_once_one_reroutes(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    open_breaker(database)
    start = Barrier(4)

    def attempt(_number: int) -> None:
        start.wait(timeout=10)
        try:
            buy(database, parcel_id, RecordingCarrier())
        except NotYet:
            return

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(attempt, range(4)))

    assert given.told(database) == ["parcel.rerouted", "parcel.charged", "work.buy_label"]


def test_of_a_cancellation_and_a_reroute_at_once_nothing_is_left_over(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 50}})
    offer(database, "jadlog", 80_000)
    names = [f"ord_{n}" for n in range(8)]
    for name in names:
        given.order(database, name, {"MUG": 1})
        given.place(database, name)
    open_breaker(database)

    for name in names:
        start = Barrier(2)
        (parcel,) = parcels_of(database, name)

        def cancel(name: str = name, start: Barrier = start) -> None:
            start.wait(timeout=10)
            event = OrderCancelled(order_id=name, reason="no")
            given.apply(database, cancel_order, event)

        def purchase(parcel: str = parcel, start: Barrier = start) -> None:
            start.wait(timeout=10)
            buy(database, parcel, RecordingCarrier())

        with ThreadPoolExecutor(max_workers=2) as pool:
            for done in [pool.submit(cancel), pool.submit(purchase)]:
                done.result(timeout=30)
        back = ParcelCancelled(parcel_id=parcel, order_id=name)
        given.apply(database, take_charges_back, back)

    assert given.rows(database, "SELECT coalesce(sum(amount_cents), 0) FROM charges") == [(0,)]
