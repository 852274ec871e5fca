"""EasyPost's trackers and tracker events, read into reports.

What we need is checked strictly; everything else may be missing, null or new. EasyPost sends the
whole history in every event.
Source: https://docs.easypost.com/docs/trackers and https://docs.easypost.com/docs/events.
"""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.easypost.statuses import status_of


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _text_or_empty(value: object) -> str:
    # Postgres cannot store NUL in text, and nobody can read it.
    return value.replace("\0", "") if isinstance(value, str) else ""


# Strict, so that a number is not taken for seconds since 1970.
_Moment = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_utc)]
_Code = Annotated[str, Field(min_length=1, max_length=64)]
_Tolerant = Annotated[str, BeforeValidator(_text_or_empty)]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Place(_Payload):
    city: _Tolerant = ""
    state: _Tolerant = ""
    zip: _Tolerant = ""
    country: _Tolerant = ""


class _Detail(_Payload):
    status: _Code
    status_detail: _Tolerant = ""
    datetime: _Moment
    message: _Tolerant = ""
    tracking_location: _Place | None = None


class _Tracker(_Payload):
    tracking_code: _Code
    carrier: _Tolerant = ""
    status: _Code
    status_detail: _Tolerant = ""
    updated_at: _Moment | None = None
    tracking_details: tuple[_Detail, ...] | None = None


class _AnyEvent(_Payload):
    description: str


class _TrackerEvent(_Payload):
    result: _Tracker


_Kind = TypeVar("_Kind", bound=_Payload)


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the event is not about a tracker.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong. `field` is its dotted
            path, such as `result.tracking_details.0.datetime`.
    """
    if not _read(_AnyEvent, body).description.startswith("tracker."):
        return None
    return _report(_read(_TrackerEvent, body).result, path="result.")


def read_tracker(body: bytes) -> TrackingReport:
    """The report in a tracker as EasyPost's API returns it. Raises like `read_event`."""
    return _report(_read(_Tracker, body), path="")


def _read(kind: type[_Kind], body: bytes) -> _Kind:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{field or 'body'}: {first['msg']}", field=field) from None


def _report(tracker: _Tracker, path: str) -> TrackingReport:
    details = tracker.tracking_details or ()
    updates = [_update(detail) for detail in details]
    if all(detail.status != tracker.status for detail in details):
        updates.append(_current(tracker, path))
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


def _current(tracker: _Tracker, path: str) -> TrackingUpdate:
    """The tracker's own status, which sums up its history, as of the newest entry there.

    Not as of `updated_at` where there is a history: that is when EasyPost looked, which changes
    with every event and may lie after moments that the carrier reports later.
    """
    moments = [detail.datetime for detail in tracker.tracking_details or ()]
    if tracker.updated_at is not None and not moments:
        moments = [tracker.updated_at]
    if not moments:
        field = f"{path}updated_at"
        raise Malformed(f"{field}: needed where there is no history", field=field)
    return TrackingUpdate(
        status=status_of(tracker.status, tracker.status_detail),
        raw_status=tracker.status,
        detail=tracker.status_detail,
        occurred_at=max(moments),
    )
