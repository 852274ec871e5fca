"""Who really sent this? Signatures of webhooks, checked over the raw bytes of the body.

One class per scheme; a vendor is a scheme with its names of headers. All of them compare in
constant time, try every secret so that one can be replaced while the vendor still signs with the
old one, and refuse when nothing is known that could prove the sender. Where the vendor signs a
moment too, it must be a recent one, and none of the future. Verify before parsing: a body that was
decoded and encoded again is no longer what was signed.
"""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from shared.kit.errors import Rejected

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

TOLERANCE = timedelta(minutes=5)  # as Stripe's and ShipEngine's clients have it
_MOST_SIGNATURES = 8  # in one header; a vendor that replaces its secret sends two
_UNIX_S = re.compile(r"[0-9]{1,11}")

Algorithm = Literal["sha256", "sha384", "sha512"]
Encoding = Literal["hex", "base64"]
Clockwork = Literal["unix", "iso"]
Reason = Literal[
    "no_secret",
    "no_keys",
    "missing",
    "mismatch",
    "unknown_key",
    "no_moment",
    "stale",
    "from_the_future",
]


class BadSignature(Rejected):
    """Nothing proves that the vendor sent this body, or sent it now.

    `reason` is for counting and logs. A caller on the internet learns none of it.
    """

    code = "bad_signature"

    def __init__(self, reason: Reason) -> None:
        super().__init__("the signature does not prove the sender", reason=reason)
        self.reason = reason


class Sent(NamedTuple):
    """A request as it came.

    Attributes:
        body: the raw body, exactly as received.
        header: gives a header's value whatever its case, or None where it is absent.
        received_at: when it came, UTC.
    """

    body: bytes
    header: Callable[[str], str | None]
    received_at: datetime


class Trust(NamedTuple):
    """By what a vendor is recognised.

    Attributes:
        secrets: those that are valid now, newest first; an empty string never matches.
        public_key: finds the vendor's public key of this id, None where it has none.
    """

    secrets: tuple[str, ...] = ()
    public_key: "Callable[[str], RSAPublicKey | None] | None" = None


class Scheme(Protocol):
    """How a vendor signs."""

    def can_verify(self, trust: Trust) -> bool:
        """Whether `trust` holds what this scheme proves a sender by; else it refuses everything."""

    def verify(self, sent: Sent, trust: Trust) -> None:
        """Raise BadSignature unless `sent` is what somebody trusted has signed."""


@dataclass(frozen=True, slots=True)
class _BySecret:
    header: str

    def can_verify(self, trust: Trust) -> bool:
        """A secret that is not empty is needed."""
        return any(trust.secrets)


@dataclass(frozen=True, slots=True)
class Hmac(_BySecret):
    """An HMAC of the body in a header, or of `{moment}.{body}` where a header holds the moment.

    Sources: easypost-python, easypost/util.py, `validate_webhook` (secret in Unicode form NFKD,
    which is the secret itself where it is ASCII); AfterShip, "Webhook signature" (base64).
    """

    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    moment_header: str | None = None
    moment_format: Clockwork = "unix"

    def verify(self, sent: Sent, trust: Trust) -> None:
        """Check it; see the class."""
        secrets = _secrets(trust)
        given = _needed(sent, self.header)
        message = sent.body
        moment = None
        if self.moment_header is not None:
            moment = _needed(sent, self.moment_header)
            message = _dotted(moment, sent.body)
        keys = [unicodedata.normalize("NFKD", secret).encode() for secret in secrets]
        digests = [hmac.digest(key, message, self.algorithm) for key in keys]
        _match([given], [self.prefix + _encoded(d, self.encoding) for d in digests])
        if moment is not None:
            _require_recent(moment, self.moment_format, sent.received_at)


