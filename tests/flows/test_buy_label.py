"""Buying a label: the intent before the call, one label whatever is lost, one buyer at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from shared.carriers.store import LEASE
from shared.carriers.types import CarrierPaused, CarrierUnavailable, LabelRequest, RefusedByCarrier
from shared.contracts.orders import OrderCancelled
from shared.flows.buy_label import PurchaseUnderWay
from shared.flows.cancel_order import cancel_order
from shared.kit.breaker import FIRST_PAUSE, OPENS_AFTER
from shared.kit.errors import DispatchError
from shared.platform.db import Database
from shared.platform.sql import text
from shared.shipments.types import LabelBeingBought, UnknownParcel
from tests.flows.doubles import RecordingCarrier, buy, parcels_of, void
from tests.support import given
from tests.support.clock import TestClock

LABELS = "SELECT state, leased_until IS NOT NULL FROM labels"


def unavailable(_request: LabelRequest) -> None:
    raise CarrierUnavailable("no answer")


def died(_request: LabelRequest) -> None:
    raise SystemExit


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A planned parcel."""
    given.catalogue(database, {"BER": {"MUG": 50}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    (found,) = parcels_of(database, "ord_1")
    return found


def test_a_label_is_bought_recorded_and_announced(database: Database, parcel_id: str) -> None:
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)

    (request,) = carrier.asked
    assert (request.carrier, request.weight_g, request.reference) == ("correios", 1_000, "ord_1")
    assert (request.from_address.street1, request.to_address.postcode) == ("Lager 1", "10117")
    assert given.rows(database, "SELECT state, tracking_code FROM parcels") == [
        ("labelled", "ord_1-1")
    ]
    assert given.rows(database, LABELS) == [("bought", False)]
    assert given.told(database) == ["parcel.labelled", "work.keep_label_document"]
    assert given.violations(database) == []


def test_the_intent_is_committed_before_the_carrier_is_called(
    database: Database, parcel_id: str
) -> None:
    # Goal: whoever dies in the call leaves behind the id under which to ask again.
    seen: list[object] = []

    def look(request: LabelRequest) -> None:
        seen.extend(given.rows(database, "SELECT label_id, state FROM labels"))
        seen.extend(given.rows(database, "SELECT state FROM parcels"))

    carrier = RecordingCarrier(before=look)

    buy(database, parcel_id, carrier)

    assert seen == [(carrier.asked[0].label_id, "requested"), ("labelling",)]


def test_buying_twice_is_buying_once(database: Database, parcel_id: str) -> None:
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)
    buy(database, parcel_id, carrier)

    assert len(carrier.asked) == 1
    assert given.told(database) == ["parcel.labelled", "work.keep_label_document"]


def test_after_a_lost_answer_the_same_label_is_asked_for_again(
    database: Database, parcel_id: str
) -> None:
    carrier = RecordingCarrier(after=unavailable)
    with pytest.raises(CarrierUnavailable):
        buy(database, parcel_id, carrier)
    carrier.after = lambda _request: None

    buy(database, parcel_id, carrier)

    first, second = carrier.asked
    assert first.label_id == second.label_id
    assert len(carrier.sold) == 1
    assert given.rows(database, "SELECT count(*), max(label_id) FROM labels") == [
        (1, first.label_id)
    ]
    assert given.violations(database) == []


def test_a_second_attempt_at_the_same_time_does_not_reach_the_carrier(
    database: Database, parcel_id: str
) -> None:
    refused: list[DispatchError] = []

    def attempt_meanwhile(_request: LabelRequest) -> None:
        with pytest.raises(PurchaseUnderWay) as caught:
            buy(database, parcel_id, other)
        refused.append(caught.value)

    other = RecordingCarrier()
    carrier = RecordingCarrier(before=attempt_meanwhile)

    buy(database, parcel_id, carrier)

    assert len(refused) == 1
    assert other.asked == []


