"""Picks: noted once, by the warehouse that packs the parcel."""

import json

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import ParcelPicked
from shared.flows.cancel_order import cancel_order
from shared.flows.pick_parcel import pick_parcel
from shared.platform.db import Database
from shared.shipments.types import NoSuchParcel, ParcelOfAnotherWarehouse
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A planned parcel."""
    given.catalogue(database, {"BER": {"MUG": 5}, "MUC": {}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    (found,) = doubles.parcels_of(database, "ord_1")
    return found


def test_the_first_pick_is_noted_and_a_repeated_one_changes_nothing(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    first = clock.now
    for _ in range(2):
        event = ParcelPicked(warehouse="BER", parcel_id=parcel_id, picked_at=clock.now)
        given.apply(database, pick_parcel, event)
        clock.advance(minutes=4)

    assert given.rows(database, "SELECT state, picked_at FROM parcels") == [("planned", first)]
    assert given.told(database) == []
    assert given.violations(database) == []


def test_a_picked_parcel_still_gets_its_label(database: Database, parcel_id: str) -> None:
    doubles.picked(database, parcel_id)

    doubles.buy(database, parcel_id, doubles.RecordingCarrier())

    assert given.rows(database, "SELECT state FROM parcels") == [("labelled",)]


def test_a_pick_that_comes_after_the_cancellation_is_harmless_and_told_in_the_log(
    database: Database, parcel_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    capsys.readouterr()

    doubles.picked(database, parcel_id)

    assert given.rows(database, "SELECT state, picked_at FROM parcels") == [("cancelled", None)]
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["parcel_id"]) == ("parcel.picked_though_cancelled", parcel_id)


def test_an_unknown_parcel_and_one_of_another_warehouse_are_named(
    database: Database, clock: TestClock, parcel_id: str
) -> None:
    unknown = ParcelPicked(warehouse="BER", parcel_id="par_none", picked_at=clock.now)
    strange = ParcelPicked(warehouse="MUC", parcel_id=parcel_id, picked_at=clock.now)

    with pytest.raises(NoSuchParcel, match="planned"):
        given.apply(database, pick_parcel, unknown)
    with pytest.raises(ParcelOfAnotherWarehouse, match="BER"):
        given.apply(database, pick_parcel, strange)

    assert given.rows(database, "SELECT picked_at FROM parcels") == [(None,)]
