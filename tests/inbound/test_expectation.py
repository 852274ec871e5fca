"""When those who wait can be served: against an oracle that deals single units."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.inbound.expectation import expected
from shared.inbound.types import Lot, Waiter

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SKUS = ("MUG", "PEN")
PLACES = ("BER", "LIS")


def day(number: int) -> datetime:
    return MONDAY + timedelta(days=number)


lots = st.lists(
    st.builds(
        Lot,
        sku=st.sampled_from(SKUS),
        warehouse=st.sampled_from(PLACES),
        units=st.integers(1, 4),
        at=st.integers(0, 3).map(day),
    ),
    max_size=6,
)
waitlists = st.lists(
    st.builds(
        Waiter,
        name=st.uuids().map(str),
        wants=st.dictionaries(st.sampled_from(SKUS), st.integers(1, 5), min_size=1),
        warehouses=st.none() | st.frozensets(st.sampled_from(PLACES)),
        excluded=st.frozensets(
            st.tuples(st.sampled_from(SKUS), st.sampled_from(PLACES)), max_size=1
        ),
    ),
    max_size=5,
)
releases = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4).map(day), max_size=2)


def oracle(
    waitlist: Sequence[Waiter], lots: Sequence[Lot], releases: Mapping[str, datetime]
) -> dict[str, datetime | None]:
    """Day by day, unit by unit: the first day on which every want can be filled."""
    units = sorted((lot.at, lot.warehouse, lot.sku) for lot in lots for _ in range(lot.units))
    known = {lot.sku for lot in lots}
    moments: dict[str, datetime | None] = {}
    for waiter in waitlist:
        moments[waiter.name] = None
        usable = [
            unit
            for unit in units
            if (waiter.warehouses is None or unit[1] in waiter.warehouses)
            and (unit[2], unit[1]) not in waiter.excluded
        ]
        for today in map(day, range(10)):
            dealt = []
            for sku, wanted in waiter.wants.items():
                if sku in releases and sku not in known:
                    filled = True
                else:
                    mine = [unit for unit in usable if unit[2] == sku and unit[0] <= today][:wanted]
                    dealt += mine
                    filled = len(mine) == wanted
                if not filled or today < releases.get(sku, today):
                    break
            else:
                moments[waiter.name] = today
                for unit in dealt:
                    units.remove(unit)
                break
    return moments


@given(waitlist=waitlists, lots=lots, releases=releases)
@settings(max_examples=300, deadline=None)
def test_every_moment_is_that_of_dealing_units_day_by_day(
    waitlist: list[Waiter], lots: list[Lot], releases: dict[str, datetime]
) -> None:
    assert expected(waitlist, lots, releases) == oracle(waitlist, lots, releases)


@given(waitlist=waitlists, lots=lots)
@settings(max_examples=100, deadline=None)
def test_no_more_units_are_counted_on_than_come(waitlist: list[Waiter], lots: list[Lot]) -> None:
    moments = expected(waitlist, lots, {})
    for sku in SKUS:
        served = [w.wants.get(sku, 0) for w in waitlist if moments[w.name] is not None]
        assert sum(served) <= sum(lot.units for lot in lots if lot.sku == sku)


def test_who_wants_more_than_ever_comes_stands_in_nobodys_way() -> None:
    waitlist = [Waiter("large", {"MUG": 9}), Waiter("small", {"MUG": 2})]

    assert expected(waitlist, [Lot("MUG", "BER", 3, day(2))], {}) == {
        "large": None,
        "small": day(2),
    }


def test_ten_thousand_who_wait_for_a_hundred_lots_are_answered_at_once() -> None:
    # Goal: what is used up is not looked at again, or this takes minutes.
    waitlist = [Waiter(str(n), {"MUG": 1}) for n in range(10_000)]
    lots = [Lot("MUG", "BER", 100, day(n)) for n in range(100)]

    moments = expected(waitlist, lots, {})

    assert [moments["0"], moments["9999"]] == [day(0), day(99)]
