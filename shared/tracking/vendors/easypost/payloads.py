"""EasyPost's trackers and tracker events, read into reports.

What we need is checked strictly; everything else may be missing, null or new. EasyPost sends the
whole history in every event.
Source: https://docs.easypost.com/docs/trackers and https://docs.easypost.com/docs/events.
"""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from shared.contracts.base import NO_NUL, Document, utc
from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.easypost.statuses import status_of


def _text_or_empty(value: object) -> str:
    # Postgres cannot store NUL in text, and nobody can read it.
    return value.replace("\0", "") if isinstance(value, str) else ""


# Strict, so that a number is not taken for seconds since 1970.
_Moment = Annotated[AwareDatetime, Field(strict=True), AfterValidator(utc)]
_Code = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
_Tolerant = Annotated[str, BeforeValidator(_text_or_empty)]


class _Place(Document):
    city: _Tolerant = ""
    state: _Tolerant = ""
    zip: _Tolerant = ""
    country: _Tolerant = ""


class _Detail(Document):
    status: _Code
    status_detail: _Tolerant = ""
    datetime: _Moment
    message: _Tolerant = ""
    tracking_location: _Place | None = None


class _Tracker(Document):
    tracking_code: _Code
    carrier: _Tolerant = ""
    status: _Code
    status_detail: _Tolerant = ""
    updated_at: _Moment | None = None
    tracking_details: tuple[_Detail, ...] | None = None


class _AnyEvent(Document):
    description: str


class _TrackerEvent(Document):
    result: _Tracker


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the event is not about a tracker.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong. `field` is its dotted
            path, such as `result.tracking_details.0.datetime`.
    """
    if not _AnyEvent.decode(body).description.startswith("tracker."):
        return None
    return _report(_TrackerEvent.decode(body).result)


def _report(tracker: _Tracker) -> TrackingReport:
    details = tracker.tracking_details or ()
    updates = [_update(detail) for detail in details]
    if all(detail.status != tracker.status for detail in details):
        updates.append(_current(tracker))
    unique = {update.content_id: update for update in updates}
    oldest_first = tuple(sorted(unique.values(), key=lambda update: update.occurred_at))
    return TrackingReport(tracker.tracking_code, tracker.carrier, oldest_first)


def _update(detail: _Detail) -> TrackingUpdate:
    place = detail.tracking_location or _Place()
    return TrackingUpdate(
        status=status_of(detail.status, detail.status_detail),
        raw_status=detail.status,
        detail=detail.status_detail,
        occurred_at=detail.datetime,
        message=detail.message,
        location=Location(place.city, place.state, place.zip, place.country),
    )


def _current(tracker: _Tracker) -> TrackingUpdate:
    """The tracker's own status, which sums up its history, as of the newest entry there.

    Not as of `updated_at` where there is a history: that is when EasyPost looked, which changes
    with every event and may lie after moments that the carrier reports later.
    """
    moments = [detail.datetime for detail in tracker.tracking_details or ()]
    if tracker.updated_at is not None and not moments:
        moments = [tracker.updated_at]
    if not moments:
        field = "result.updated_at"
        raise Malformed(f"{field}: needed where there is no history", field=field)
    return TrackingUpdate(
        status=status_of(tracker.status, tracker.status_detail),
        raw_status=tracker.status,
        detail=tracker.status_detail,
        occurred_at=max(moments),
    )
