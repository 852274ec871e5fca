"""Signatures of our own webhooks, so that subscribers know who calls. Pure.

As Standard Webhooks 1.0.0 has it: HMAC-SHA256 over `{id}.{timestamp}.{body}`, and secrets that
begin with `whsec_`, so that existing libraries verify it.

No secret is stored. Each is derived from a signing key, the subscriber and the number of its
version, as HKDF expands a key (RFC 5869, 2.3, the one block that is needed). The key is random
already, so nothing has to be extracted from it first.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.kit.errors import Fault
from shared.platform.config import Config, Misconfigured
from shared.subscribers.types import SecretName

PREFIX = "whsec_"
LEAST_KEY_LENGTH = 32  # characters


class UnknownKey(Fault):
    """A secret was derived from a signing key that is not among ours any more."""

    code = "unknown_signing_key"


class Keyring:
    """The signing keys, newest first; several only while one is replaced."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {_id(key.encode()): key.encode() for key in keys}

    @property
    def newest_id(self) -> str:
        """The id of the key that new secrets are derived from."""
        return next(iter(self._keys))

    def secret(self, subscriber_id: str, name: SecretName) -> bytes:
        """A subscriber's secret, 32 bytes.

        Raises:
            UnknownKey: it was derived from a key that is not here.
        """
        if name.key_id not in self._keys:
            raise UnknownKey(
                "the key that the subscriber's secret is derived from is not set",
                subscriber_id=subscriber_id,
                key_id=name.key_id,
            )
        info = f"dispatch webhook/{subscriber_id}/{name.version}".encode()
        return hmac.digest(self._keys[name.key_id], info + b"\x01", "sha256")

    def signing(self, subscriber_id: str, names: Sequence[SecretName]) -> Sequence[bytes]:
        """The secrets that sign, the newest first; raises as `secret` for that one.

        The older one is left out where its key is gone: whoever takes a key away means it.
        """
        newest, *older = names
        known = [name for name in older if name.key_id in self._keys]
        return [self.secret(subscriber_id, name) for name in (newest, *known)]


def keyring(config: Config) -> Keyring:
    """The signing keys of these settings.

    Raises:
        Misconfigured: there is none, or one that could be guessed.
    """
    text = config.webhook_signing_key
    keys = [] if text is None else [key.strip() for key in text.get_secret_value().split(",")]
    if not keys or min(map(len, keys)) < LEAST_KEY_LENGTH:
        raise Misconfigured(
            f"DISPATCH_WEBHOOK_SIGNING_KEY: needed for webhooks, {LEAST_KEY_LENGTH} or more"
            " characters that nobody can guess"
        )
    return Keyring(keys)


def shown(secret: bytes) -> str:
    """A secret as its subscriber gets it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(
    webhook_id: str, moment: datetime, body: bytes, secrets: Sequence[bytes]
) -> Mapping[str, str]:
    """The headers that prove the sender; one signature a secret."""
    timestamp = str(int(moment.timestamp()))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(s).decode()}" for s in signatures),
    }


def _id(key: bytes) -> str:
    return hmac.digest(key, b"dispatch webhook key id", "sha256")[:4].hex()
