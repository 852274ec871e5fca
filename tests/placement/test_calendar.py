"""Cut-offs, working days and closures decide when a parcel leaves, and so when it comes."""

from datetime import UTC, date, datetime
from itertools import islice

import pytest

from shared.placement.calendar import Calendar, arrives_on

WEEKDAYS = frozenset(range(1, 6))
FRIDAY = datetime(2026, 3, 6, 17, 59, tzinfo=UTC)  # 14:59 in São Paulo


@pytest.mark.parametrize(
    ("cut_off_minute", "first"),
    [
        (15 * 60, date(2026, 3, 6)),
        (14 * 60 + 59, date(2026, 3, 9)),
        (24 * 60, date(2026, 3, 6)),
    ],
)
def test_what_is_decided_before_the_cut_off_leaves_on_the_same_day(
    cut_off_minute: int, first: date
) -> None:
    calendar = Calendar("America/Sao_Paulo", cut_off_minute, WEEKDAYS)

    assert next(calendar.ship_days(FRIDAY)) == first


@pytest.mark.parametrize(
    ("cut_off_minute", "last"),
    [
        (15 * 60, date(2026, 3, 5)),
        (14 * 60 + 59, date(2026, 3, 6)),
        (24 * 60, date(2026, 3, 5)),
    ],
)
def test_a_day_is_closed_from_its_cut_off_on(cut_off_minute: int, last: date) -> None:
    calendar = Calendar("America/Sao_Paulo", cut_off_minute, WEEKDAYS)

    assert calendar.last_closed_day(FRIDAY) == last
    assert calendar.today(FRIDAY) == date(2026, 3, 6)


def test_days_are_those_of_the_warehouse() -> None:
    # Goal: at 23:30 in UTC it is Saturday already in Auckland.
    late = datetime(2026, 3, 6, 23, 30, tzinfo=UTC)

    assert next(Calendar("Pacific/Auckland").ship_days(late)) == date(2026, 3, 7)
    assert next(Calendar("UTC").ship_days(late)) == date(2026, 3, 6)


def test_closures_are_left_out() -> None:
    calendar = Calendar(working_days=WEEKDAYS, closed_on=frozenset({date(2026, 3, 9)}))

    assert list(islice(calendar.ship_days(FRIDAY), 3)) == [
        date(2026, 3, 6),
        date(2026, 3, 10),
        date(2026, 3, 11),
    ]


def test_who_never_works_never_ships() -> None:
    assert list(Calendar(working_days=frozenset()).ship_days(FRIDAY)) == []


@pytest.mark.parametrize(
    ("days", "arrives"),
    [(0, date(2026, 3, 6)), (1, date(2026, 3, 7)), (2, date(2026, 3, 9)), (7, date(2026, 3, 14))],
)
def test_carriers_rest_on_sundays(days: int, arrives: date) -> None:
    assert arrives_on(date(2026, 3, 6), days) == arrives


def test_late_is_counted_in_days_after_the_promised_one() -> None:
    calendar = Calendar("America/Sao_Paulo")
    promised = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)  # still the 9th in São Paulo

    assert calendar.late_days(date(2026, 3, 9), promised) == 0
    assert calendar.late_days(date(2026, 3, 11), promised) == 2
    assert calendar.late_days(date(2026, 3, 1), promised) == 0


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "UTC", "America/Sao_Paulo"])
@pytest.mark.parametrize(
    ("promised_at", "late_days"),
    [
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 0),
        (datetime(1, 1, 1, tzinfo=UTC), (date(2026, 3, 6) - date.min).days),
    ],
)
def test_a_promise_at_the_end_of_time_is_one_as_well(
    zone: str, promised_at: datetime, late_days: int
) -> None:
    # Goal: shops say "never" or nothing by such moments; in some zones their day does not exist.
    assert Calendar(time_zone=zone).late_days(date(2026, 3, 6), promised_at) == late_days
