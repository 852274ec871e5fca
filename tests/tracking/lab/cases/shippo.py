"""Shippo: HMAC of moment and body in one header."""

import json
from collections.abc import Sequence
from datetime import datetime

from shared.platform.signatures import Trust
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector, hmac_sha256


def sign(body: bytes, secret: str, at: datetime) -> Headers:
    moment = str(int(at.timestamp()))
    digest = hmac_sha256(secret, moment.encode() + b"." + body).hex()
    return {"Shippo-Auth-Signature": f"t={moment},v1={digest}"}


def body(code: str, history: Sequence[Scan]) -> bytes:
    entries = [
        {
            "object_id": f"s{number}",
            "status": scan.status,
            "substatus": {"code": scan.detail, "text": "", "action_required": False}
            if scan.detail
            else None,
            "status_details": scan.message,
            "status_date": scan.at.isoformat(),
            "location": {"city": "Santos", "state": "SP", "zip": "11000", "country": "BR"},
        }
        for number, scan in enumerate(history)
    ]
    track = {
        "carrier": "correios",
        "tracking_number": code,
        "eta": None,
        "messages": [],
        "tracking_status": entries[-1],
        "tracking_history": entries,
    }
    return json.dumps({"event": "track_updated", "test": False, "data": track}).encode()


CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"event": "transaction_created", "test": false, "data": {"object_id": "1"}}',
    moving=("TRANSIT", "package_arrived"),
    delivered=("DELIVERED", "delivered"),
    signs_the_moment=True,
    vectors=(
        Vector(
            "printf '%s' '1772452800.{\"event\":\"ping\"}' | openssl dgst -sha256 -hmac secret",
            b'{"event":"ping"}',
            {
                "Shippo-Auth-Signature": "t=1772452800,"
                "v1=5bcc50db825fae2a8064b48a53c08ab7ba2b4cc5094ade9fbd19cae9142de3b0"
            },
            Trust(("secret",)),
        ),
    ),
)
