"""ShipEngine: an RSA signature of moment and body, by a key that its JWK set names."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from shared.platform.published_keys import rsa_keys
from shared.platform.signatures import Trust
from tests.tracking.lab.cases.case import Case, Headers, Scan, Vector

JWKS = json.loads((Path(__file__).parents[2] / "fixtures" / "shipengine_jwks.json").read_text())


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """The key that the vendor signs with while it is called so."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def sign(body: bytes, secret: str, at: datetime) -> Headers:
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signature = private_key(secret).sign(moment.encode() + b"." + body, PKCS1v15(), SHA256())
    return {
        "x-shipengine-rsa-sha256-key-id": secret,
        "x-shipengine-rsa-sha256-signature": base64.b64encode(signature).decode(),
        "x-shipengine-timestamp": moment,
    }


def trust(*names: str) -> Trust:
    """The vendor publishes the keys of these names."""
    keys = {name: private_key(name).public_key() for name in names if name}
    return Trust(public_key=keys.get)


def body(code: str, history: Sequence[Scan]) -> bytes:
    events = [
        {
            "occurred_at": scan.at.isoformat().replace("+00:00", "Z"),
            "carrier_occurred_at": "1999-01-01T00:00:00",
            "description": scan.message,
            "city_locality": "SANTOS",
            "state_province": "SP",
            "postal_code": "",
            "country_code": "BR",
            "status_code": scan.status,
            "status_detail_code": scan.detail or None,
            "latitude": None,
        }
        for scan in reversed(history)
    ]
    data = {
        "tracking_number": code,
        "carrier_code": "ups",
        "status_code": history[-1].status,
        "status_detail_code": history[-1].detail or None,
        "ship_date": None,
        "events": events,
    }
    message = {"resource_url": "https://…", "resource_type": "API_TRACK", "data": data}
    return json.dumps(message).encode()


CASE = Case(
    sign=sign,
    body=body,
    elsewhere=b'{"resource_url": "https://x", "resource_type": "API_BATCH"}',
    moving=("IT", "HUB_SCAN_OUT"),
    delivered=("DE", "DELIVERED"),
    signs_the_moment=True,
    trust=trust,
    nothing=(Trust(), Trust(("a secret, though it signs otherwise",))),
    vectors=(
        Vector(
            "openssl genrsa 2048 > key; printf '%s' '2026-03-02T12:00:00Z.'\"$BODY\""
            " | openssl dgst -sha256 -sign key | base64",
            b'{"resource_type":"X"}',
            {
                "x-shipengine-rsa-sha256-key-id": "pinned",
                "x-shipengine-rsa-sha256-signature": (
                    "2QMBCjsah5NcQrbzcJYEqdOWU0mgt4l+Zq+5aU8/1Ks5cwK2zZ7ZlVSd5U4uQWUPpBaCCRdG7cuxYHXP"
                    "P9pWtMr6m8YceNnkSx9B9UHI+ayAt2VdfNbo/vlwKSrHzC8gHT4oxJ6YHGSIAImVrXVnZ7Qaa5xu0JV0"
                    "3p/Y+UINzGZwgzORAq3ZXTNcSYHF5lBYCcYDO4RJ/gy2bzfwM1WoW5eFXJqSqW6j3GlFmfumoFxR0TqG"
                    "Wts6xWOv3XdldqEaMGtoi0FE2qtLpini8XC1PjYdd+jaYqh6Xv4OfjJt17rn4+Rg0kfegLZVF3Gp/vFp"
                    "5BZscMNbMDlrr2ysTIteLQ=="
                ),
                "x-shipengine-timestamp": "2026-03-02T12:00:00Z",
            },
            Trust(public_key=rsa_keys(JWKS).get),
        ),
    ),
)
