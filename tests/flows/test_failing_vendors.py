"""Whose trouble it is: a vendor's, a carrier's own, or ours, because we ask too much."""

import pytest

from shared.carriers import carrier_accounts
from shared.carriers.types import (
    CarrierAccount,
    CarrierPaused,
    CarrierTooFast,
    LabelRequest,
    VendorUnavailable,
)
from shared.contracts.parcels import ParcelRerouted
from shared.flows.buy_label import CALLS
from shared.flows.rules import Rules
from shared.kit.breaker import FIRST_PAUSE, OPENS_AFTER
from shared.kit.errors import TooFast
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import books_are_right, offer, open_breaker, parcel_id, work
from tests.support import given
from tests.support.clock import TestClock

__all__ = ["books_are_right", "parcel_id"]


def vendor_down(_request: LabelRequest) -> None:
    raise VendorUnavailable("no answer")


def sold_by(database: Database, vendor: str, carrier: str) -> None:
    """Another vendor sells the carrier's labels."""
    account = CarrierAccount(carrier, vendor)
    database.run(
        lambda tx: tx.write(carrier_accounts.put(tx, account, "ana", is_new=True)), given.cause()
    )


def test_a_vendor_that_wants_fewer_calls_is_waited_for_and_nothing_goes_elsewhere(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: a storm of 429s costs nobody a dearer carrier, and the pause that is asked for is kept.
    offer(database, "jadlog", 2_000)
    sold_by(database, "shippo", "jadlog")

    def too_fast(_request: LabelRequest) -> None:
        raise CarrierTooFast("slowly", retry_after_s=60)

    carrier = RecordingCarrier(before=too_fast)
    for _ in range(2 * OPENS_AFTER):
        with pytest.raises(CarrierTooFast) as first:
            buy(database, parcel_id, carrier)
        with pytest.raises(CarrierTooFast):
            buy(database, parcel_id, carrier)  # not called meanwhile, whoever tries
        clock.advance(seconds=60)

    assert isinstance(first.value, TooFast)
    assert len(carrier.asked) == 2 * OPENS_AFTER
    carrier.before = lambda _request: None
    buy(database, parcel_id, carrier)
    assert given.rows(database, "SELECT carrier, state, failures FROM labels") == [
        ("correios", "bought", 0)
    ]
    assert work(database, ParcelRerouted) == []


def test_nobody_whose_labels_a_failing_vendor_sells_takes_a_parcel_over(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: with the vendor down the next carrier of its fails as well, and is only dearer.
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(before=vendor_down)
    for _ in range(OPENS_AFTER):
        with pytest.raises(VendorUnavailable):
            buy(database, parcel_id, carrier)
    with pytest.raises(CarrierPaused):
        buy(database, parcel_id, carrier)
    assert given.rows(database, "SELECT carrier FROM parcels") == [("correios",)]

    carrier.before = lambda _request: None
    clock.now += FIRST_PAUSE
    buy(database, parcel_id, carrier)

    assert given.rows(database, "SELECT carrier, state FROM labels") == [("correios", "bought")]
    assert work(database, ParcelRerouted) == []


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_carrier_of_another_vendor_takes_over_from_a_failing_vendor(
    database: Database, parcel_id: str, *, is_paused: bool
) -> None:
    offer(database, "jadlog", 800)
    offer(database, "dhl", 2_000)
    carrier = RecordingCarrier(before=vendor_down)
    for _ in range(OPENS_AFTER if is_paused else CALLS - 1):
        with pytest.raises(VendorUnavailable):
            buy(database, parcel_id, carrier)
    sold_by(database, "shippo", "dhl")

    buy(database, parcel_id, carrier)

    assert given.rows(database, "SELECT carrier FROM parcels") == [("dhl",)]


def test_nobody_is_rerouted_to_a_carrier_without_queues(database: Database, parcel_id: str) -> None:
    # Goal: its rate card is older than the rule that there is none, or its queues were taken away.
    offer(database, "rocket", 100)
    offer(database, "jadlog", 800)
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier(), rules=Rules())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("jadlog",)]
