"""EasyPost: HMAC of the body; its own published vector."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.platform.signatures import Trust
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector, hmac_sha256

_PUBLISHED = Path(__file__).parents[2] / "fixtures" / "easypost_event.json"


def sign(body: bytes, secret: str, _at: datetime) -> Headers:
    return {"X-Hmac-Signature": f"hmac-sha256-hex={hmac_sha256(secret, body).hex()}"}


def body(code: str, history: Sequence[Scan]) -> bytes:
    details: list[dict[str, Any]] = [
        {
            "object": "TrackingDetail",
            "message": scan.message,
            "status": scan.status,
            "status_detail": scan.detail,
            "datetime": scan.at.isoformat(),
            "tracking_location": {"city": "Santos", "state": "SP", "country": "BR", "zip": None},
        }
        for scan in history
    ]
    tracker = {
        "tracking_code": code,
        "carrier": "Correios",
        "status": history[-1].status,
        "status_detail": history[-1].detail,
        "updated_at": history[-1].at.isoformat(),
        "weight": 614.4,
        "tracking_details": details,
    }
    return json.dumps({"description": "tracker.updated", "result": tracker}).encode()


CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"description": "batch.created", "result": {"id": "batch_1"}}',
    moving=("in_transit", "arrived_at_facility"),
    delivered=("delivered", "delivered"),
    vectors=(
        Vector(
            "EasyPost/examples, official/fixtures/event-body.json, and easypost-python's tests",
            _PUBLISHED.read_bytes().rstrip(b"\n"),
            {
                "X-Hmac-Signature": "hmac-sha256-hex="
                "38f3f53c103713df81616a0a186d77141957323ec21d5fe9363db93840f527db"
            },
            Trust(("sécret",)),
        ),
    ),
)
