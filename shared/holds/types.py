"""The words of holds."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zlib import crc32

from shared.kit.errors import NotEnough, Rejected

LATEST_RELEASE = timedelta(minutes=2)  # after the end of a hold, its units are free again


class Purpose(StrEnum):
    """Whom units are kept for. What is for a customer ends by itself, the others do not."""

    CART = "cart"
    PAYMENT = "payment"  # ordered, and not paid for
    WAITLIST = "waitlist"  # given back by another, and next in line for them is this order
    ORDER = "order"  # it had them in a parcel, and is to be placed anew
    QUARANTINE = "quarantine"  # came back, and nobody has looked at it
    TRANSFER = "transfer"  # asked for by another warehouse


class HoldState(StrEnum):
    """What became of a hold."""

    OPEN = "open"
    CONSUMED = "consumed"  # its order has the units now, or they went where they were kept for
    RELEASED = "released"  # given back before its end
    EXPIRED = "expired"


class HeldUnits(NamedTuple):
    """Units in one partition of a warehouse's stock."""

    sku: str
    warehouse: str
    partition: int
    quantity: int


class Hold(NamedTuple):
    """A hold as it is stored, with its units.

    Its owner loses it at `expires_at`; its units are given back at `release_at`, a little later,
    so that thousands that end together do not come back together.
    """

    hold_id: str
    purpose: Purpose
    reference: str
    channel: str | None
    sale: str | None
    state: HoldState
    created_at: datetime
    expires_at: datetime | None
    release_at: datetime | None
    items: tuple[HeldUnits, ...]
    fingerprint: str = ""  # the hash of what was asked for
    for_order: str | None = None  # whose order the units are, and nobody else's


def release_of(hold_id: str, expires_at: datetime) -> datetime:
    """When the units of a hold that ends then are given back: the same for the same hold."""
    spread_ms = LATEST_RELEASE // timedelta(milliseconds=1)
    return expires_at + timedelta(milliseconds=crc32(hold_id.encode()) % (spread_ms + 1))


class UnknownHold(Rejected):
    """There is no such hold."""

    code = "unknown_hold"


class HoldConflict(Rejected):
    """The hold id is known, with other contents."""

    code = "hold_conflict"


class NotInQuarantine(Rejected):
    """More is to leave quarantine than a return has left there."""

    code = "not_in_quarantine"


class HoldEnded(Rejected):
    """The hold was consumed, released or has expired."""

    code = "hold_ended"


class NotEnoughStock(NotEnough):
    """Fewer units can be promised than are to be held; nothing of it is."""

    code = "not_enough_stock"
