"""Asking for manifests: when a day is over, for labels that are used, each on one manifest."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest

from shared.carriers.types import CarrierAccount
from shared.contracts.orders import OrderCancelled
from shared.flows import ask_for_manifests
from shared.flows.ask_for_manifests import (
    LOOKED_BACK,
    NoManifestsMade,
    NothingToManifest,
    ask_for_manifest,
)
from shared.flows.cancel_order import cancel_order
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.kit.errors import Malformed
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows.doubles import RecordingCarrier, void
from tests.flows.papers import ADA, Cabinet, ask, ask_by_hand, bought, close
from tests.support import given
from tests.support.clock import TestClock

MANIFESTS = """
    SELECT carrier, warehouse, ship_on, number, state,
           (SELECT count(*) FROM labels WHERE labels.manifest_id = manifests.manifest_id)
      FROM manifests ORDER BY ship_on, number
"""
MONDAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _berlin(database: Database) -> None:
    """A warehouse that decides until two in the afternoon, and a clock that shows noon in UTC."""
    given.catalogue(database, {"BER": {"MUG": 50}})
    given.works(database, "BER", time_zone="Europe/Berlin", cut_off_minute=14 * 60)


def test_a_manifest_is_asked_for_once_the_cut_off_is_past(
    database: Database, clock: TestClock
) -> None:
    bought(database, RecordingCarrier(), "ord_1", "ord_2")
    given.silence(database)
    before_cut_off = ask(database)

    clock.advance(hours=1)

    assert before_cut_off == 0
    assert ask(database) == 1
    assert given.rows(database, MANIFESTS) == [("correios", "BER", MONDAY, 1, "requested", 2)]
    assert given.told(database) == ["work.close_manifest"]
    assert ask(database) == 0
    assert given.violations(database) == []


def test_labels_that_come_late_have_a_further_manifest_of_their_day(
    database: Database, clock: TestClock
) -> None:
    carrier = RecordingCarrier()
    bought(database, carrier, "ord_1")
    clock.advance(hours=1)
    ask(database)
    late = bought(database, carrier, "ord_2")
    database.statement(text(f"UPDATE parcels SET ship_on = '{MONDAY}'"))

    assert ask(database) == 1
    assert [row[2:] for row in given.rows(database, MANIFESTS)] == [
        (MONDAY, 1, "requested", 1),
        (MONDAY, 2, "requested", 1),
    ]
    assert given.rows(
        database, "SELECT parcel_id FROM labels JOIN manifests USING (manifest_id) WHERE number = 2"
    ) == [(late[0],)]


def test_what_leaves_tomorrow_is_not_on_todays_manifest(
    database: Database, clock: TestClock
) -> None:
    clock.advance(hours=3)
    bought(database, RecordingCarrier(), "ord_1")

    assert ask(database) == 0
    clock.advance(days=1)
    assert ask(database) == 1
    assert [row[2] for row in given.rows(database, MANIFESTS)] == [MONDAY + timedelta(days=1)]


def test_each_carrier_has_a_manifest_of_its_own(database: Database, clock: TestClock) -> None:
    bought(database, RecordingCarrier(), "ord_1", "ord_2")
    for table in ("labels", "parcels"):
        database.statement(
            text(f"""UPDATE {table} SET carrier = 'jadlog' WHERE parcel_id IN (
                         SELECT parcel_id FROM parcels WHERE order_id = 'ord_2')""")
        )
    clock.advance(hours=1)

    assert ask(database) == 2
    assert [(row[0], row[5]) for row in given.rows(database, MANIFESTS)] == [
        ("correios", 1),
        ("jadlog", 1),
    ]


@pytest.mark.parametrize("when", ["void requested", "voided"])
def test_a_label_that_is_given_back_is_on_no_manifest(
    database: Database, clock: TestClock, when: str
) -> None:
    carrier = RecordingCarrier()
    gone, _ = bought(database, carrier, "ord_1", "ord_2")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    if when == "voided":
        void(database, gone, carrier)
    clock.advance(hours=1)

    assert ask(database) == 1
    assert [row[5] for row in given.rows(database, MANIFESTS)] == [1]


def test_a_label_that_is_given_back_later_is_taken_off(
    database: Database, clock: TestClock
) -> None:
    bought(database, RecordingCarrier(), "ord_1", "ord_2")
    clock.advance(hours=1)
    ask(database)

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert [row[5] for row in given.rows(database, MANIFESTS)] == [1]
    assert given.violations(database) == []


def test_days_that_are_long_over_are_left_alone(database: Database, clock: TestClock) -> None:
    bought(database, RecordingCarrier(), "ord_1")
    clock.now += LOOKED_BACK + timedelta(days=1, hours=1)

    assert ask(database) == 0


def test_a_manifest_has_an_end(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_for_manifests, "MOST_LABELS", 2)
    bought(database, RecordingCarrier(), "ord_1", "ord_2", "ord_3")
    clock.advance(hours=1)

    assert ask(database) == 2
    assert [(row[3], row[5]) for row in given.rows(database, MANIFESTS)] == [(1, 2), (2, 1)]


def test_two_that_ask_at_once_put_no_label_on_two_manifests(
    database: Database, clock: TestClock
) -> None:
    bought(database, RecordingCarrier(), *(f"ord_{n}" for n in range(6)))
    clock.advance(hours=1)
    barrier = Barrier(4)

    def attempt(_: int) -> int:
        barrier.wait()
        return ask(database)

    with ThreadPoolExecutor(4) as pool:
        asked = sum(pool.map(attempt, range(4)))

    assert asked == 1
    assert [row[5] for row in given.rows(database, MANIFESTS)] == [6]


def test_a_person_need_not_wait_for_the_cut_off(database: Database) -> None:
    bought(database, RecordingCarrier(), "ord_1")

    manifest_id = ask_by_hand(database)

    assert given.rows(database, "SELECT manifest_id, ship_on FROM manifests") == [
        (manifest_id, MONDAY)
    ]
    with pytest.raises(NothingToManifest, match="2026-03-02"):
        ask_by_hand(database)
    with pytest.raises(NothingToManifest, match="2026-03-01"):
        ask_by_hand(database, date(2026, 3, 1))
    given.rated(database, "jadlog", "standard")
    with pytest.raises(NothingToManifest):
        ask_by_hand(database, carrier="jadlog")
    with pytest.raises(Malformed, match="'jadlgo' has no rate card; correios, jadlog"):
        ask_by_hand(database, carrier="jadlgo")


def test_a_warehouse_that_is_not_there_is_named(database: Database) -> None:
    with pytest.raises(Malformed, match="'MARS'"):
        database.run(lambda tx: ask_for_manifest(tx, "correios", "MARS", None, ADA), given.cause())


def test_a_day_that_was_refused_is_left_to_a_person(database: Database, clock: TestClock) -> None:
    # Goal: asking again gives the same answer, so nobody does every ten minutes.
    carrier = RecordingCarrier()
    bought(database, carrier, "ord_1")
    clock.advance(hours=1)
    ask(database)
    database.statement(
        text("""UPDATE manifests SET state = 'refused', ended_at = requested_at,
                                     refused_for = 'no'""")
    )
    database.statement(text("UPDATE labels SET manifest_id = NULL"))
    given.silence(database)

    assert ask(database) == 0
    ask_by_hand(database)
    close(database, carrier, Cabinet())
    bought(database, carrier, "ord_2")
    database.statement(text(f"UPDATE parcels SET ship_on = '{MONDAY}'"))

    assert ask(database) == 1, "the person's was closed, so the day goes on"
    assert [row[3:5] for row in given.rows(database, MANIFESTS)] == [
        (1, "refused"),
        (2, "closed"),
        (3, "requested"),
    ]


def sold_by(database: Database, vendor: str, *, has_manifests: bool | None = None) -> None:
    """A person says who sells correios's labels, and whether manifests can be had there."""
    wish = SetCarrierAccount(CarrierAccount("correios", vendor), ADA, has_manifests=has_manifests)
    database.run(lambda tx: set_carrier_account(tx, wish), given.cause())