def test_the_lease_of_a_dead_buyer_ends_and_the_next_buys_under_the_same_id(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: a process that is killed in the call gives nothing back; time does.
    dead = RecordingCarrier(before=died)
    with pytest.raises(SystemExit):
        buy(database, parcel_id, dead)
    carrier = RecordingCarrier()

    clock.now += LEASE
    clock.advance(microseconds=-1)
    with pytest.raises(PurchaseUnderWay):
        buy(database, parcel_id, carrier)
    clock.advance(microseconds=1)
    buy(database, parcel_id, carrier)

    assert [request.label_id for request in carrier.asked] == [dead.asked[0].label_id]
    assert given.violations(database) == []


def test_one_who_seemed_dead_and_comes_back_records_nothing_twice(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: the first call hangs longer than its lease, the second buys and records; then the
    # first one's answer arrives.
    def overtaken(_request: LabelRequest) -> None:
        clock.now += LEASE
        carrier.after = lambda _request: None
        buy(database, parcel_id, carrier)

    carrier = RecordingCarrier(after=overtaken)

    buy(database, parcel_id, carrier)

    assert len({request.label_id for request in carrier.asked}) == 1
    assert given.told(database) == ["parcel.labelled", "work.keep_label_document"]
    assert given.violations(database) == []


def test_a_label_that_is_sold_after_its_parcel_was_cancelled_is_given_back(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: a call that outlives its lease. Meanwhile the order was cancelled, and the void found
    # nothing to give back.
    def overtaken(_request: LabelRequest) -> None:
        clock.now += LEASE
        given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
        void(database, parcel_id, carrier)
        given.silence(database)

    carrier = RecordingCarrier(before=overtaken)

    buy(database, parcel_id, carrier)

    assert carrier.voided == set()
    assert given.told(database) == ["work.void_label"]
    void(database, parcel_id, carrier)
    assert carrier.voided == set(carrier.sold)
    assert given.rows(database, "SELECT state FROM labels") == [("voided",)]
    assert given.violations(database) == []


def test_a_refusal_gives_the_lease_back(database: Database, parcel_id: str) -> None:
    # Goal: after a person has repaired the address, the next attempt need not wait for a lease.
    def refuse(_request: LabelRequest) -> None:
        raise RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD", field="street1")

    carrier = RecordingCarrier(before=refuse)
    with pytest.raises(RefusedByCarrier):
        buy(database, parcel_id, carrier)
    assert given.rows(database, LABELS) == [("requested", False)]

    carrier.before = lambda _request: None
    buy(database, parcel_id, carrier)

    assert given.rows(database, LABELS) == [("bought", False)]


def test_an_order_whose_parcel_the_carrier_refused_can_be_cancelled(
    database: Database, parcel_id: str
) -> None:
    # Goal: nothing was bought, so nothing may be stuck: the stock can be had back.
    def refuse(_request: LabelRequest) -> None:
        raise RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD", field="street1")

    with pytest.raises(RefusedByCarrier):
        buy(database, parcel_id, RecordingCarrier(before=refuse))

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


def test_nothing_is_bought_for_a_cancelled_parcel(database: Database, parcel_id: str) -> None:
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)

    assert carrier.asked == []
    assert given.rows(database, "SELECT count(*) FROM labels") == [(0,)]


def test_work_for_a_parcel_that_does_not_exist_is_a_fault(database: Database) -> None:
    with pytest.raises(UnknownParcel):
        buy(database, "par_none", RecordingCarrier())


def test_of_a_cancellation_and_a_purchase_at_once_no_label_is_left_unvoided(
    database: Database,
) -> None:
    # Goal: never a label bought for a cancelled parcel, never a cancelled one whose label is not to
    # be voided; ten orders, so that every kind of interleaving has its chance.
    given.catalogue(database, {"BER": {"MUG": 50}})
    names = [f"ord_{n}" for n in range(10)]
    for name in names:
        given.order(database, name, {"MUG": 1})
        given.place(database, name)
    carrier = RecordingCarrier()

    def race(name: str) -> None:
        start = Barrier(2)
        (parcel,) = parcels_of(database, name)

        def cancel() -> bool:
            start.wait(timeout=10)
            event = OrderCancelled(order_id=name, reason="no")
            try:
                given.apply(database, cancel_order, event)
            except LabelBeingBought:
                return False
            return True

        def purchase() -> None:
            start.wait(timeout=10)
            buy(database, parcel, carrier)

        with ThreadPoolExecutor(max_workers=2) as pool:
            cancelled, bought = pool.submit(cancel), pool.submit(purchase)
            bought.result(timeout=30)
            was_cancelled = cancelled.result(timeout=30)
        asked = [request for request in carrier.asked if request.reference == name]
        to_void = given.rows(
            database,
            "SELECT 1 FROM labels JOIN parcels USING (parcel_id)"
            f" WHERE order_id = '{name}' AND labels.state = 'void_requested'",
        )
        assert len(to_void) == (len(asked) if was_cancelled else 0)

    for name in names:
        race(name)

    assert given.violations(database) == []


def test_of_two_buyers_at_once_one_reaches_the_carrier(database: Database, parcel_id: str) -> None:
    may_answer = Event()

    def answer_late(_request: LabelRequest) -> None:
        assert may_answer.wait(timeout=10)

    carrier = RecordingCarrier(before=answer_late)
    start = Barrier(4)

    def attempt() -> bool:
        start.wait(timeout=10)
        try:
            buy(database, parcel_id, carrier)
        except PurchaseUnderWay:
            return False
        return True

    with ThreadPoolExecutor(max_workers=4) as pool:
        attempts = [pool.submit(attempt) for _ in range(4)]
        refused = 0
        for _ in range(600):
            refused = sum(a.done() for a in attempts)
            if refused == 3:
                break
            may_answer.wait(timeout=0.02)
        may_answer.set()
        results = [a.result(timeout=30) for a in attempts]

    assert refused == 3
    assert sorted(results) == [False, False, False, True]
    assert len(carrier.asked) == 1


def test_what_the_label_really_cost_is_booked_beside_what_was_agreed(
    database: Database, parcel_id: str
) -> None:
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)
    buy(database, parcel_id, carrier)

    assert given.rows(
        database, "SELECT order_id, entry, amount_cents, currency FROM actual_charges"
    ) == [("ord_1", "actual", 490, "EUR")]
    assert given.rows(database, "SELECT count(*) FROM charges") == [(0,)]
    assert given.violations(database) == []


@pytest.mark.parametrize(("service", "asked"), [("standard", None), ("SEDEX", "SEDEX")])
def test_the_service_that_was_decided_on_is_bought_and_the_cheapest_where_there_is_one_only(
    database: Database, parcel_id: str, service: str, asked: str | None
) -> None:
    database.statement(text(f"UPDATE parcels SET service = '{service}'"))
    carrier = RecordingCarrier()

    buy(database, parcel_id, carrier)

    assert [request.service for request in carrier.asked] == [asked]


def test_while_the_breaker_is_open_nobody_is_called_and_the_parcel_waits(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    carrier = RecordingCarrier(before=unavailable)
    for _ in range(OPENS_AFTER):
        with pytest.raises(CarrierUnavailable):
            buy(database, parcel_id, carrier)

    for _ in range(3):
        with pytest.raises(CarrierPaused):
            buy(database, parcel_id, carrier)
    assert len(carrier.asked) == OPENS_AFTER
    assert given.rows(database, LABELS) == [("requested", False)]

    clock.now += FIRST_PAUSE
    carrier.before = lambda _request: None
    buy(database, parcel_id, carrier)
    assert given.rows(database, "SELECT failures FROM carrier_breakers") == [(0,)]
    assert given.violations(database) == []


def test_of_many_parcels_at_once_one_probes_a_carrier_that_was_down(
    database: Database, clock: TestClock
) -> None:
    # Goal: when the pause is over everything that waits comes at once, and one call is made.
    given.catalogue(database, {"BER": {"MUG": 50}})
    for number in range(6):
        given.order(database, f"ord_{number}", {"MUG": 1})
        given.place(database, f"ord_{number}")
    parcels = [parcels_of(database, f"ord_{number}")[0] for number in range(6)]
    for _ in range(OPENS_AFTER):
        with pytest.raises(CarrierUnavailable):
            buy(database, parcels[0], RecordingCarrier(before=unavailable))
    clock.now += FIRST_PAUSE
    may_answer = Event()

    def answer_late(_request: LabelRequest) -> None:
        assert may_answer.wait(timeout=10)

    carrier = RecordingCarrier(before=answer_late)
    start = Barrier(len(parcels))

    def attempt(parcel: str) -> bool:
        start.wait(timeout=10)
        try:
            buy(database, parcel, carrier)
        except CarrierPaused:
            return False
        return True

    with ThreadPoolExecutor(max_workers=len(parcels)) as pool:
        attempts = [pool.submit(attempt, parcel) for parcel in parcels]
        for _ in range(500):
            if sum(each.done() for each in attempts) == len(parcels) - 1:
                break
            may_answer.wait(timeout=0.02)
        may_answer.set()
        probed = [each.result(timeout=30) for each in attempts]

    assert sorted(probed) == [False] * 5 + [True]
    assert len(carrier.asked) == 1
    assert given.rows(database, "SELECT failures FROM carrier_breakers") == [(0,)]
    assert given.violations(database) == []
