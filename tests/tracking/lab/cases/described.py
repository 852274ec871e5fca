"""A vendor that a setting describes (configured.json): HMAC-SHA512 of moment and body, base64."""

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from shared.platform.signatures import Trust
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector


def sign(body: bytes, secret: str, at: datetime) -> Headers:
    moment = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), moment.encode() + b"." + body, "sha512").digest()
    return {
        "X-Loggi-Timestamp": moment,
        "X-Loggi-Signature": f"v1:{base64.b64encode(digest).decode()}",
    }


def body(code: str, history: Sequence[Scan]) -> bytes:
    scans = [
        {
            "state": scan.status,
            "cause": scan.detail or None,
            "when": scan.at.isoformat(),
            "text": scan.message,
            "place": {"city": "Santos", "country": "BR"},
        }
        for scan in history
    ]
    package = {"code": code, "carrier": "loggi", "scans": scans}
    return json.dumps({"topic": "package", "package": package}).encode()


# The last line of what the command beside the vector prints.
SIGNED = (
    "v1:IxlSU+f9jNboIiKTTvbdWTFopaibo3i8hC8PDCvmsh4daGS1nu5COl+jETuX+AtRK2jPsTBGxZVhjnMXcwCXKQ=="
)

CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"topic": "invoice", "invoice": {"code": "1"}}',
    moving=("MOVING", "HUB"),
    delivered=("DONE", "SIGNED"),
    signs_the_moment=True,
    vectors=(
        Vector(
            "printf '%s' '1772452800.{}' | openssl dgst -sha512 -hmac secret -binary | base64 -w0",
            b"{}",
            {"X-Loggi-Timestamp": "1772452800", "X-Loggi-Signature": SIGNED},
            Trust(("secret",)),
        ),
    ),
)
