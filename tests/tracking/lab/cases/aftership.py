"""AfterShip: HMAC of the body, base64."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime

from shared.platform.signatures import Trust
from shared.tracking.vendors.aftership.statuses import RETURNING
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector, hmac_sha256


def sign(body: bytes, secret: str, _at: datetime) -> Headers:
    digest = base64.b64encode(hmac_sha256(secret, body)).decode()
    return {"aftership-hmac-sha256": digest}


def body(code: str, history: Sequence[Scan]) -> bytes:
    checkpoints = [
        {
            "slug": "correios",
            "tag": scan.status,
            "subtag": scan.detail,
            "checkpoint_time": scan.at.isoformat(),
            "created_at": scan.at.isoformat(),
            "message": scan.message,
            "city": "Santos",
            "country_name": "BRA",
            "coordinate": None,
        }
        for scan in history
        if scan.detail != RETURNING
    ]
    tracking = {
        "tracking_number": code,
        "slug": "correios",
        "tag": history[-1].status,
        "subtag": history[-1].detail,
        "return_to_sender": any(scan.detail == RETURNING for scan in history),
        "updated_at": history[-1].at.isoformat(),
        "checkpoints": checkpoints,
    }
    return json.dumps({"event": "tracking_update", "ts": 1772452800, "msg": tracking}).encode()


CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"event": "edd_revise", "ts": 1772452800, "msg": {"tracking_number": "1"}}',
    moving=("InTransit", "InTransit_003"),
    delivered=("Delivered", "Delivered_001"),
    vectors=(
        Vector(
            "printf '%s' \"$BODY\" | openssl dgst -sha256 -hmac secret -binary | base64",
            b'{"event":"ping"}',
            {"aftership-hmac-sha256": "T0uzpU6ZxKIOJDSFIp+bCMZuCRBLpvecI85kckKkzoQ="},
            Trust(("secret",)),
        ),
    ),
)
