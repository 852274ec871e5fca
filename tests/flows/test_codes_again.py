"""Tracking codes that come again, and those that another carrier has given as well."""

import pytest

from shared.carriers import carrier_accounts
from shared.carriers.types import CarrierAccount, Label, LabelRequest
from shared.contracts.parcels import CarrierUpdateReceived
from shared.flows.parcel_with_code import parcel_with_code
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from shared.shipments.types import Coded, ParcelNotHereYet
from tests.flows import updates
from tests.flows.doubles import RecordingCarrier, buy, parcels_of
from tests.support import given
from tests.support.clock import TestClock

STATES = "SELECT order_id, state FROM parcels ORDER BY order_id"


class Repeating(RecordingCarrier):
    """Has run out of codes."""

    def buy(self, request: LabelRequest) -> Label:
        return super().buy(request)._replace(tracking_code="AA1BR")


def labelled(database: Database, order_id: str) -> None:
    given.order(database, order_id, {"MUG": 2})
    given.place(database, order_id)
    (parcel_id,) = parcels_of(database, order_id)
    buy(database, parcel_id, Repeating())


def track(database: Database, status: str, carrier: str = "Correios") -> CarrierUpdateReceived:
    body = updates.body("AA1BR", [(status, database.now())], carrier)
    event = updates.received(database, body)
    given.apply(database, track_parcel, event)
    return event


@pytest.fixture(autouse=True)
def _stocked(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 50}})


def test_a_label_whose_code_comes_again_is_recorded_and_its_updates_are_the_new_parcels(
    database: Database, clock: TestClock
) -> None:
    # Goal: a label that is paid for is never lost, also where the first parcel with its code has
    # never come to its end.
    labelled(database, "ord_1")
    clock.advance(hours=1)
    track(database, "in_transit")
    clock.advance(days=400)

    labelled(database, "ord_2")
    clock.advance(hours=1)
    track(database, "delivered")

    assert given.rows(database, STATES) == [("ord_1", "shipped"), ("ord_2", "delivered")]
    assert given.violations(database) == []


def test_a_code_that_two_parcels_have_at_a_time_is_found_by_the_audit(
    database: Database, clock: TestClock
) -> None:
    labelled(database, "ord_1")
    clock.advance(days=1)
    labelled(database, "ord_2")

    (violation,) = given.violations(database)
    assert violation.subject == "AA1BR"


def test_another_carriers_parcel_with_the_same_code_is_not_ours(
    database: Database, clock: TestClock
) -> None:
    labelled(database, "ord_1")
    clock.advance(hours=1)

    with pytest.raises(ParcelNotHereYet, match="of this carrier"):
        track(database, "delivered", carrier="DHLExpress")

    assert given.rows(database, STATES) == [("ord_1", "labelled")]
    assert given.rows(database, "SELECT count(*) FROM tracking_events") == [(0,)]


CORREIOS, JADLOG = Coded("par_2", "ord_2", "correios"), Coded("par_1", "ord_1", "jadlog")


@pytest.mark.parametrize(
    ("vendor", "carrier", "meant"),
    [
        ("easypost", "Jadlog", JADLOG),
        ("easypost", "JADLOG-Default", JADLOG),
        ("easypost", "CORREIOS", CORREIOS),
        ("easypost", "", CORREIOS),  # not known yet: the newest
        ("easypost", "DHLExpress", None),
        ("shippo", "ect", CORREIOS),  # as its account calls it
        ("easypost", "ect", None),
        ("aftership", "brazil-jadlog", JADLOG),
        ("aftership", "brazil-post", CORREIOS),
        ("17track", "2151", CORREIOS),
    ],
)
def test_a_report_means_the_newest_parcel_of_its_carrier(
    database: Database, vendor: str, carrier: str, meant: Coded | None
) -> None:
    account = CarrierAccount("correios", "shippo", vendor_carrier="ect")
    database.run(
        lambda tx: tx.write(carrier_accounts.put(tx, account, "ana", is_new=True)), given.cause()
    )

    found = database.run(
        lambda tx: parcel_with_code(tx, [CORREIOS, JADLOG], vendor, carrier), given.cause()
    )

    assert found == meant


def test_nobody_has_a_code_that_was_never_given(database: Database) -> None:
    assert database.run(lambda tx: parcel_with_code(tx, [], "easypost", ""), given.cause()) is None
