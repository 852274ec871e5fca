"""How often warehouses could not send is counted over the last weeks, each order once."""

from shared.contracts.stock import MissingUnits, ParcelShortPicked
from shared.flows.count_refusals import count_refusals
from shared.flows.short_pick import short_pick
from shared.platform.db import Database
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock

COUNTED = "SELECT orders, refused FROM warehouse_refusals WHERE warehouse = 'BER'"


def test_what_is_long_past_counts_no_more(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 9}})
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 1})
        given.place(database, name)
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    event = ParcelShortPicked(
        warehouse="BER",
        parcel_id=parcel_id,
        short_picked_at=database.now(),
        lines=(MissingUnits(sku="MUG", missing=1),),
    )
    given.apply(database, short_pick, event)

    database.run(count_refusals, given.cause())
    assert given.rows(database, COUNTED) == [(2, 1)]

    clock.advance(days=29)
    database.run(count_refusals, given.cause())
    assert given.rows(database, COUNTED) == [(0, 0)]
