"""An order of which a parcel is picked can be changed, but for what is picked."""

from collections.abc import Mapping

import pytest

from shared.orders.types import TooLateToChange
from shared.platform.db import Database
from tests.flows import doubles
from tests.flows.test_kept_through_edits import KEPT, LIVE, STATES, STOCK, cap, edit, ordered
from tests.support import given


def test_lines_in_parcels_that_are_not_picked_can_be_changed(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}, "LIS": {"PEN": 3}})
    ordered(database, {"MUG": 2, "PEN": 2})
    picked = _picked(database, "BER")

    edit(database, {"MUG": 2, "PEN": 3})

    assert given.rows(database, STATES) == [("ord_1", "partly_placed")]
    assert given.rows(database, KEPT) == [("PEN", "LIS", 2)]
    given.place(database, "ord_1")
    assert given.rows(database, LIVE) == [("BER", "MUG", 2), ("LIS", "PEN", 3)]
    edit(database, {"MUG": 2})
    assert given.rows(database, LIVE) == [("BER", "MUG", 2)]
    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.rows(database, STOCK) == [("MUG", "BER", 2, 0), ("PEN", "LIS", 0, 0)]
    assert picked in doubles.parcels_of(database, "ord_1")
    assert given.violations(database) == []


@pytest.mark.parametrize(
    ("wants", "field"),
    [({"MUG": 1, "PEN": 2}, "lines.0"), ([("PEN", 2), ("MUG", 2)], "lines.0")],
)
def test_a_line_cannot_lose_what_is_picked(
    database: Database, wants: Mapping[str, int], field: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}, "LIS": {"PEN": 3}})
    ordered(database, {"MUG": 2, "PEN": 2})
    picked = _picked(database, "BER")

    with pytest.raises(TooLateToChange) as caught:
        edit(database, wants)

    assert caught.value.facts == {"field": field, "parcel_id": picked}
    assert str(caught.value) == (
        f"{field}: 2 of MUG (line 1) are picked already; leave them in it, or cancel the order to"
        " have it sent back"
    )
    assert given.rows(database, LIVE) == [("BER", "MUG", 2), ("LIS", "PEN", 2)]
    assert given.violations(database) == []


def test_nothing_is_added_to_an_order_that_is_picked_as_a_whole(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    ordered(database, {"MUG": 2})
    _picked(database, "BER")

    with pytest.raises(TooLateToChange, match="submit another one"):
        edit(database, {"MUG": 3})


def test_what_waits_of_a_picked_order_can_be_left_out(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}})
    cap(database, PEN=1)
    ordered(database, {"MUG": 6, "PEN": 1})
    _picked(database, "BER")

    edit(database, {"MUG": 6})

    assert given.rows(database, STATES) == [("ord_1", "placed")]
    assert given.rows(database, "SELECT taken FROM backorder_caps") == [(0,)]
    assert given.violations(database) == []


def test_a_kit_that_is_picked_in_part_stays_whole(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 0}, "LIS": {"MUG": 0, "PEN": 4}})
    given.kit(database, "SET", {"MUG": 1, "PEN": 1})
    ordered(database, {"SET": 2, "PEN": 1})
    _picked(database, "BER")

    with pytest.raises(TooLateToChange):  # it lies in the parcel with the other half of the sets
        edit(database, {"SET": 2})

    assert given.violations(database) == []


def _picked(database: Database, warehouse: str) -> str:
    doubles.labelled(database, "ord_1")
    ((parcel_id,),) = given.rows(
        database,
        "SELECT parcel_id FROM parcels"
        f" WHERE order_id = 'ord_1' AND warehouse = '{warehouse}' AND state <> 'cancelled'",
    )
    doubles.picked(database, parcel_id)
    return str(parcel_id)
