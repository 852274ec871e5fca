"""EasyPost's trackers and tracker events, read into reports.

What we need is checked strictly; everything else may be missing, null or new. EasyPost sends the
whole history in every event.
Source: https://docs.easypost.com/docs/trackers and https://docs.easypost.com/docs/events.
"""

from shared.contracts.base import Document
from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.easypost.statuses import STATUSES
from shared.tracking.vendors.reading import Code, Moment, Tolerant, report_of, update_of


class _Place(Document):
    city: Tolerant = ""
    state: Tolerant = ""
    zip: Tolerant = ""
    country: Tolerant = ""


class _Detail(Document):
    status: Code
    status_detail: Tolerant = ""
    datetime: Moment
    message: Tolerant = ""
    tracking_location: _Place | None = None


class _Tracker(Document):
    tracking_code: Code
    carrier: Tolerant = ""
    status: Code
    status_detail: Tolerant = ""
    updated_at: Moment | None = None
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
    return report_of(tracker.tracking_code, tracker.carrier, updates)


def _update(detail: _Detail) -> TrackingUpdate:
    place = detail.tracking_location or _Place()
    return update_of(
        STATUSES,
        detail.status,
        detail.status_detail,
        detail.datetime,
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
    return update_of(STATUSES, tracker.status, tracker.status_detail, max(moments))