@dataclass(frozen=True, slots=True)
class StampedHmac(_BySecret):
    """`t=<unix>,v1=<hex>`, perhaps several v1: HMAC-SHA256 of `{t}.{body}`, as Stripe's.

    Source: Shippo's webhook security as five independent implementations quote it.
    """

    def verify(self, sent: Sent, trust: Trust) -> None:
        """Check it; see the class."""
        keys = _secrets(trust)
        pairs = [part.strip().partition("=") for part in _needed(sent, self.header).split(",")]
        moments = [value for name, _, value in pairs if name == "t"]
        given = [value for name, _, value in pairs if name == "v1"][:_MOST_SIGNATURES]
        if not moments or not given:
            raise BadSignature("missing")
        message = _dotted(moments[0], sent.body)
        _match(given, [hmac.digest(key.encode(), message, "sha256").hex() for key in keys])
        _require_recent(moments[0], "unix", sent.received_at)


@dataclass(frozen=True, slots=True)
class HashWithKey(_BySecret):
    """The SHA-256 of `{body}/{key}`, hexadecimal.

    A plain hash, but the key stands at the end, so nobody can lengthen what was signed.
    Source: 17TRACK API v2, "Signature", as four independent implementations agree.
    """

    def verify(self, sent: Sent, trust: Trust) -> None:
        """Check it; see the class."""
        keys = _secrets(trust)
        given = _needed(sent, self.header)
        _match([given], [hashlib.sha256(sent.body + b"/" + k.encode()).hexdigest() for k in keys])


class RsaSha256(NamedTuple):
    """RSASSA-PKCS1-v1_5 with SHA-256 of `{moment}.{body}`, base64; the key is named in a header.

    Source: ShipStation API, "Validating webhooks", as six independent implementations agree.
    """

    header: str
    key_id_header: str
    moment_header: str

    def can_verify(self, trust: Trust) -> bool:
        """The vendor's published keys are needed."""
        return trust.public_key is not None

    def verify(self, sent: Sent, trust: Trust) -> None:
        """Check it; see the class.

        Raises:
            BadSignature: as of any scheme.
            KeysUnavailable: the vendor's keys cannot be fetched just now.
        """
        given, key_id, moment = (
            _needed(sent, name) for name in (self.header, self.key_id_header, self.moment_header)
        )
        if trust.public_key is None:
            raise BadSignature("no_keys")
        # Before the key is looked for: what was kept from yesterday must not make us ask anybody.
        _require_recent(moment, "iso", sent.received_at)
        key = trust.public_key(key_id)
        if key is None:
            raise BadSignature("unknown_key")
        # Few vendors sign with a key: the others' reports need none of it.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        try:
            signature = base64.b64decode(given, validate=True)
            key.verify(signature, _dotted(moment, sent.body), PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            raise BadSignature("mismatch") from None


def _secrets(trust: Trust) -> list[str]:
    secrets = [secret for secret in trust.secrets if secret]
    if not secrets:
        raise BadSignature("no_secret")
    return secrets


def _needed(sent: Sent, name: str) -> str:
    value = sent.header(name)
    if not value:
        raise BadSignature("missing")
    return value


def _dotted(moment: str, body: bytes) -> bytes:
    return moment.encode(errors="replace") + b"." + body


def _encoded(digest: bytes, encoding: Encoding) -> str:
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def _match(given: Sequence[str], wanted: Sequence[str]) -> None:
    # Every pair is compared: stopping at the first match would tell by time which one it was.
    matches = [
        hmac.compare_digest(one.encode(errors="replace"), other.encode())
        for one in given
        for other in wanted
    ]
    if not any(matches):
        raise BadSignature("mismatch")


def _require_recent(moment: str, clockwork: Clockwork, now: datetime) -> None:
    signed_at = _moment(moment, clockwork)
    if signed_at is None:
        raise BadSignature("no_moment")
    if now - signed_at > TOLERANCE:
        raise BadSignature("stale")
    # As far ahead as behind: a moment of next year would make what was caught good until then.
    if signed_at - now > TOLERANCE:
        raise BadSignature("from_the_future")


def _moment(text: str, clockwork: Clockwork) -> datetime | None:
    if clockwork == "unix":
        if not _UNIX_S.fullmatch(text):
            return None
        return datetime.fromtimestamp(int(text), UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Without an offset it is UTC: that is what servers write.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
