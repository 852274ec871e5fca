"""AfterShip's `tracking_update` events, read into reports. Each holds the whole history.

A checkpoint's time is what the carrier shows, often without an offset from UTC; it never counts as
later than when AfterShip saw it. Source:
https://www.aftership.com/docs/tracking/2025-01/webhook/webhook-specifications.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from shared.contracts.base import Document
from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.aftership.statuses import RETURNING, STATUSES
from shared.tracking.vendors.reading import (
    Code,
    LocalMoment,
    Moment,
    Tolerant,
    report_of,
    update_of,
)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_Flag = Annotated[bool, BeforeValidator(lambda value: value is True)]


class _Checkpoint(Document):
    tag: Code
    subtag: Tolerant = ""
    checkpoint_time: Annotated[LocalMoment | None, BeforeValidator(_none_if_empty)] = None
    created_at: Moment | None = None
    message: Tolerant = ""
    city: Tolerant = ""
    state: Tolerant = ""
    zip: Tolerant = ""
    country_name: Tolerant = ""


class _Tracking(Document):
    tracking_number: Code
    slug: Tolerant = ""
    tag: Code
    subtag: Tolerant = ""
    return_to_sender: _Flag = False
    updated_at: Moment | None = None
    checkpoints: tuple[_Checkpoint, ...] | None = None


class _AnyEvent(Document):
    event: str


class _TrackingEvent(Document):
    msg: _Tracking


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the event is not about a tracking's progress.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong; `field` is its path.
    """
    if _AnyEvent.decode(body).event != "tracking_update":
        return None
    tracking = _TrackingEvent.decode(body).msg
    checkpoints = [
        (_moment(checkpoint, number), checkpoint)
        for number, checkpoint in enumerate(tracking.checkpoints or ())
    ]
    updates = [_update(checkpoint, at) for at, checkpoint in checkpoints]
    newest = max((at for at, _ in checkpoints), default=tracking.updated_at)
    if all(checkpoint.tag != tracking.tag for _, checkpoint in checkpoints):
        updates.append(update_of(STATUSES, tracking.tag, tracking.subtag, _needed(newest)))
    if tracking.return_to_sender:
        updates.append(update_of(STATUSES, "Exception", RETURNING, _needed(newest)))
    return report_of(tracking.tracking_number, tracking.slug, updates)


def _update(checkpoint: _Checkpoint, occurred_at: datetime) -> TrackingUpdate:
    return update_of(
        STATUSES,
        checkpoint.tag,
        checkpoint.subtag,
        occurred_at,
        message=checkpoint.message,
        location=Location(
            checkpoint.city, checkpoint.state, checkpoint.zip, checkpoint.country_name
        ),
    )


def _moment(checkpoint: _Checkpoint, number: int) -> datetime:
    known = [at for at in (checkpoint.checkpoint_time, checkpoint.created_at) if at is not None]
    if not known:
        field = f"msg.checkpoints.{number}.checkpoint_time"
        raise Malformed(f"{field}: needed where there is no created_at", field=field)
    return min(known)


def _needed(newest: datetime | None) -> datetime:
    if newest is None:
        field = "msg.updated_at"
        raise Malformed(f"{field}: needed where there are no checkpoints", field=field)
    return newest
