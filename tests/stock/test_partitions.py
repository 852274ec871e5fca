"""Partitions: however units are laid anew, none is made or lost, and promises stay in place."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.stock import partitions
from shared.stock.types import SHUT, Level

heights = st.lists(st.integers(0, 20), min_size=1, max_size=6)
into = st.integers(1, 8)


@st.composite
def balances(draw: st.DrawFn) -> list[Level]:
    """All rows of one balance: a pool, perhaps shut rows behind it, perhaps an allotment."""
    figures = st.integers(0, 9)
    of, shut = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    numbers = [*range(of + shut), *([64, 65] if draw(st.booleans()) else [])]
    rows = []
    for number in numbers:
        reserved, held, free = draw(figures), draw(figures), draw(figures)
        row = Level("MUG", "BER", reserved + held + free, reserved, 0, held, number, spread=of)
        if number < of:
            row = row._replace(safety=draw(st.integers(0, 4)))
        elif number < of + shut:
            row = row._replace(fenced_for=SHUT)
        else:
            row = row._replace(allotment="friday", spread_from=64, spread=2)
        rows.append(row)
    return rows


def on_hand(levels: Sequence[Level]) -> int:
    return sum(level.on_hand for level in levels)


def pool(levels: Sequence[Level]) -> list[Level]:
    return [level for level in levels if level.allotment is None]


def can_be_promised(levels: Sequence[Level]) -> int:
    return sum(level.available for level in levels)


def assert_only_laid_anew(before: Sequence[Level], after: Sequence[Level]) -> None:
    """Units and safety are the same together, promises row by row, and no row is oversold."""
    assert on_hand(after) == on_hand(before)
    promises = {level.key: (level.reserved, level.held) for level in before}
    assert all(promises.get(lv.key, (0, 0)) == (lv.reserved, lv.held) for lv in after)
    assert {level.key for level in before} <= {level.key for level in after}
    assert all(level.is_sound for level in after)
    assert all((level.fenced_for is None) != level.is_shut for level in after)


def after(levels: Sequence[Level], units: int) -> list[Level]:
    changes = {change.key: change for change in partitions.difference(levels, units)}
    return [lv.after(changes[lv.key]) if lv.key in changes else lv for lv in levels]


@given(heights=heights, units=st.integers(0, 60))
def test_units_go_where_the_fewest_are(heights: list[int], units: int) -> None:
    # Oracle: one unit at a time, each to the lowest place.
    slowly = list(heights)
    for _ in range(units):
        slowly[slowly.index(min(slowly))] += 1

    given_out = partitions.poured(heights, units)

    assert sum(given_out) == units
    assert min(given_out) >= 0
    assert sorted(h + n for h, n in zip(heights, given_out, strict=True)) == sorted(slowly)


@given(heights=heights, share=st.integers(0, 100))
def test_units_are_taken_where_the_most_are(heights: list[int], share: int) -> None:
    units = sum(heights) * share // 100
    slowly = list(heights)
    for _ in range(units):
        slowly[slowly.index(max(slowly))] -= 1

    taken = partitions.drained(heights, units)

    assert sum(taken) == units
    assert min(taken) >= 0
    assert sorted(h - n for h, n in zip(heights, taken, strict=True)) == sorted(slowly)


@given(levels=balances(), into=into)
def test_a_spread_deals_what_is_free_and_keeps_the_safety(levels: list[Level], into: int) -> None:
    spread = partitions.spread(levels, into)

    assert_only_laid_anew(levels, spread)
    open_rows = [level for level in pool(spread) if not level.is_shut]
    assert [level.partition for level in open_rows] == list(range(into))
    assert {(level.spread_from, level.spread) for level in pool(spread)} == {(0, into)}
    assert sum(level.free for level in pool(spread) if level.is_shut) == 0
    assert max(lv.free for lv in open_rows) - min(lv.free for lv in open_rows) <= 1
    free, safety = (sum(lv.free for lv in pool(levels)), sum(lv.safety for lv in pool(levels)))
    assert sum(level.safety for level in pool(spread)) == safety
    # Safety as a whole is kept back, and nothing more than that.
    assert can_be_promised(pool(spread)) == max(0, free - safety)
    assert [lv for lv in spread if lv.allotment] == [lv for lv in levels if lv.allotment]


@given(levels=balances(), into=into)
def test_what_is_merged_again_is_as_if_it_had_never_been_spread(
    levels: list[Level], into: int
) -> None:
    once = partitions.spread(levels, 1)
    again = partitions.spread(partitions.spread(once, into), 1)

    assert [lv for lv in again if lv.partition < 1 or lv.on_hand] == [
        lv for lv in once if lv.partition < 1 or lv.on_hand
    ]


@given(levels=balances(), units=st.integers(-80, 80))
def test_a_difference_leaves_every_row_what_it_has_promised(
    levels: list[Level], units: int
) -> None:
    assume(sum(level.free for level in levels) + units >= 0)

    changed = after(levels, units)

    assert on_hand(changed) == on_hand(levels) + units
    assert all(level.is_sound for level in changed)
    for level, then in zip(levels, changed, strict=True):
        if units >= 0 and (level.is_shut or level.allotment):
            assert then == level, "what comes is for everybody"
    if units < 0:
        shut = sum(level.free for level in levels if level.is_shut)
        everybody = can_be_promised(pool(levels))
        assert can_be_promised(pool(changed)) == max(0, everybody - max(0, -units - shut))


def test_more_cannot_be_taken_than_is_free() -> None:
    level = Level("MUG", "BER", 5, 3, 0)

    with pytest.raises(ValueError, match="1 more"):
        partitions.difference([level], -3)


def test_a_row_that_is_below_its_promises_gets_what_it_lacks_first() -> None:
    rows = [Level("MUG", "BER", 1, 3, 0, spread=2), Level("MUG", "BER", 9, 0, 0, 0, 1, spread=2)]

    assert [level.free for level in after(rows, 0)] == [0, 7]
    assert on_hand(after(rows, 0)) == 10


@given(levels=balances(), share=st.integers(0, 100), into=into)
def test_an_allotment_takes_what_can_be_promised_and_gives_back_what_is_left(
    levels: list[Level], share: int, into: int
) -> None:
    everybody = can_be_promised(pool(levels))
    units = everybody * share // 100

    allotted = partitions.with_allotment(levels, "monday", units, into)
    own = [level for level in allotted if level.allotment == "monday"]

    assert_only_laid_anew(levels, allotted)
    assert len(own) == into
    assert {(level.spread_from, level.spread) for level in own} == {(own[0].partition, into)}
    assert own[0].partition >= partitions.FIRST_ALLOTTED
    assert can_be_promised(own) == units
    assert can_be_promised(pool(allotted)) == everybody - units

    ended = partitions.without_allotment(allotted, "monday")

    assert_only_laid_anew(allotted, ended)
    assert "monday" not in {level.allotment for level in ended}
    left_behind = sum(level.free for level in levels if level.is_shut)
    free, safety = (sum(lv.free for lv in pool(levels)), sum(lv.safety for lv in pool(levels)))
    assert sum(level.free for level in ended if level.is_shut) == 0
    assert can_be_promised(pool(ended)) >= min(everybody, max(0, free - safety))
    assert can_be_promised(pool(ended)) <= everybody + left_behind


def test_more_units_of_a_sale_go_to_the_rows_that_it_has() -> None:
    once = partitions.with_allotment([Level("MUG", "BER", 9, 0, 0)], "friday", 4, 2)
    twice = partitions.with_allotment(once, "friday", 3, 2)

    assert [(lv.partition, lv.on_hand) for lv in twice] == [(0, 2), (64, 4), (65, 3)]
    with pytest.raises(ValueError, match="more is to be allotted"):
        partitions.with_allotment(twice, "friday", 3, 2)


def test_rows_that_are_empty_are_used_again_and_others_are_not() -> None:
    # Goal: a row is never deleted, since the ledger refers to it, and numbers do not run out.
    first = partitions.with_allotment([Level("MUG", "BER", 9, 0, 0)], "friday", 4, 2)
    empty = partitions.without_allotment(first, "friday")
    again = partitions.with_allotment(empty, "monday", 4, 2)
    promised = [lv._replace(reserved=lv.on_hand) if lv.allotment else lv for lv in again]
    third = partitions.with_allotment(
        partitions.without_allotment(promised, "monday"), "tuesday", 1, 2
    )

    assert [lv.partition for lv in again if lv.allotment] == [64, 65]
    assert [lv.partition for lv in third if lv.allotment] == [66, 67]


@given(levels=balances(), units=st.integers(0, 60))
def test_safety_is_what_was_set_and_is_kept_back_as_a_whole(
    levels: list[Level], units: int
) -> None:
    kept = partitions.with_safety(levels, units)

    assert_only_laid_anew(levels, kept)
    assert sum(level.safety for level in kept) == units
    free = sum(level.free for level in pool(levels) if not level.is_shut)
    assert can_be_promised(pool(kept)) == max(0, free - units)


@given(levels=balances(), units=st.integers(0, 60))
def test_what_comes_goes_to_open_rows_of_the_pool(levels: list[Level], units: int) -> None:
    came = Counter(dict(partitions.added(levels, units)))

    assert came.total() == units
    open_rows = {lv.key for lv in pool(levels) if not lv.is_shut}
    assert came.keys() <= open_rows


@given(levels=balances())
def test_shut_rows_keep_nothing_but_what_they_have_promised(levels: list[Level]) -> None:
    emptied = partitions.emptied(levels)

    assert_only_laid_anew(levels, emptied)
    assert sum(level.free for level in emptied if level.is_shut) == 0


def test_a_balance_that_is_fenced_off_as_a_whole_takes_units_and_gives_none() -> None:
    rows = [
        Level("MUG", "BER", 1, 3, 0, fenced_for="broken"),
        Level("MUG", "BER", 2, 0, 0, 0, 1, fenced_for=SHUT),
    ]

    assert partitions.added(rows, 4) == [(rows[0].key, 4)]
    assert partitions.fullest(rows) == rows[0].key
    assert partitions.emptied(rows) == rows
    assert [lv.safety for lv in partitions.with_safety(rows, 3)] == [3, 0]
