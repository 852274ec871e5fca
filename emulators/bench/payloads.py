"""EasyPost's tracker events: made ones, and the recorded ones of a folder."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emulators.laptop.cli import UserMistake
from shared.kit.errors import Malformed
from shared.tracking.fold import Progress, fold
from shared.tracking.vendors.table import VENDORS

VENDOR = "easypost"
RECORDED = "payloads.jsonl.gz"  # one JSON object a line: id, carrier, kind, payload

Document = dict[str, Any]

# Codes as EasyPost documents them, from the label to the door.
WAY = (
    ("pre_transit", "label_created", "Shipping label created"),
    ("in_transit", "received_at_origin_facility", "Picked up"),
    ("in_transit", "departed_origin_facility", "Departed from origin"),
    ("in_transit", "arrived_at_facility", "Arrived at facility"),
    ("in_transit", "departed_facility", "Departed facility"),
    ("in_transit", "arrived_at_facility", "Arrived at facility"),
    ("in_transit", "arrived_at_destination", "Arrived at destination facility"),
    ("out_for_delivery", "out_for_delivery", "Out for delivery"),
    ("delivered", "arrived_at_destination", "Delivered"),
)
STEPS = (2, 5, 8, 9)  # how much of it is in each of a parcel's updates


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a folder of recorded payloads holds for us.

    Attributes:
        trackers: those of our vendor.
        others: payloads of others, which no vendor of ours sends.
        faults: sentences about trackers that our reader or its table does not manage.
    """

    trackers: Sequence[Document]
    others: int
    faults: Sequence[str] = field(default=())


def event(tracker: Document) -> bytes:
    """The webhook's body about a tracker."""
    told = {"object": "Event", "description": "tracker.updated", "result": tracker}
    return json.dumps(told, separators=(",", ":")).encode()


def made(tracking_code: str, begun_at: datetime, length: int = len(WAY)) -> Document:
    """A tracker that has come so far, with an hour between two entries."""
    history = [
        {
            "object": "TrackingDetail",
            "message": message,
            "description": message,
            "status": status,
            "status_detail": detail,
            "datetime": (begun_at + timedelta(hours=number)).isoformat(),
            "source": "Correios",
            "carrier_code": None,
            "tracking_location": {
                "object": "TrackingLocation",
                "city": "Sao Paulo",
                "state": "SP",
                "country": "BR",
                "zip": "01310100",
            },
        }
        for number, (status, detail, message) in enumerate(WAY[:length])
    ]
    status, detail, _ = WAY[length - 1]
    return {
        "object": "Tracker",
        "mode": "test",
        "tracking_code": tracking_code,
        "status": status,
        "status_detail": detail,
        "carrier": None,  # not known yet: the parcels are of several
        "tracking_details": history,
        "public_url": f"https://track.easypost.test/{tracking_code}",
    }


def recorded(folder: Path) -> Recorded:
    """The trackers among the recorded payloads, read and folded once to see that they can be.

    Raises:
        UserMistake: there are none to be found.
    """
    path = folder / RECORDED
    try:
        with gzip.open(path, "rt") as lines:
            rows = [json.loads(line) for line in lines]
    except (OSError, ValueError, EOFError) as error:
        raise UserMistake(f"{path} cannot be read: {error}") from error
    own = [row for row in rows if row["carrier"] == VENDOR]
    trackers = [tracker for row in own for tracker in _trackers(json.loads(row["payload"]))]
    if not trackers:
        raise UserMistake(f"{path} has no tracker of {VENDOR}.")
    faults = [fault for tracker in trackers for fault in _faults(tracker)]
    return Recorded(trackers, len(rows) - len(own), faults)


def _trackers(payload: Document) -> Iterator[Document]:
    """What is about a parcel: a tracker, a page of them, or an event."""
    found = payload.get("trackers") or [payload.get("result") or payload]
    for tracker in found:
        if "tracking_code" in tracker:
            yield tracker


def _faults(tracker: Mapping[str, Any]) -> Iterator[str]:
    vendor, code = VENDORS[VENDOR], tracker["tracking_code"]
    try:
        report = vendor.read(event(dict(tracker)))
    except Malformed as error:
        yield f"recorded tracker {code} cannot be read: {error}"
        return
    assert report is not None, "it is an event about a tracker"
    for update in report.updates:
        documented = update.raw_status in vendor.statuses.by_status
        if not documented or not update.is_documented:
            yield f"recorded tracker {code}: {update.raw_status}/{update.detail} is in no table"
    if report.updates and fold(Progress(), report.updates).last_update_at is None:
        yield f"recorded tracker {code} moves nothing"
