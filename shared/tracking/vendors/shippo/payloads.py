"""Shippo's `track_updated` events, read into reports. Each holds the whole history.

Source: shippo-python-sdk, models/components/track.py and trackingstatus.py;
https://docs.goshippo.com/docs/tracking/webhooks.
"""

from shared.contracts.base import Document
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.reading import Code, Moment, Tolerant, report_of, update_of
from shared.tracking.vendors.shippo.statuses import STATUSES


class _Place(Document):
    city: Tolerant = ""
    state: Tolerant = ""
    zip: Tolerant = ""
    country: Tolerant = ""


class _Substatus(Document):
    code: Tolerant = ""


class _Status(Document):
    status: Code
    substatus: _Substatus | None = None
    status_date: Moment
    status_details: Tolerant = ""
    location: _Place | None = None


class _Track(Document):
    tracking_number: Code
    carrier: Tolerant = ""
    tracking_status: _Status | None = None
    tracking_history: tuple[_Status, ...] | None = None


class _AnyEvent(Document):
    event: str


class _TrackEvent(Document):
    data: _Track


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the event is not about a track.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong; `field` is its path.
    """
    if _AnyEvent.decode(body).event != "track_updated":
        return None
    track = _TrackEvent.decode(body).data
    entries = list(track.tracking_history or ())
    if track.tracking_status is not None:
        entries.append(track.tracking_status)  # mostly the newest of the history once more
    return report_of(track.tracking_number, track.carrier, map(_update, entries))


def _update(entry: _Status) -> TrackingUpdate:
    place = entry.location or _Place()
    return update_of(
        STATUSES,
        entry.status,
        entry.substatus.code if entry.substatus else "",
        entry.status_date,
        message=entry.status_details,
        location=Location(place.city, place.state, place.zip, place.country),
    )
