"""Who really sent this? Signatures of webhooks, checked over the raw bytes of the body.

One function per scheme. All are pure, compare in constant time, try every secret so that one can
be replaced while the vendor still signs with the old one, and refuse when no secret is set. Verify
before parsing: a body that was decoded and encoded again is no longer what was signed.
"""

import hmac
import unicodedata
from collections.abc import Sequence

from shared.kit.errors import Rejected

EASYPOST_HEADER = "X-Hmac-Signature"
_EASYPOST_PREFIX = b"hmac-sha256-hex="


class BadSignature(Rejected):
    """Nothing proves that the vendor sent this body.

    `reason` is for counting and logs: `no_secret`, `missing` or `mismatch`. A caller on the
    internet learns none of it.
    """

    code = "bad_signature"

    def __init__(self, reason: str) -> None:
        super().__init__("the signature does not prove the sender", reason=reason)
        self.reason = reason


def verify_easypost(body: bytes, header: str | None, secrets: Sequence[str]) -> None:
    """Check EasyPost's `X-Hmac-Signature: hmac-sha256-hex=<hex>`.

    Args:
        body: the raw request body, exactly as received.
        header: the header's value; None when it is absent.
        secrets: the secrets that are valid now, newest first; an empty string never matches.

    Raises:
        BadSignature: no usable secret, no header, or no secret that gives this signature.

    Source: easypost-python, easypost/util.py, `validate_webhook`: HMAC-SHA256 over the body, keyed
    with the secret in Unicode form NFKD, UTF-8.
    """
    keys = [unicodedata.normalize("NFKD", secret).encode() for secret in secrets if secret]
    if not keys:
        raise BadSignature("no_secret")
    if not header:
        raise BadSignature("missing")
    given = header.encode(errors="replace")
    wanted = (_EASYPOST_PREFIX + hmac.digest(key, body, "sha256").hex().encode() for key in keys)
    # Every secret is tried: stopping at the first match would tell by time which one it was.
    matches = [hmac.compare_digest(given, signature) for signature in wanted]
    if not any(matches):
        raise BadSignature("mismatch")
