"""What a carrier may have sold before the parcel was rerouted is given back: never two labels."""

import pytest

from shared.carriers.store import LEASE
from shared.carriers.types import CarrierUnavailable, LabelRequest, VoidUnderWay
from shared.contracts.work import VoidAbandonedLabel
from shared.kit.breaker import FIRST_PAUSE
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows.doubles import RecordingCarrier, buy, void_abandoned
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

__all__ = ["books_are_right", "parcel_id"]


def test_a_label_whose_answers_were_lost_is_given_back_and_one_stays(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: never two live labels. The first carrier sold one, and nobody heard of it.
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(after=down)
    go_unanswered(database, parcel_id, carrier)
    assert len(carrier.sold) == 1
    carrier.after = lambda _request: None

    # A call that seemed lost may still get through: nobody asks before it would have ended.
    with pytest.raises(VoidUnderWay):
        void_abandoned(database, parcel_id, carrier)
    buy(database, parcel_id, carrier, at="jadlog")
    clock.now += LEASE
    void_abandoned(database, parcel_id, carrier)
    void_abandoned(database, parcel_id, carrier)

    lost, kept = carrier.sold
    assert carrier.voided == {lost}
    assert carrier.void_asked == [lost]
    assert given.rows(database, "SELECT label_id, state FROM labels") == [(kept, "bought")]
    assert given.rows(database, "SELECT label_id, state FROM abandoned_labels") == [
        (lost, "voided")
    ]


def test_an_answer_that_comes_after_the_reroute_is_given_back(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    # Goal: a call that outlives its lease. Meanwhile the parcel was rerouted, and the void found
    # nothing to give back.
    offer(database, "jadlog", 800)

    def overtaken(_request: LabelRequest) -> None:
        clock.now += LEASE
        open_breaker(database)
        buy(database, parcel_id, other)
        clock.now += LEASE
        void_abandoned(database, parcel_id, other)
        given.silence(database)

    other = RecordingCarrier()
    carrier = RecordingCarrier(before=overtaken)

    buy(database, parcel_id, carrier)

    (late,) = work(database, VoidAbandonedLabel)
    assert (late.label_id, late.carrier) == (carrier.asked[0].label_id, "correios")
    clock.now += LEASE
    void_abandoned(database, parcel_id, carrier)
    assert carrier.voided == {late.label_id}
    assert given.rows(database, "SELECT count(*) FROM labels") == [(0,)]


def test_what_could_not_be_given_back_is_tried_again(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(after=down)
    go_unanswered(database, parcel_id, carrier)
    clock.now += LEASE
    carrier.before_void = down
    with pytest.raises(CarrierUnavailable):
        void_abandoned(database, parcel_id, carrier)
    carrier.before_void = lambda _label_id: None

    void_abandoned(database, parcel_id, carrier)

    assert carrier.voided == set(carrier.sold)


def test_a_probe_is_not_spent_on_a_label_that_is_voided_already(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(after=down)
    go_unanswered(database, parcel_id, carrier)
    clock.now += LEASE
    void_abandoned(database, parcel_id, carrier)
    database.statement(text("DELETE FROM carrier_breakers"))
    open_breaker(database)
    clock.now += FIRST_PAUSE

    void_abandoned(database, parcel_id, carrier)

    assert given.rows(database, "SELECT probe_id FROM carrier_breakers") == [(None,)]
    assert len(carrier.void_asked) == 1
