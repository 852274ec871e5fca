"""OIDC tokens signed as Google signs them, and the certificates that verify them."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "https://accounts.google.com"
LIFETIME_S = 3600
RENEW_BEFORE_S = 300
CERTIFICATE_DAYS = 30


@dataclass(frozen=True, slots=True)
class _Cached:
    token: str
    renew_at_s: float


class TokenIssuer:
    """Signs with an RSA key of 2048 bits, kept in `key_file` if there is one.

    A key that outlives a restart spares the functions tokens that they cannot verify: they keep
    the certificates for as long as they are told to.
    """

    def __init__(
        self, now_s: Callable[[], float] = time.time, key_file: Path | None = None
    ) -> None:
        self._now_s = now_s
        self._key = _kept_key(key_file) if key_file else _fresh_key()
        self._certificate = _self_signed(self._key)
        self._key_id = hashlib.sha256(_public(self._key)).hexdigest()[:40]
        self._cache: dict[tuple[str, str], _Cached] = {}

    def certificates(self) -> dict[str, str]:
        """Key id -> PEM certificate: the shape of https://www.googleapis.com/oauth2/v1/certs."""
        return {self._key_id: self._certificate}

    def bearer(self, account: str, audience: str) -> str:
        """The Authorization header of `account`, an e-mail address, towards `audience`."""
        now_s = self._now_s()
        cached = self._cache.get((account, audience))
        if cached is None or cached.renew_at_s <= now_s:
            token = self._sign(account, audience, int(now_s))
            cached = _Cached(token, now_s + LIFETIME_S - RENEW_BEFORE_S)
            self._cache[account, audience] = cached
        return f"Bearer {cached.token}"

    def _sign(self, account: str, audience: str, now_s: int) -> str:
        subject = str(int(hashlib.sha256(account.encode()).hexdigest()[:16], 16))
        header = {"alg": "RS256", "kid": self._key_id, "typ": "JWT"}
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": subject,
            "sub": subject,
            "email": account,
            "email_verified": True,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
        }
        signed = f"{_encoded(header)}.{_encoded(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


def _encoded(part: Mapping[str, object]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _fresh_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _kept_key(path: Path) -> rsa.RSAPrivateKey:
    if path.exists():
        kept = serialization.load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(kept, rsa.RSAPrivateKey)
        return kept
    key = _fresh_key()
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".fresh")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    half.write_bytes(written)
    half.replace(path)
    return key


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _self_signed(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.local")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
