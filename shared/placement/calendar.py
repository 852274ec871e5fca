"""When a warehouse hands a parcel over, and when it arrives. Pure; days are those of its place."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.kit.clock import day_in

MIDNIGHT_MINUTE = 24 * 60
EVERY_DAY = frozenset(range(1, 8))
SUNDAY = 7
LOOKED_AHEAD = 60  # days; a warehouse that is closed for longer is closed


class Calendar(NamedTuple):
    """When a warehouse works.

    Attributes:
        time_zone: IANA name, such as "America/Sao_Paulo".
        cut_off_minute: minutes after its midnight; what is decided before leaves on the same day.
        working_days: ISO weekdays, Monday is 1.
        closed_on: further days on which nothing leaves.
    """

    time_zone: str = "UTC"
    cut_off_minute: int = MIDNIGHT_MINUTE
    working_days: frozenset[int] = EVERY_DAY
    closed_on: frozenset[date] = frozenset()

    def ship_days(self, now: datetime) -> Iterator[date]:
        """The days on which what is decided now can leave, the first one first."""
        local = now.astimezone(_zone(self.time_zone))
        is_late = local.hour * 60 + local.minute >= self.cut_off_minute
        for ahead in range(is_late, LOOKED_AHEAD):
            day = local.date() + timedelta(days=ahead)
            if day.isoweekday() in self.working_days and day not in self.closed_on:
                yield day

    def today(self, now: datetime) -> date:
        """Which day it is there."""
        return day_in(_zone(self.time_zone), now)

    def last_closed_day(self, now: datetime) -> date:
        """The last day for which nothing is decided any more: its cut-off is past."""
        local = now.astimezone(_zone(self.time_zone))
        is_past = local.hour * 60 + local.minute >= self.cut_off_minute
        return local.date() - timedelta(days=not is_past)

    def late_days(self, arrives_on: date, promised_at: datetime) -> int:
        """Days by which it comes after the day of the promise; 0 where it is in time."""
        promised_on = day_in(_zone(self.time_zone), promised_at)
        return max(0, (arrives_on - promised_on).days)


@lru_cache(maxsize=4_096)
def arrives_on(ship_on: date, transit_days: int) -> date:
    """The day of the delivery, when the carrier needs so many days. Sundays do not count.

    >>> arrives_on(date(2026, 3, 6), 2)  # a Friday
    datetime.date(2026, 3, 9)
    """
    day = ship_on
    for _ in range(transit_days):
        day += timedelta(days=1)
        if day.isoweekday() == SUNDAY:
            day += timedelta(days=1)
    return day


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
