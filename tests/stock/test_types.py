"""Balances: what may still be promised is never less than nothing."""

from hypothesis import given
from hypothesis import strategies as st

from shared.stock.types import Change, Key, Level, together

units = st.integers(min_value=0, max_value=10**6)
keys = st.builds(
    Key, st.sampled_from(["MUG", "PEN"]), st.sampled_from(["BER", "LIS"]), st.integers(0, 2)
)
figures = st.integers(-9, 9)
changes = st.lists(st.builds(Change, keys, figures, figures, figures), max_size=12)


@given(on_hand=units, reserved=units, safety=units, held=units, more=units)
def test_available_is_what_is_neither_promised_nor_kept_back(
    on_hand: int, reserved: int, safety: int, held: int, more: int
) -> None:
    level = Level("MUG", "BER", on_hand, reserved, safety, held)
    grown = level.after(Change(level.key, on_hand=more))

    assert level.available >= 0
    assert level.available in {on_hand - reserved - held - safety, 0}
    assert (grown.on_hand, grown.available >= level.available) == (on_hand + more, True)
    assert level.after(Change(level.key)) == level


@given(on_hand=st.integers(-99, 99), reserved=st.integers(-99, 99), held=st.integers(-99, 99))
def test_a_row_that_is_fenced_off_promises_nothing_however_broken_it_is(
    on_hand: int, reserved: int, held: int
) -> None:
    level = Level("MUG", "BER", on_hand, reserved, 0, held, fenced_for="drift")

    assert level.available == 0
    assert level._replace(fenced_for=None).available >= 0


@given(changes)
def test_changes_of_one_balance_are_made_together_in_lock_order(made: list[Change]) -> None:
    joined = together(made)

    names = [change.key for change in joined]
    assert names == sorted(set(names))
    for figure in ("on_hand", "reserved", "held"):
        for key in {change.key for change in made}:
            total = sum(getattr(change, figure) for change in made if change.key == key)
            assert total == sum(getattr(c, figure) for c in joined if c.key == key)
    assert len(together(made, empty_too=True)) == len({change.key for change in made})
