"""A vendor that wants fewer calls, while another one is called about the same carrier."""

from contextlib import nullcontext

import pytest

from shared.carriers.store import LEASE
from shared.carriers.types import CarrierTooFast, CarrierUnavailable
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import VoidAbandonedLabel, VoidLabel
from shared.flows.cancel_order import cancel_order
from shared.platform.db import Database
from tests.flows.doubles import parcels_of
from tests.flows.rerouting import books_are_right, parcel_id, work
from tests.flows.sellers import Vendors, lost, sold_by
from tests.support import given
from tests.support.clock import TestClock

__all__ = ["books_are_right", "parcel_id"]


@pytest.fixture
def vendors(database: Database) -> Vendors:
    return Vendors(database)


@pytest.mark.parametrize("is_abandoned", [False, True])
def test_a_label_is_given_back_where_it_was_sold_while_the_other_vendor_wants_fewer_calls(
    database: Database, clock: TestClock, vendors: Vendors, parcel_id: str, *, is_abandoned: bool
) -> None:
    # Goal: rate limits are a vendor's own; the carrier is the same for both.
    def too_fast(_request: object) -> None:
        raise CarrierTooFast("slowly", retry_after_s=300)

    if is_abandoned:
        vendors.easypost.after = lost
    with pytest.raises(CarrierUnavailable) if is_abandoned else nullcontext():
        vendors.buy(parcel_id)
    (label_id,) = vendors.easypost.sold
    sold_by(database, "shippo")
    if not is_abandoned:
        given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
        given.order(database, "ord_2", {"MUG": 1})
        given.place(database, "ord_2")
    vendors.shippo.before = too_fast
    for _ in range(2):
        with pytest.raises(CarrierTooFast):
            vendors.buy(*parcels_of(database, "ord_1" if is_abandoned else "ord_2"))
    clock.now += LEASE

    kind = VoidAbandonedLabel if is_abandoned else VoidLabel
    (to_void,) = work(database, kind)
    vendors.void(to_void)

    assert vendors.easypost.voided == {label_id}
    assert len(vendors.shippo.asked) == 1, "it was left alone"
