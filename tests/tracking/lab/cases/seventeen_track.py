"""17TRACK: a hash of the body and the key."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from shared.platform.signatures import Trust
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector


def sign(body: bytes, secret: str, _at: datetime) -> Headers:
    return {"sign": hashlib.sha256(body + b"/" + secret.encode()).hexdigest()}


def body(code: str, history: Sequence[Scan]) -> bytes:
    events = [
        {
            "time_iso": scan.at.isoformat(),
            "time_utc": scan.at.isoformat(),
            "description": scan.message,
            "location": "Santos",
            "stage": None if scan.detail else scan.status or None,
            "sub_status": scan.detail or None,
            "address": {"city": "Santos", "state": "SP", "postal_code": None, "country": "BR"},
        }
        for scan in reversed(history)  # the newest first, as the vendor has it
    ]
    info = {
        "latest_status": {
            "status": history[-1].status or "InTransit",
            "sub_status": history[-1].detail or None,
        },
        "latest_event": events[0],
        "tracking": {"providers_hash": 1, "providers": [{"provider": {}, "events": events}]},
    }
    data = {"number": code, "carrier": 2151, "param": None, "track_info": info}
    return json.dumps({"event": "TRACKING_UPDATED", "data": data}).encode()


CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"event": "TRACKING_STOPPED", "data": {"number": "1", "carrier": 2151}}',
    moving=("InTransit", "InTransit_Departure"),
    delivered=("Delivered", "Delivered_Other"),
    strange_detail=lambda status: f"{status}_Teleported",
    vectors=(
        Vector(
            "printf '%s' '{\"event\":\"ping\"}/secret' | sha256sum",
            b'{"event":"ping"}',
            {"sign": "a3e31f47fdd8421748a5a55c22d4662cb8e834b7888de55307d62ef2398b4611"},
            Trust(("secret",)),
        ),
    ),
)
