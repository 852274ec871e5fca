"""Public keys that others publish under an address: fetched, kept for an hour, found by their id.

What is fetched here is fetched in answer to a request, so there are limits: how long a fetch may
take, and how often a stranger's key id can make us ask.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.kit.clock import Clock
from shared.kit.errors import NotYet
from shared.platform.http import BadUrl, Http, NoAnswer, Reach

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEPT = timedelta(hours=1)  # keys are replaced every few days, and the next is there hours ahead
UNKNOWN_KEY_PAUSE = timedelta(seconds=10)  # a stranger's key must not make us ask at every call
FETCH_TIMEOUT_S = 5.0
_MOST_BYTES = 1_000_000  # of a document of keys: a hundred times what anybody publishes
# The addresses are settings of ours.
_HTTP = Http(Reach.ANYWHERE, timeout_s=FETCH_TIMEOUT_S, most_bytes=_MOST_BYTES)
_LEAST_KEY_BITS = 2_048

Key = TypeVar("Key")


class KeysUnavailable(NotYet):
    """The keys cannot be fetched just now."""

    code = "keys_unavailable"


class PublishedKeys(Generic[Key]):
    """The keys under one address, by their ids."""

    def __init__(self, url: str, clock: Clock, read: Callable[[object], Mapping[str, Key]]) -> None:
        """`read` takes the JSON document that is found there; ValueError: it is none of keys."""
        self._url = url
        self._clock = clock
        self._read = read
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._has_failed = False  # whether we asked in vain the last time

    def including(self, key_id: object) -> Mapping[str, Key]:
        """All keys, fetched anew where this one is not among them or they have been kept long.

        A key that is kept waits for nobody's fetch of another.

        Raises:
            KeysUnavailable: they were asked for in vain, now or a moment ago.
        """
        if self._is_kept(key_id):
            return self._keys
        asked_at = self._asked_at
        if self._may_ask():
            with self._lock:
                if self._asked_at is asked_at:  # nobody else has asked while we waited
                    self._ask()
        if self._has_failed:
            raise KeysUnavailable(
                "the keys that would prove the sender cannot be fetched",
                retry_after_s=UNKNOWN_KEY_PAUSE // timedelta(seconds=1),
            )
        return self._keys

    def get(self, key_id: str) -> Key | None:
        """The key of this id, None where there is none; raises KeysUnavailable as `including`."""
        return self.including(key_id).get(key_id)

    def _is_kept(self, key_id: object) -> bool:
        is_recent = self._fetched_at is not None and self._clock() - self._fetched_at < KEPT
        return is_recent and key_id in self._keys

    def _may_ask(self) -> bool:
        if self._fetched_at is None or self._asked_at is None:
            return True
        return self._clock() - self._asked_at >= UNKNOWN_KEY_PAUSE

    def _ask(self) -> None:
        try:
            answer = _HTTP.get(self._url)
            if answer.is_good:
                self._keys = self._read(json.loads(answer.body))
                self._fetched_at = self._clock()
            self._has_failed = not answer.is_good
        except (BadUrl, NoAnswer, ValueError):
            self._has_failed = True
        finally:
            self._asked_at = self._clock()


def certificates(document: object) -> dict[str, str]:
    """Google's certificates: PEM by key id.

    Raises:
        ValueError: it is no such document.
    """
    match document:
        case dict():
            return {key_id: pem for key_id, pem in document.items() if isinstance(pem, str)}
        case _:
            raise ValueError("not certificates by key id")


def rsa_keys(document: object) -> "dict[str, RSAPublicKey]":
    """The RSA keys of a JWK set, by `kid`; others, and those too short to prove anything, are not.

    Raises:
        ValueError: it is no JWK set.

    Source: RFC 7517 section 5, RFC 7518 section 6.3.1.
    """
    match document:
        case {"keys": list(entries)}:
            return dict(filter(None, map(_rsa_key, entries)))
        case _:
            raise ValueError("not a JWK set")


def _rsa_key(entry: object) -> "tuple[str, RSAPublicKey] | None":
    from cryptography.hazmat.primitives.asymmetric.rsa import (  # noqa: PLC0415  with the first key
        RSAPublicNumbers,
    )

    match entry:
        case {"kty": "RSA", "kid": str(key_id), "n": str(modulus), "e": str(exponent)}:
            try:
                key = RSAPublicNumbers(_number(exponent), _number(modulus)).public_key()
            except ValueError:
                return None  # the others may be good
            return (key_id, key) if key.key_size >= _LEAST_KEY_BITS else None
        case _:
            return None


def _number(text: str) -> int:
    padded = text + "=" * (-len(text) % 4)
    return int.from_bytes(base64.urlsafe_b64decode(padded), "big")
