"""What all readers of payloads share: strict where we need a field, tolerant everywhere else."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from shared.contracts.base import NO_NUL, utc
from shared.tracking.statuses import StatusTable
from shared.tracking.types import Location, TrackingReport, TrackingUpdate


def _text_or_empty(value: object) -> str:
    # Postgres cannot store NUL in text, and nobody can read it.
    return value.replace("\0", "") if isinstance(value, str) else ""


def _utc_or_local(value: object) -> object:
    # Whoever leaves the offset out means UTC, or does not know where the scanner stood: then the
    # moment is at most 14 hours off, and the scans of one parcel stay in their order.
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value  # refused below, by its name
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# Strict, so that a number is not taken for seconds since 1970.
Moment = Annotated[AwareDatetime, Field(strict=True), AfterValidator(utc)]
LocalMoment = Annotated[
    AwareDatetime, Field(strict=True), BeforeValidator(_utc_or_local), AfterValidator(utc)
]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Tolerant = Annotated[str, BeforeValidator(_text_or_empty)]


def update_of(
    table: StatusTable,
    raw_status: str,
    detail: str,
    occurred_at: datetime,
    *,
    message: str = "",
    location: Location = Location(),  # noqa: B008  frozen
) -> TrackingUpdate:
    """One update in our words, by the vendor's table. `occurred_at` is UTC."""
    meaning = table.meaning(raw_status, detail)
    return TrackingUpdate(
        status=meaning.status,
        raw_status=raw_status,
        detail=detail,
        occurred_at=occurred_at,
        message=message,
        location=location,
        reason=meaning.reason,
        is_documented=meaning.is_documented,
    )


def report_of(
    tracking_code: str, carrier: str, updates: Iterable[TrackingUpdate]
) -> TrackingReport:
    """One parcel's history: oldest first, each content once."""
    unique = {update.content_id: update for update in updates}
    oldest_first = sorted(unique.values(), key=lambda update: update.occurred_at)
    return TrackingReport(tracking_code, carrier, tuple(oldest_first))
