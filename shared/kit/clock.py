"""Time is UTC and an argument: code receives a `Clock` or a moment, and tests give their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current moment. The only place in the product that asks the machine for it."""
    return datetime.now(UTC)
