"""What a parcel knows, from what its carriers reported, in any order and any number.

| news | effect |
|---|---|
| a status on the way | the latest moment wins; at the same moment, the status further along |
| `delivered` | beats everything on the way; the earliest one gives `delivered_at` |
| `return_to_sender` | beats even `delivered`; the earliest one gives `returned_at` |
| `delivered` at or after `returned_at` | is back at the sender: gives no `delivered_at` |
| any status that means the carrier has it | the earliest one gives `shipped_at` |
| `unknown`, `cancelled` | history only: move nothing but `last_update_at` |

What contradicts itself has rules too; a test of tests/tracking/test_fold.py is named after each.

| news | what is believed |
|---|---|
| delivered, then on the way again, failed or out for delivery | it is delivered, as first told |
| a return, then out for delivery or delivered | it goes back: a person has to look at the refund |
| delivered and returning at the same moment | it is back at the sender, and was not delivered |
| delivered, and a return that began earlier is told late | the delivery was that to the sender |
| delivered before the carrier has it | both; it has shipped when it was delivered |
| cancelled, and moving before or after | it moves; somebody is told by the log |
| announced anew while it is on its way | pending by name, and shipped all the same |

Progress is a join-semilattice and `fold` its join: commutative, associative and idempotent. So
late news never moves a parcel backwards, and a history that is sent again changes nothing.
Source: Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import NamedTuple

from shared.tracking.types import TrackingStatus, TrackingUpdate

_S = TrackingStatus

# How far along each status is, for news of the same moment.
ON_THE_WAY = (
    _S.PENDING,
    _S.PICKED_UP,
    _S.IN_TRANSIT,
    _S.ON_HOLD,
    _S.DELIVERY_DELAYED,
    _S.OUT_FOR_DELIVERY,
    _S.DELIVERY_FAILED,
    _S.READY_FOR_PICKUP,
)
FINAL = (_S.DELIVERED, _S.RETURN_TO_SENDER)
HISTORY_ONLY = frozenset({_S.UNKNOWN, _S.CANCELLED})
WITH_CARRIER = frozenset(TrackingStatus) - HISTORY_ONLY - {_S.PENDING}

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class Progress(NamedTuple):
    """Where a parcel stands. The empty one knows nothing and counts as pending. Times are UTC."""

    status: TrackingStatus = TrackingStatus.PENDING
    status_at: datetime | None = None  # the moment of the news that `status` comes from
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    returned_at: datetime | None = None  # when the return was first announced
    last_update_at: datetime | None = None

    @property
    def has_shipped(self) -> bool:
        """The carrier has, or had, the parcel: from here on a cancellation is a return."""
        return self.shipped_at is not None

    @property
    def is_final(self) -> bool:
        """Only a return can still change the status."""
        return self.status in FINAL


def fold(progress: Progress, updates: Iterable[TrackingUpdate]) -> Progress:
    """What is known after `updates` too, by the table above."""
    return reduce(_join, map(_told_by, updates), progress)


def _told_by(update: TrackingUpdate) -> Progress:
    at = update.occurred_at
    if update.status in HISTORY_ONLY:
        return Progress(last_update_at=at)
    return Progress(
        status=update.status,
        status_at=at,
        shipped_at=at if update.status in WITH_CARRIER else None,
        delivered_at=at if update.status is TrackingStatus.DELIVERED else None,
        returned_at=at if update.status is TrackingStatus.RETURN_TO_SENDER else None,
        last_update_at=at,
    )


def _join(a: Progress, b: Progress) -> Progress:
    ahead = max(a, b, key=_standing)
    delivered_at = _of(min, a.delivered_at, b.delivered_at)
    returned_at = _of(min, a.returned_at, b.returned_at)
    if delivered_at is not None and returned_at is not None and delivered_at >= returned_at:
        delivered_at = None
    return Progress(
        status=ahead.status,
        status_at=ahead.status_at,
        shipped_at=_of(min, a.shipped_at, b.shipped_at),
        delivered_at=delivered_at,
        returned_at=returned_at,
        last_update_at=_of(max, a.last_update_at, b.last_update_at),
    )


def _standing(progress: Progress) -> tuple[int, timedelta, int]:
    at = progress.status_at or _BEGINNING
    if progress.status in FINAL:
        # The earliest report of a final status tells when it came true.
        return 1 + FINAL.index(progress.status), _END - at, 0
    return 0, at - _BEGINNING, ON_THE_WAY.index(progress.status)


def _of(
    choose: Callable[[datetime, datetime], datetime], a: datetime | None, b: datetime | None
) -> datetime | None:
    if a is None or b is None:
        return a or b
    return choose(a, b)
