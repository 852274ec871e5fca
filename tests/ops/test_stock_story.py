"""What is promised of a SKU, whether few parcels ever had it or many."""

import pytest

from shared.flows.track_parcel import track_parcel
from shared.ops import stock_story
from shared.platform.db import Database
from tests.flows import doubles, updates
from tests.support import given
from tests.support.clock import TestClock


def promised(database: Database, places: list[str] | None = None) -> list[tuple[str, int]]:
    """The orders of the open parcels with mugs, and how many are in each."""
    rows = database.run(lambda tx: stock_story.allocations(tx, "MUG", places), given.cause())
    return [(row.order_id, row.units) for row in rows]


@pytest.mark.parametrize("many", [1, 3_000])
def test_parcels_that_have_not_left_are_found_the_oldest_first(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    # Goal: for what many have, open parcels are walked through; whoever asks sees no difference.
    monkeypatch.setattr(stock_story, "MANY", many)
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 9}})
    for number, wants in enumerate([{"MUG": 2}, {"PEN": 1}, {"MUG": 1, "PEN": 1}, {"MUG": 3}]):
        given.order(database, f"ord_{number}", wants)
        given.place(database, f"ord_{number}")
        clock.advance(minutes=1)
    (code,) = doubles.labelled(database, "ord_0")
    left = updates.received(database, updates.body(code, [("in_transit", clock.now)]))
    given.apply(database, track_parcel, left)

    assert promised(database) == [("ord_2", 1), ("ord_3", 3)]
    assert promised(database, ["BER"]) == [("ord_2", 1), ("ord_3", 3)]
    assert promised(database, ["LIS"]) == []