def test_a_vendor_that_makes_no_manifests_of_a_carrier_is_never_asked(
    database: Database, clock: TestClock
) -> None:
    # Goal: no letter a day for what nobody can have.
    bought(database, RecordingCarrier(), "ord_1")
    sold_by(database, "easypost", has_manifests=False)
    clock.advance(hours=1)
    given.silence(database)

    assert ask(database) == 0
    with pytest.raises(NoManifestsMade, match="easypost makes no manifests of correios"):
        ask_by_hand(database)
    assert given.rows(database, MANIFESTS) == []
    assert given.told(database) == []

    sold_by(database, "easypost", has_manifests=True)

    assert ask(database) == 1, "what has left meanwhile is on one now"


def test_what_is_known_of_a_vendor_counts_for_the_labels_that_it_has_sold(
    database: Database, clock: TestClock
) -> None:
    # Goal: a carrier that moves to another vendor leaves no letters of the one before behind.
    bought(database, RecordingCarrier(), "ord_1")
    sold_by(database, "easypost", has_manifests=False)
    sold_by(database, "shippo")
    bought(database, RecordingCarrier(), "ord_2")
    clock.advance(hours=1)

    assert ask(database) == 1
    on_it = "SELECT vendor FROM labels WHERE manifest_id IS NOT NULL"
    assert given.rows(database, on_it) == [("shippo",)]
    with pytest.raises(NothingToManifest):
        ask_by_hand(database)
    sold_by(database, "easypost")
    with pytest.raises(NoManifestsMade):
        ask_by_hand(database)
    assert given.violations(database) == []
