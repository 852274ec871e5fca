"""An order as its customer may follow it.

Whoever has the address sees the page, so this is all that may be shown: no name, no place, nothing
that a carrier wrote in words of its own, and of codes by which a stranger could ask for more only
the end.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a carrier reported, in our words."""

    status: str
    reason: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class FollowedParcel:
    """A parcel that is sent or will be. `units` are pieces, those of kits one by one."""

    carrier: str
    code_end: str | None  # None: it has no label yet
    units: int
    state: str
    status: str  # what its carrier says
    status_at: datetime | None
    ship_on: date | None
    arrives_on: date | None  # None: its rate card does not say how long it takes
    picked_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    returned_at: datetime | None
    news: tuple[News, ...]  # oldest first


@dataclass(frozen=True, slots=True)
class FollowedOrder:
    """An order with its parcels. Units are pieces, those of kits one by one."""

    number_end: str
    state: str
    language: str | None  # as the channel said it
    country: str  # to choose a language by, and not to be shown
    time_zone: str  # of the warehouse that is nearest to where it goes
    ordered_at: datetime
    promised_at: datetime
    expected_at: datetime | None  # when it can probably be placed, while it waits for stock
    closed_at: datetime | None
    is_wanted_back: bool  # it was cancelled after it had been picked
    out_of_stock: int  # units that wait for stock
    waiting: int  # further units without a parcel
    cancelled: int
    parcels: tuple[FollowedParcel, ...]
