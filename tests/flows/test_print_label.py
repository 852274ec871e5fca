"""Printing a label: what is kept, or anew; never one that is given back."""

import pytest

from shared.carriers.types import CarrierUnavailable
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.print_label import (
    LabelGivenBack,
    NoLabel,
    NotFetchedYet,
    fetch_label_anew,
    kept_label,
    print_label,
)
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy, everywhere, parcels_of, void
from tests.flows.papers import Cabinet, bought, keep, runner
from tests.flows.rerouting import down
from tests.people import given as people
from tests.support import given

ADA = Person("ada", "it was smudged")


def test_what_is_kept_is_printed_without_asking_the_carrier(database: Database) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    (parcel_id,) = bought(database, carrier, "ord_1")
    keep(database, carrier, cabinet)
    silent = RecordingCarrier(before_paper=down)

    document = print_label(runner(database), parcel_id, everywhere(silent), cabinet)

    assert document.media_type == "application/pdf"
    assert [stored.content for stored in cabinet.kept.values()] == [document.content]


@pytest.mark.parametrize("lost", ["not kept yet", "kept and lost"])
def test_what_is_not_there_is_fetched_anew_and_kept(database: Database, lost: str) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    (parcel_id,) = bought(database, carrier, "ord_1")
    if lost == "kept and lost":
        keep(database, carrier, cabinet)
        cabinet.kept.clear()

    first = print_label(runner(database), parcel_id, everywhere(carrier), cabinet)
    asked = len(carrier.reprinted)
    second = print_label(runner(database), parcel_id, everywhere(carrier), cabinet)

    assert first == second
    assert len(carrier.reprinted) == asked
    assert len(cabinet.kept) == 1


def test_a_reprint_replaces_what_is_kept(database: Database) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    (parcel_id,) = bought(database, carrier, "ord_1")
    keep(database, carrier, cabinet)
    (key,) = cabinet.kept
    cabinet.put(key, b"%PDF-smudged", "application/pdf")

    document = print_label(runner(database), parcel_id, everywhere(carrier), cabinet, anew=True)

    assert cabinet.kept[key].content == document.content != b"%PDF-smudged"


def test_a_person_has_a_label_fetched_anew_by_who_has_the_keys(database: Database) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    (parcel_id,) = bought(database, carrier, "ord_1")
    keep(database, carrier, cabinet)
    (key,) = cabinet.kept
    cabinet.put(key, b"%PDF-smudged", "application/pdf")

    database.run(lambda tx: fetch_label_anew(tx, parcel_id, ADA), given.cause())
    with pytest.raises(NotFetchedYet):
        database.run(lambda tx: kept_label(tx, parcel_id), given.cause())
    keep(database, carrier, cabinet)

    assert database.run(lambda tx: kept_label(tx, parcel_id), given.cause()) == key
    assert cabinet.kept[key].content != b"%PDF-smudged"
    assert people.trail(database) == [("ada", "fetch_label", parcel_id, "it was smudged")]


@pytest.mark.parametrize("is_voided", [False, True])
def test_a_label_that_is_given_back_is_not_printed(database: Database, is_voided: bool) -> None:
    # Goal: nothing leaves the house with a label that nobody pays for.
    carrier, cabinet = RecordingCarrier(), Cabinet()
    (parcel_id,) = bought(database, carrier, "ord_1")
    keep(database, carrier, cabinet)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    if is_voided:
        void(database, parcel_id, carrier)

    for anew in (False, True):
        with pytest.raises(LabelGivenBack, match="void"):
            print_label(runner(database), parcel_id, everywhere(carrier), cabinet, anew=anew)


def test_without_a_label_nothing_is_printed(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = parcels_of(database, "ord_1")
    for unknown in (parcel_id, "par_none"):
        with pytest.raises(NoLabel):
            print_label(runner(database), unknown, everywhere(RecordingCarrier()), Cabinet())
    with pytest.raises(CarrierUnavailable):
        buy(database, parcel_id, RecordingCarrier(before=down))

    with pytest.raises(NoLabel):
        print_label(runner(database), parcel_id, everywhere(RecordingCarrier()), Cabinet())
