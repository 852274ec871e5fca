"""Another label for a parcel: its twin takes its place, and nothing is bought twice for one."""

from functools import partial

import pytest

from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.book import Bookshelf
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.relabel_parcel import NoLabelYet, relabel_parcel
from shared.orders.types import TooLateToChange
from shared.people.types import Person
from shared.platform.db import Database
from shared.shipments.types import NoSuchParcel
from tests.flows import doubles
from tests.flows.doubles import RecordingCarrier
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

ADA = Person("ada", "the printer ate it")
STOCK = "SELECT warehouse, on_hand, reserved FROM stock_levels ORDER BY 1"
COLUMNS = """warehouse, carrier, service, rate_card_id, weight_g, distance_m, quoted_cents, zone,
             volume_mm3, longest_mm, ship_on, arrives_on"""


@pytest.fixture
def carrier() -> RecordingCarrier:
    return RecordingCarrier()


@pytest.fixture
def labelled(database: Database, clock: TestClock, carrier: RecordingCarrier) -> str:
    """The id of a parcel that has its label and was charged, some time ago."""
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1", carrier)
    charge(database)
    clock.advance(hours=1)
    ((parcel_id,),) = given.rows(database, "SELECT parcel_id FROM parcels")
    given.silence(database)
    return str(parcel_id)


def charge(database: Database) -> None:
    """Costing hears of every parcel that was planned or cancelled."""
    for kind, body in given.rows(
        database, "SELECT attributes->>'ce-type', body FROM outbox ORDER BY outbox_id"
    ):
        if kind == ParcelPlanned.type:
            event = ParcelPlanned.decode(body.encode())
            given.apply(database, partial(charge_parcel, shelf=Bookshelf()), event)
        elif kind == ParcelCancelled.type:
            given.apply(database, take_charges_back, ParcelCancelled.decode(body.encode()))


def relabel(database: Database, parcel_id: str) -> str:
    return database.run(lambda tx: relabel_parcel(tx, parcel_id, ADA), given.cause())


def test_a_twin_takes_its_place_and_no_unit_of_stock_moves(
    database: Database, labelled: str
) -> None:
    before = given.rows(database, STOCK)

    twin = relabel(database, labelled)

    old, new = (
        given.rows(database, f"SELECT {COLUMNS} FROM parcels WHERE parcel_id = '{one}'")
        for one in (labelled, twin)
    )
    assert old == new
    assert given.rows(database, STOCK) == before
    assert set(given.rows(database, "SELECT parcel_id, state FROM parcels")) == {
        (labelled, "cancelled"),
        (twin, "planned"),
    }
    assert given.told(database) == [
        "parcel.cancelled",
        "parcel.planned",
        "work.void_label",
        "work.buy_label",
    ]
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_it_costs_what_was_decided_and_the_old_label_nothing(
    database: Database, labelled: str, carrier: RecordingCarrier
) -> None:
    twin = relabel(database, labelled)
    charge(database)
    doubles.labelled(database, "ord_1", carrier)
    doubles.void(database, labelled, carrier)

    costs = given.rows(
        database,
        "SELECT parcel_id, sum(amount_cents) > 0 FROM charges GROUP BY parcel_id ORDER BY 2",
    )
    assert costs == [(labelled, False), (twin, True)]
    labels = dict(given.rows(database, "SELECT parcel_id, state FROM labels"))
    assert labels[twin] == "bought"
    assert labels[labelled] == "voided"
    assert given.violations(database) == []


def test_who_and_why_is_kept(database: Database, labelled: str) -> None:
    relabel(database, labelled)

    assert people.trail(database) == [("ada", "relabel_parcel", "ord_1", "the printer ate it")]


def test_a_picked_parcel_keeps_its_label(database: Database, labelled: str) -> None:
    doubles.picked(database, labelled)

    with pytest.raises(TooLateToChange, match="picked already"):
        relabel(database, labelled)


def test_without_a_label_there_is_none_to_give_back(database: Database, labelled: str) -> None:
    twin = relabel(database, labelled)

    for parcel_id in (labelled, twin):
        with pytest.raises(NoLabelYet):
            relabel(database, parcel_id)
    with pytest.raises(NoSuchParcel):
        relabel(database, "par_none")
