"""A certificate server and the tokens that its keys sign, made here and not by our stand-ins."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from tests.support.loopback import Answer, Request, listening

AUDIENCE = "https://dispatch.test"
CALLER = "event-caller@dispatch-test.iam.gserviceaccount.com"


class Key:
    """An RSA key and its certificate."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key_id)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(private, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self._signer = crypt.RSASigner.from_string(  # type: ignore[no-untyped-call]
            pem, key_id=key_id
        )

    def token(self, **others: Any) -> str:
        """A token that is good, but for the claims that are given here (None: left out)."""
        now_s = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": CALLER,
            "email_verified": True,
            "iat": now_s,
            "exp": now_s + 3_600,
            **others,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self._signer, kept).decode()  # type: ignore[no-any-return, no-untyped-call]


class Issuer:
    """Serves the certificates of `keys`; counts how often; `down` makes it answer 503."""

    def __init__(self) -> None:
        self.keys = [Key("first")]
        self.asked = 0
        self.down = False
        self.url = ""

    def token(self, **others: Any) -> str:
        """A token signed with the newest key."""
        return self.keys[-1].token(**others)


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer on a free port of loopback."""
    issuer = Issuer()

    def answer(_request: Request) -> Answer:
        issuer.asked += 1
        certificates = {key.key_id: key.certificate for key in issuer.keys}
        return Answer(503 if issuer.down else 200, json.dumps(certificates).encode())

    with listening(answer) as address:
        issuer.url = f"{address}/certs"
        yield issuer
