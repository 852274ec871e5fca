"""What of an order can be sent now: whole units and whole kits, never more than there is."""

from hypothesis import given
from hypothesis import strategies as st

from shared.orders.parts import open_units, parts, sendable, value_cents
from shared.orders.types import Line


def test_lines_are_served_by_their_numbers() -> None:
    lines = [Line(1, "MUG", 3, 500), Line(2, "MUG", 3, 700), Line(3, "PEN", 1, 100)]

    assert sendable(lines, {"MUG": 4, "PEN": 1}) == {1: 3, 2: 1, 3: 1}
    assert value_cents(lines, {1: 3, 2: 1}) == 2_200


def test_of_a_kit_only_whole_ones_are_sent() -> None:
    kit = Line(1, "SET", 3, 5_000, {"MUG": 2, "TEA": 1})

    assert sendable([kit], {"MUG": 5, "TEA": 9}) == {1: 2}
    assert sendable([kit], {"MUG": 1, "TEA": 9}) == {}


def test_a_kit_and_its_component_share_what_is_there() -> None:
    lines = [Line(1, "SET", 1, 5_000, {"MUG": 2}), Line(2, "MUG", 2, 500)]

    assert sendable(lines, {"MUG": 3}) == {1: 1, 2: 1}


def test_what_has_a_parcel_or_is_cancelled_is_not_sent_again() -> None:
    lines = [Line(1, "MUG", 5, 500, None, allocated=2, backordered=2, cancelled=1)]

    assert open_units(lines) == {1: 2}
    assert sendable(lines, {"MUG": 9}) == {1: 2}


LINES = st.lists(
    st.builds(
        Line,
        line_no=st.just(0),
        sku=st.sampled_from(["A", "B", "C"]),
        quantity=st.integers(1, 5),
        unit_price_cents=st.integers(0, 900),
        kit=st.none() | st.dictionaries(st.sampled_from(["A", "B"]), st.integers(1, 3), min_size=1),
    ),
    min_size=1,
    max_size=5,
).map(
    lambda lines: [
        Line(n, line.sku, line.quantity, line.unit_price_cents, line.kit)
        for n, line in enumerate(lines, start=1)
    ]
)


@given(LINES, st.dictionaries(st.sampled_from(["A", "B", "C"]), st.integers(0, 9)))
def test_what_is_sent_is_there_and_wanted(lines: list[Line], there: dict[str, int]) -> None:
    chosen = sendable(lines, there)

    assert all(units <= line.open for line in lines if (units := chosen.get(line.line_no, 0)))
    assert all(units <= there.get(sku, 0) for sku, units in parts(lines, chosen).items())


@given(LINES)
def test_where_everything_is_there_everything_is_sent(lines: list[Line]) -> None:
    wanted = open_units(lines)

    assert sendable(lines, parts(lines, wanted)) == wanted
