"""Balances: what may still be promised is never less than nothing."""

from hypothesis import given
from hypothesis import strategies as st

from shared.stock.types import Level

units = st.integers(min_value=0, max_value=10**6)


@given(on_hand=units, reserved=units, safety=units, more=units)
def test_available_is_what_is_neither_promised_nor_kept_back(
    on_hand: int, reserved: int, safety: int, more: int
) -> None:
    level = Level("MUG", "BER", on_hand, reserved, safety)

    assert level.available >= 0
    assert level.available in {on_hand - reserved - safety, 0}
    assert level.plus(more).on_hand == on_hand + more
    assert level.plus(more).available >= level.available
    assert level.plus(0) == level
