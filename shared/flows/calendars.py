"""A warehouse's working hours, as placement and everybody else reckons with them."""

from functools import lru_cache

from shared.placement.calendar import Calendar
from shared.stock.warehouses import Working


@lru_cache(maxsize=1_024)
def calendar_of(working: Working) -> Calendar:
    """When a warehouse works, as placement knows it."""
    return Calendar(
        working.time_zone, working.cut_off_minute, working.working_days, working.closed_on
    )
