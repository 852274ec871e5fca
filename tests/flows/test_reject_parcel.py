"""A warehouse that will not send a parcel is passed over, and nothing is missing for it."""

import pytest

from shared.contracts.stock import ParcelRejected
from shared.flows.count_refusals import count_refusals
from shared.flows.reject_parcel import reject_parcel
from shared.flows.track_parcel import track_parcel
from shared.platform.db import Database
from shared.shipments.types import NoSuchParcel, ParcelOfAnotherWarehouse
from tests.flows import doubles, updates
from tests.support import given


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A planned parcel in Berlin; Lisbon has some too, farther away."""
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    (found,) = doubles.parcels_of(database, "ord_1")
    return found


def reject(database: Database, parcel_id: str, *, warehouse: str = "BER") -> None:
    event = ParcelRejected(
        warehouse=warehouse,
        parcel_id=parcel_id,
        rejected_at=database.now(),
        reason="the conveyor has stopped",
    )
    given.apply(database, reject_parcel, event)


def test_the_order_is_placed_elsewhere_and_the_stock_stays(
    database: Database, parcel_id: str
) -> None:
    reject(database, parcel_id)
    assert given.told(database)[-1] == "order.changed"
    given.place(database, "ord_1")

    assert given.rows(
        database, "SELECT warehouse, on_hand, reserved FROM stock_levels ORDER BY 1"
    ) == [("BER", 5, 0), ("LIS", 5, 2)]
    assert given.rows(database, "SELECT reason FROM order_exclusions") == [
        ("rejected: the conveyor has stopped",)
    ]
    assert given.violations(database) == []


def test_saying_it_twice_is_saying_it_once(database: Database, parcel_id: str) -> None:
    reject(database, parcel_id)
    given.place(database, "ord_1")
    given.silence(database)

    reject(database, parcel_id)

    assert given.told(database) == []


def test_what_has_left_cannot_be_rejected(database: Database, parcel_id: str) -> None:
    (code,) = doubles.labelled(database, "ord_1")
    news = updates.body(code, [("in_transit", database.now())])
    given.apply(database, track_parcel, updates.received(database, news))

    reject(database, parcel_id)

    assert given.rows(database, "SELECT state FROM orders") == [("shipped",)]
    assert given.violations(database) == []


def test_only_its_own_warehouse_rejects_it(database: Database, parcel_id: str) -> None:
    with pytest.raises(ParcelOfAnotherWarehouse):
        reject(database, parcel_id, warehouse="LIS")
    with pytest.raises(NoSuchParcel):
        reject(database, "par_unknown")


def test_it_counts_among_what_the_warehouse_could_not_send(
    database: Database, parcel_id: str
) -> None:
    reject(database, parcel_id)
    given.place(database, "ord_1")

    assert database.run(count_refusals, given.cause()) == 1

    assert given.rows(
        database, "SELECT warehouse, orders, refused FROM warehouse_refusals ORDER BY 1"
    ) == [("BER", 1, 1), ("LIS", 1, 0)]
