"""The pure words: money, places, identifiers, errors and the clock."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.clock import utc_now
from shared.kit.errors import DispatchError, Fault, Malformed, NotYet, Rejected
from shared.kit.geo import EARTH_RADIUS_M, Point, distance_m
from shared.kit.ids import derived_id, new_id
from shared.kit.money import Money, in_digits

BERLIN, LISBON = Point(52.52, 13.405), Point(38.722, -9.139)
points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(a=st.integers(), b=st.integers())
def test_money_adds_and_negates_exactly(a: int, b: int) -> None:
    assert Money(a, "EUR") + Money(b, "EUR") == Money(a + b, "EUR")
    assert Money(a, "EUR") + -Money(a, "EUR") == Money(0, "EUR")


def test_different_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="cannot add BRL to EUR"):
        Money(1, "EUR") + Money(1, "BRL")


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_an_amount_is_a_whole_number(amount: Any) -> None:
    with pytest.raises(TypeError):
        Money(amount, "EUR")


@pytest.mark.parametrize("currency", ["eur", "EURO", "EU", "", "12€"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


def test_the_distance_between_two_cities_is_the_great_circle() -> None:
    # Geodesic on the WGS 84 ellipsoid: 2,313 km; the sphere differs by less than half a percent.
    assert distance_m(BERLIN, LISBON) == pytest.approx(2_313_000, rel=0.005)


@given(a=points, b=points)
def test_distance_is_symmetric_zero_at_home_and_at_most_half_the_globe(a: Point, b: Point) -> None:
    assert distance_m(a, b) == distance_m(b, a)
    assert distance_m(a, a) == 0
    assert 0 <= distance_m(a, b) <= 3.141_593 * EARTH_RADIUS_M


def test_antipodes_are_half_the_globe_apart() -> None:
    assert distance_m(Point(0, 0), Point(0, 180)) == pytest.approx(20_015_114, abs=100)


@pytest.mark.parametrize(("lat", "lon"), [(90.1, 0), (-91, 0), (0, 180.5), (float("nan"), 0)])
def test_what_is_not_on_earth_cannot_be_built(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="not a place on earth"):
        Point(lat, lon)


def test_a_fresh_identifier_is_its_prefix_and_something_new() -> None:
    first, second = new_id("par"), new_id("par")

    assert first.startswith("par_")
    assert len(first) == 4 + 32
    assert first != second


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_a_derived_identifier_is_the_same_for_the_same_parts_only(
    a: list[str], b: list[str]
) -> None:
    assert (derived_id("x", *a) == derived_id("x", *b)) == (a == b)


def test_the_parts_of_a_derived_identifier_do_not_run_together() -> None:
    assert derived_id("x", "ab", "c") != derived_id("x", "a", "bc")
    assert derived_id("x", "1:a") != derived_id("x", "1", "a")


def test_now_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC
    assert utc_now().utcoffset() == timedelta(0)


def test_an_error_keeps_its_facts_and_is_sorted_by_what_to_do_next() -> None:
    error = Malformed("lines: too few", field="lines", order_id="ord_1")

    assert isinstance(error, Rejected)
    assert (error.field, error.facts) == ("lines", {"field": "lines", "order_id": "ord_1"})
    assert not any(issubclass(a, b) for a in (Rejected, NotYet, Fault)
                   for b in (Rejected, NotYet, Fault) if a is not b)  # fmt: skip


def _kinds(base: type[DispatchError]) -> list[type[DispatchError]]:
    return [base, *(kind for below in base.__subclasses__() for kind in _kinds(below))]


def test_every_kind_of_error_has_a_code_of_its_own_in_lower_snake() -> None:
    # A finer kind that names none of its own is told apart inside its module only.
    named = {kind for kind in _kinds(DispatchError) if "code" in vars(kind)}
    codes = [kind.code for kind in named if kind.__module__.startswith("shared.")]

    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").islower() for code in codes)


@pytest.mark.parametrize(
    ("cents", "currency", "written"),
    [
        (123_450, "EUR", "1234.50"),
        (-5, "EUR", "-0.05"),
        (0, "BRL", "0.00"),
        (1_250, "JPY", "1250"),
        (-1, "JPY", "-1"),
        (3_125, "KWD", "3.125"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(
    cents: int, currency: str, written: str
) -> None:
    # Goal: 1,250 yen are not read as 12.50.
    assert in_digits(cents, currency) == written
    assert in_digits(-123_456_789, "EUR", whole="{:,}".format, minus="−") == "−1,234,567.89"
