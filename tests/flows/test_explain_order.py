"""An order is explained by every decision about it, the oldest first."""

import pytest

from shared.flows.explain_order import explain_order
from shared.orders.types import UnknownOrder
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import offer, open_breaker, planned
from tests.support import given
from tests.support.clock import TestClock


def test_every_decision_about_it_is_there_in_order(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}, "LIS": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    clock.advance(minutes=1)
    given.receive(database, "LIS", {"MUG": 1})
    given.place(database, "ord_1")

    explained = database.run(lambda tx: explain_order(tx, "ord_1"), given.cause())

    assert explained.order.state == "placed"
    assert [decision.outcome for decision in explained.decisions] == ["backordered", "placed"]
    placed = explained.decisions[1]
    assert (placed.policy_id, placed.decided_by, placed.cost_cents) == ("default", "engine", 990)
    assert len(placed.inputs_hash) == 32
    assert placed.duration_us >= 0


def test_a_parcel_that_went_by_another_carrier_says_which_and_why(database: Database) -> None:
    parcel_id = planned(database)
    offer(database, "jadlog", 800)
    open_breaker(database)
    buy(database, parcel_id, RecordingCarrier())

    explained = database.run(lambda tx: explain_order(tx, "ord_1"), given.cause())

    (reroute,) = explained.reroutes
    assert (reroute.parcel_id, reroute.from_carrier, reroute.to_carrier) == (
        parcel_id,
        "correios",
        "jadlog",
    )
    assert (reroute.difference_cents, reroute.reason) == (310, "carrier_paused")


def test_who_asks_for_what_is_not_there_is_told(database: Database) -> None:
    with pytest.raises(UnknownOrder, match="there is no order ord_9"):
        database.run(lambda tx: explain_order(tx, "ord_9"), given.cause())
