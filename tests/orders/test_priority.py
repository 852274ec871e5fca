"""Which queue an order waits in."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.orders import ServiceLevel
from shared.orders.priority import URGENT_WITHIN, priority_of
from shared.orders.types import Priority

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FAR = NOW + timedelta(days=9)


@pytest.mark.parametrize(
    ("service_level", "priority"),
    [
        (ServiceLevel.EXPRESS, Priority.EXPRESS),
        (ServiceLevel.STANDARD, Priority.STANDARD),
        (ServiceLevel.ECONOMY, Priority.BULK),
    ],
)
def test_a_far_promise_leaves_the_choice_to_the_service_level(
    service_level: ServiceLevel, priority: Priority
) -> None:
    assert priority_of(service_level, FAR, NOW) is priority


@pytest.mark.parametrize("service_level", ServiceLevel)
@pytest.mark.parametrize("ahead", [URGENT_WITHIN, timedelta(0), timedelta(days=-3)])
def test_a_near_or_broken_promise_is_always_express(
    service_level: ServiceLevel, ahead: timedelta
) -> None:
    assert priority_of(service_level, NOW + ahead, NOW) is Priority.EXPRESS


def test_a_moment_more_than_a_day_is_not_near() -> None:
    later = NOW + URGENT_WITHIN + timedelta(microseconds=1)

    assert priority_of("economy", later, NOW) is Priority.BULK


def test_a_service_level_of_the_future_is_standard() -> None:
    assert priority_of("drone", FAR, NOW) is Priority.STANDARD
