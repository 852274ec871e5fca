"""Time is UTC and an argument: code receives a `Clock` or a moment, and tests give their own."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current moment. The only place in the product that asks the machine for it."""
    return datetime.now(UTC)


def day_in(zone: tzinfo, moment: datetime) -> date:
    """Which day it is there; UTC's where its day there is before the first or after the last.

    Some shops say "never" as the last moment that there is.
    """
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.astimezone(UTC).date()
