"""Voiding a label: once, under a lease, also where nobody knows whether it was bought."""

import pytest

from shared.carriers.store import LEASE
from shared.carriers.types import (
    CarrierPaused,
    CarrierUnavailable,
    RefusedByCarrier,
    VoidUnderWay,
)
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.kit.breaker import FIRST_PAUSE, OPENS_AFTER
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy, parcels_of, void
from tests.support import given
from tests.support.clock import TestClock

LABELS = "SELECT state, leased_until IS NOT NULL, voided_at IS NOT NULL FROM labels"


def died(_label_id: object) -> None:
    raise SystemExit


@pytest.fixture
def carrier() -> RecordingCarrier:
    """Who sold the label."""
    return RecordingCarrier()


@pytest.fixture
def parcel_id(database: Database, carrier: RecordingCarrier) -> str:
    """A cancelled parcel with a label."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (found,) = parcels_of(database, "ord_1")
    buy(database, found, carrier)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    return found


def test_a_label_is_given_back_once(
    database: Database, carrier: RecordingCarrier, parcel_id: str
) -> None:
    void(database, parcel_id, carrier)
    void(database, parcel_id, carrier)

    assert carrier.void_asked == list(carrier.sold)
    assert given.rows(database, LABELS) == [("voided", False, True)]
    assert given.rows(
        database, "SELECT entry, amount_cents FROM actual_charges ORDER BY entry"
    ) == [("actual", 490), ("refund", -490)]
    assert given.violations(database) == []


def test_nothing_is_given_back_that_nobody_cancelled(
    database: Database, carrier: RecordingCarrier
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = parcels_of(database, "ord_1")
    void(database, parcel_id, carrier)
    buy(database, parcel_id, carrier)

    void(database, parcel_id, carrier)
    void(database, "par_none", carrier)

    assert carrier.void_asked == []
    assert given.rows(database, "SELECT state FROM labels") == [("bought",)]


@pytest.mark.parametrize(
    "error",
    [CarrierUnavailable("no answer"), RefusedByCarrier("on its way", vendor_code="rejected")],
    ids=["no answer", "refused"],
)
def test_after_a_failure_the_next_attempt_need_not_wait(
    database: Database, carrier: RecordingCarrier, parcel_id: str, error: Exception
) -> None:
    def fail(_label_id: object) -> None:
        raise error

    carrier.before_void = fail
    with pytest.raises(type(error)):
        void(database, parcel_id, carrier)
    assert given.rows(database, LABELS) == [("void_requested", False, False)]

    carrier.before_void = lambda _label_id: None
    void(database, parcel_id, carrier)

    assert given.rows(database, LABELS) == [("voided", False, True)]


def test_a_second_attempt_at_the_same_time_does_not_reach_the_carrier(
    database: Database, carrier: RecordingCarrier, parcel_id: str
) -> None:
    other = RecordingCarrier()

    def attempt_meanwhile(_label_id: object) -> None:
        with pytest.raises(VoidUnderWay):
            void(database, parcel_id, other)

    carrier.before_void = attempt_meanwhile

    void(database, parcel_id, carrier)

    assert other.void_asked == []
    assert len(carrier.voided) == 1


def test_the_lease_of_one_who_died_ends(
    database: Database, clock: TestClock, carrier: RecordingCarrier, parcel_id: str
) -> None:
    carrier.before_void = died
    with pytest.raises(SystemExit):
        void(database, parcel_id, carrier)
    carrier.before_void = lambda _label_id: None
    with pytest.raises(VoidUnderWay):
        void(database, parcel_id, carrier)
    clock.now += LEASE

    void(database, parcel_id, carrier)

    assert given.rows(database, LABELS) == [("voided", False, True)]


def test_no_label_is_bought_for_a_parcel_that_is_cancelled(
    database: Database, carrier: RecordingCarrier, parcel_id: str
) -> None:
    # Goal: the queue may bring the purchase again after the cancellation.
    buy(database, parcel_id, carrier)

    assert len(carrier.asked) == 1
    assert given.rows(database, "SELECT state FROM labels") == [("void_requested",)]


def test_a_void_counts_with_the_purchases_and_waits_for_the_carrier_as_they_do(
    database: Database, clock: TestClock, carrier: RecordingCarrier, parcel_id: str
) -> None:
    def fail(_label_id: str) -> None:
        raise CarrierUnavailable("no answer")

    carrier.before_void = fail
    for _ in range(OPENS_AFTER):
        with pytest.raises(CarrierUnavailable):
            void(database, parcel_id, carrier)
    with pytest.raises(CarrierPaused):
        void(database, parcel_id, carrier)
    assert len(carrier.void_asked) == OPENS_AFTER
    assert given.rows(database, LABELS) == [("void_requested", False, False)]

    clock.now += FIRST_PAUSE
    carrier.before_void = lambda _label_id: None
    void(database, parcel_id, carrier)
    assert given.rows(database, LABELS) == [("voided", False, True)]
