"""How carriers stand: breakers as the rule says, parcels that wait, and what is given back."""

from shared.carriers.types import CarrierUnavailable
from shared.flows import show_carriers as flow
from shared.flows.buy_label import CALLS
from shared.flows.show_carriers import CarrierStanding, show_carriers
from shared.kit.breaker import FIRST_PAUSE, BreakerState
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import down, offer, open_breaker, planned
from tests.support import given
from tests.support.clock import TestClock


def standings(database: Database) -> dict[str, CarrierStanding]:
    found = database.run(show_carriers, given.cause())
    return {standing.carrier: standing for standing in found}


def test_a_carrier_that_is_called_lists_no_parcels_and_counts_them(database: Database) -> None:
    planned(database)

    found = standings(database)["correios"]

    assert (found.state, found.next_probe_at, found.parcels) == (BreakerState.CLOSED, None, [])
    assert (found.figures.waiting, found.figures.waiting_since) == (1, database.now())


def test_parcels_that_wait_say_whether_their_day_is_over(
    database: Database, clock: TestClock
) -> None:
    parcel_id = planned(database)
    open_breaker(database)

    (on_time,) = standings(database)["correios"].parcels
    clock.advance(days=1)
    (late,) = standings(database)["correios"].parcels

    assert (on_time.parcel_id, on_time.order_id, on_time.is_late) == (parcel_id, "ord_1", False)
    assert late.is_late


def test_of_many_that_wait_the_first_are_listed(database: Database, clock: TestClock) -> None:
    first = planned(database)
    clock.advance(minutes=1)
    for number in range(flow.LISTED + 1):
        given.order(database, f"later_{number}", {"MUG": 1})
        given.place(database, f"later_{number}")
    open_breaker(database)

    found = standings(database)["correios"]

    assert found.figures.waiting == flow.LISTED + 2
    assert len(found.parcels) == flow.LISTED
    assert found.parcels[0].parcel_id == first


def test_a_breaker_without_a_rate_card_is_shown_and_what_is_to_be_voided_counted(
    database: Database, clock: TestClock
) -> None:
    parcel_id = planned(database)
    offer(database, "jadlog", 800)
    carrier = RecordingCarrier(before=down)
    for _ in range(CALLS):
        try:
            buy(database, parcel_id, carrier)
        except CarrierUnavailable:
            continue
    open_breaker(database, "gone")
    clock.now += FIRST_PAUSE

    found = standings(database)

    assert found["gone"].state is BreakerState.HALF_OPEN
    assert found["correios"].figures.failures == CALLS
    assert [found[name].figures.to_void for name in ("correios", "gone", "jadlog")] == [1, 0, 0]
