"""A carrier is asked, and what it answers goes the way of what it sends by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.carriers.types import (
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierPaused,
    CarrierTooFast,
    CarrierUnavailable,
    RefusedByCarrier,
)
from shared.contracts.parcels import CarrierUpdateReceived
from shared.contracts.work import PollParcels
from shared.flows.ask_carrier import PolledTooFast, ask_carrier
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows import polled, updates
from tests.flows.doubles import RecordingCarrier, everywhere
from tests.support import given
from tests.support.clock import TestClock

T0 = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
IN_TRANSIT = ("in_transit", T0)
DELIVERED = ("delivered", T0 + timedelta(hours=20))


def asked(database: Database, clock: TestClock, parcels: int = 1) -> tuple[PollParcels, list[str]]:
    """A question that stands in the queue, and the tracking codes that it is about."""
    codes = polled.parcels(database, parcels)
    clock.advance(hours=12)
    polled.poll(database)
    (work,) = polled.work(database)
    return work, [codes[parcel_id] for parcel_id in work.parcel_ids]


def ask(
    database: Database,
    work: PollParcels,
    carrier: RecordingCarrier | None = None,
    **vendors: RecordingCarrier,
) -> None:
    """Put the question to the vendors; `carrier` is all of them."""
    cause = given.cause()
    asked = vendors if carrier is None else everywhere(carrier)
    ask_carrier(lambda step: database.run(step, cause), work, asked)


def announced(database: Database) -> list[CarrierUpdateReceived]:
    """What `order_tracking` will hear, oldest first; it is taken out."""
    rows = given.rows(
        database, "SELECT body FROM outbox WHERE destination = 'carrier-updates' ORDER BY outbox_id"
    )
    given.silence(database)
    return [CarrierUpdateReceived.decode(body.encode()) for (body,) in rows]


def raises(error: Exception) -> Callable[[object], None]:
    def act(_asked: object) -> None:
        raise error

    return act


def test_what_the_carrier_knows_is_kept_and_folded_as_if_it_had_been_sent(
    database: Database, clock: TestClock
) -> None:
    work, (first, second) = asked(database, clock, 2)
    carrier = RecordingCarrier()
    carrier.known = {
        first: updates.body(first, [IN_TRANSIT]),
        second: updates.body(second, [IN_TRANSIT, DELIVERED]),
    }

    ask(database, work, carrier)

    assert carrier.track_asked == [("correios", frozenset({first, second}))]
    for event in announced(database):
        given.apply(database, track_parcel, event)
    assert given.rows(
        database, "SELECT tracking_code, state, tracking_status FROM parcels ORDER BY 2, 1"
    ) == [(second, "delivered", "delivered"), (first, "shipped", "in_transit")]
    assert given.violations(database) == []


def test_the_same_answer_again_is_not_kept_and_not_told(
    database: Database, clock: TestClock
) -> None:
    work, (code,) = asked(database, clock)
    carrier = RecordingCarrier()
    carrier.known = {code: updates.body(code, [IN_TRANSIT])}
    ask(database, work, carrier)
    assert len(announced(database)) == 1

    ask(database, work, carrier)

    assert announced(database) == []
    assert given.rows(database, "SELECT count(*) FROM carrier_updates") == [(1,)]


def test_what_was_sent_and_what_was_asked_for_merge_by_content(
    database: Database, clock: TestClock
) -> None:
    work, (code,) = asked(database, clock)
    given.apply(
        database, track_parcel, updates.received(database, updates.body(code, [IN_TRANSIT]))
    )
    given.silence(database)
    carrier = RecordingCarrier()
    carrier.known = {code: updates.body(code, [IN_TRANSIT, DELIVERED])}

    ask(database, work, carrier)
    (event,) = announced(database)
    given.apply(database, track_parcel, event)

    assert given.rows(database, "SELECT raw_status FROM tracking_events ORDER BY occurred_at") == [
        ("in_transit",),
        ("delivered",),
    ]
    assert given.violations(database) == []


def test_those_at_their_end_and_those_asked_for_anew_are_left_out(
    database: Database, clock: TestClock
) -> None:
    # Goal: work that has waited for long, say behind a carrier that is away, asks nothing twice.
    old, (home, code) = asked(database, clock, 2)
    event = updates.received(database, updates.body(home, [DELIVERED]))
    given.apply(database, track_parcel, event)
    clock.advance(hours=12)
    polled.poll(database)
    (new,) = polled.work(database)
    carrier = RecordingCarrier()

    ask(database, old, carrier)
    assert carrier.track_asked == []
    ask(database, new, carrier)

    assert carrier.track_asked == [("correios", frozenset({code}))]


def test_what_the_carrier_does_not_know_is_counted(database: Database, clock: TestClock) -> None:
    work, (code, _) = asked(database, clock, 2)
    carrier = RecordingCarrier()
    carrier.known = {code: updates.body(code, [IN_TRANSIT])}

    ask(database, work, carrier)

    assert given.rows(
        database,
        "SELECT tracking_code, unknown_times, answered_at FROM parcel_polls JOIN parcels"
        f" USING (parcel_id) ORDER BY tracking_code <> '{code}'",
    ) == [(code, 0, clock.now), (_, 1, clock.now)]


def test_a_question_that_is_refused_is_halved_until_the_one_is_found(
    database: Database, clock: TestClock
) -> None:
    # Goal: one code that the vendor cannot stand must not keep it from answering for the others.
    work, codes = asked(database, clock, 5)
    bad = codes[3]

    def refuse(wanted: frozenset[str]) -> None:
        if bad in wanted:
            raise RefusedByCarrier("no such code", vendor_code="TRACKER.INVALID")

    carrier = RecordingCarrier(before_track=refuse)
    carrier.known = {code: updates.body(code, [IN_TRANSIT]) for code in codes}
    waiting, told = [work], []
    while waiting:
        ask(database, waiting.pop(0), carrier)
        rows = given.rows(database, "SELECT body FROM outbox WHERE kind = 'queue'")
        waiting += [PollParcels.decode(body.encode()) for (body,) in rows]
        told += announced(database)

    assert sorted(event.tracking_code for event in told) == sorted({*codes} - {bad})
    assert given.rows(
        database,
        "SELECT tracking_code FROM parcel_polls JOIN parcels USING (parcel_id)"
        " WHERE unknown_times = 1",
    ) == [(bad,)]
    assert len(carrier.track_asked) <= 7


def test_while_one_vendor_is_away_another_is_not_asked_again_and_again(
    database: Database, clock: TestClock
) -> None:
    # Goal: work is sent again with every attempt; what another vendor has sold for the same carrier
    # is work of its own, once.
    question, codes = asked(database, clock, 2)
    database.statement(
        text(
            "UPDATE labels SET vendor = CASE WHEN parcel_id ="
            f" '{question.parcel_ids[0]}' THEN 'shippo' ELSE 'easypost' END"
        )
    )
    away = RecordingCarrier(before_track=raises(CarrierTooFast("slowly", retry_after_s=7)))
    well = RecordingCarrier()
    waiting = [question]
    for _attempt in range(6):
        for work in list(waiting):
            clock.advance(minutes=1)
            try:
                ask(database, work, easypost=away, shippo=well)
            except PolledTooFast:
                continue
            waiting.remove(work)
        waiting += polled.work(database)

    assert [work.parcel_ids for work in waiting] == [question.parcel_ids[1:]]
    assert {wanted for _, wanted in away.track_asked} == {frozenset(codes[1:])}
    assert [wanted for _, wanted in well.track_asked] == [frozenset(codes[:1])]


def test_what_is_too_much_for_one_question_is_parted(database: Database, clock: TestClock) -> None:
    # Goal: of a vendor that has to be called for each parcel no question outlasts its function.
    work, codes = asked(database, clock, 5)
    carrier = RecordingCarrier(asked_together=2)
    carrier.known = {code: updates.body(code, [IN_TRANSIT]) for code in codes}

    ask(database, work, carrier)
    assert carrier.track_asked == []
    for part in polled.work(database):
        ask(database, part, carrier)

    assert [len(wanted) for _, wanted in carrier.track_asked] == [2, 2, 1]
    assert sorted(event.tracking_code for event in announced(database)) == sorted(codes)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (CarrierUnavailable("down"), CarrierUnavailable),
        (CarrierUnavailable("slowly", retry_after_s=7), PolledTooFast),
        (BrokenAnswer("nonsense"), BrokenAnswer),
        (CarrierAccountRefused("who?"), CarrierAccountRefused),
    ],
)
def test_what_goes_wrong_is_for_the_queue_and_leaves_the_question_as_it_is(
    database: Database, clock: TestClock, error: Exception, raised: type[Exception]
) -> None:
    work, (code,) = asked(database, clock)
    carrier = RecordingCarrier(before_track=raises(error))

    with pytest.raises(raised) as caught:
        ask(database, work, carrier)

    assert getattr(caught.value, "facts", {}).get("retry_after_s") == getattr(
        error, "retry_after_s", None
    )
    carrier = RecordingCarrier()
    carrier.known = {code: updates.body(code, [IN_TRANSIT])}
    ask(database, work, carrier)
    assert len(announced(database)) == 1


def test_a_carrier_that_does_not_answer_is_left_alone_by_questions_too(
    database: Database, clock: TestClock
) -> None:
    work, _ = asked(database, clock)
    carrier = RecordingCarrier(before_track=raises(CarrierUnavailable("down")))
    for _attempt in range(5):
        with pytest.raises(CarrierUnavailable):
            ask(database, work, carrier)

    with pytest.raises(CarrierPaused):
        ask(database, work, carrier)
    assert len(carrier.track_asked) == 5

    clock.advance(minutes=1)
    carrier.before_track = lambda _asked: None
    ask(database, work, carrier)
    assert given.rows(database, "SELECT failures FROM carrier_breakers") == [(0,)]


def test_a_probe_is_not_spent_on_nothing(database: Database, clock: TestClock) -> None:
    work, _ = asked(database, clock)
    carrier = RecordingCarrier(before_track=raises(CarrierUnavailable("down")))
    for _attempt in range(5):
        with pytest.raises(CarrierUnavailable):
            ask(database, work, carrier)
    clock.advance(minutes=1)
    stale = work.model_copy(update={"asked_at": clock.now})

    ask(database, stale, carrier)

    assert given.rows(database, "SELECT probe_until FROM carrier_breakers") == [(None,)]
