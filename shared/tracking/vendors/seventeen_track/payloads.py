"""17TRACK's `TRACKING_UPDATED` messages of version 2, read into reports with the whole history.

A parcel may have several providers, each with its own scans; they merge. The latest status sums
them up, and counts as of the latest scan.
Source: https://asset.17track.net/api/document/v2_en; wksw/17track-golang-sdk, models/v2/track.go.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from shared.contracts.base import Document
from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.reading import Code, LocalMoment, Tolerant, report_of, update_of
from shared.tracking.vendors.seventeen_track.statuses import NOT_SORTED, STATUSES


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


_MaybeMoment = Annotated[LocalMoment | None, BeforeValidator(_none_if_empty)]


class _Place(Document):
    city: Tolerant = ""
    state: Tolerant = ""
    postal_code: Tolerant = ""
    country: Tolerant = ""


class _Scan(Document):
    time_utc: _MaybeMoment = None
    time_iso: _MaybeMoment = None
    sub_status: Tolerant = ""
    stage: Tolerant = ""
    description: Tolerant = ""
    address: _Place | None = None


class _Provider(Document):
    events: tuple[_Scan, ...] | None = None


class _Providers(Document):
    providers: tuple[_Provider, ...] | None = None


class _Latest(Document):
    status: Code
    sub_status: Tolerant = ""


class _Info(Document):
    latest_status: _Latest
    latest_event: _Scan | None = None
    tracking: _Providers | None = None


class _Data(Document):
    number: Code
    carrier: Annotated[Tolerant, BeforeValidator(_number_as_text)] = ""
    track_info: _Info


class _AnyMessage(Document):
    event: str


class _Message(Document):
    data: _Data


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the message says only that tracking has stopped.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong; `field` is its path.
    """
    if _AnyMessage.decode(body).event != "TRACKING_UPDATED":
        return None
    data = _Message.decode(body).data
    info = data.track_info
    providers = info.tracking.providers or () if info.tracking else ()
    updates = [
        _update(scan, f"data.track_info.tracking.providers.{number}.events.{place}")
        for number, provider in enumerate(providers)
        for place, scan in enumerate(provider.events or ())
    ]
    latest = info.latest_status
    if all(update.raw_status != latest.status for update in updates):
        updates.append(_latest(info, [update.occurred_at for update in updates]))
    return report_of(data.number, data.carrier, updates)


def _update(scan: _Scan, path: str) -> TrackingUpdate:
    occurred_at = scan.time_utc or scan.time_iso
    if occurred_at is None:
        field = f"{path}.time_utc"
        raise Malformed(f"{field}: needed where there is no time_iso", field=field)
    place = scan.address or _Place()
    return update_of(
        STATUSES,
        scan.sub_status.partition("_")[0] or scan.stage or NOT_SORTED,
        scan.sub_status,
        occurred_at,
        message=scan.description,
        location=Location(place.city, place.state, place.postal_code, place.country),
    )


def _latest(info: _Info, moments: list[datetime]) -> TrackingUpdate:
    if info.latest_event is not None:
        moments += filter(None, [info.latest_event.time_utc or info.latest_event.time_iso])
    if not moments:
        field = "data.track_info.latest_event"
        raise Malformed(f"{field}: needed where there are no scans", field=field)
    return update_of(
        STATUSES, info.latest_status.status, info.latest_status.sub_status, max(moments)
    )
