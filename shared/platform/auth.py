"""Who is calling: the OIDC tokens of Pub/Sub, Cloud Tasks, Cloud Scheduler and other machines.

Cloud Run checks the caller's IAM role before the request reaches us; this is the second lock, and
the only one on a laptop. Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from google.auth import exceptions, jwt

from shared.kit.clock import Clock
from shared.kit.errors import NotYet, Rejected
from shared.platform.config import Config

ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
CERTS_KEPT = timedelta(hours=1)  # Google rotates its keys every few days and says so hours ahead
CERTS_TIMEOUT_S = 5.0
UNKNOWN_KEY_PAUSE = timedelta(seconds=10)  # a stranger's key must not make us ask at every call


class Unauthenticated(Rejected):
    """There is no valid token, or it is not for us or not from whom we let in."""

    code = "unauthenticated"


class CertificatesUnavailable(NotYet):
    """The issuer's certificates cannot be fetched."""

    code = "certificates_unavailable"


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in: whom a token must be made for, and the e-mails of the accounts that may call.

    Without callers nobody is.
    """

    audience: str
    callers: frozenset[str]


class Verifier:
    """Verifies tokens; keeps the issuer's certificates."""

    def __init__(self, config: Config, clock: Clock, door: Door | None = None) -> None:
        """The usual door is the one for Google's services, which all sign as one account."""
        self._door = door or Door(config.oidc_audience, frozenset({config.oidc_caller}))
        self._certs_url = config.oidc_certs_url
        self._clock = clock
        self._lock = threading.Lock()
        self._certs: Mapping[str, str] = {}
        self._fetched_at: datetime | None = None

    def verify(self, authorization: str | None) -> str:
        """Accept the request's Authorization header and return the caller's e-mail, or raise.

        Raises:
            Unauthenticated: for any reason; which one is not for a stranger to know.
            CertificatesUnavailable: ask again later.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("a bearer token is needed")
        try:
            key_id = jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
            certs = self._certs_for(key_id)
            claims = jwt.decode(token, certs, audience=self._door.audience)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, exceptions.GoogleAuthError):
            # TypeError: a stranger may put a list where a key's name or the algorithm belongs.
            raise Unauthenticated("the token is not valid here") from None
        caller = claims.get("email")
        if (
            claims.get("iss") not in ISSUERS
            or not isinstance(caller, str)
            or caller not in self._door.callers
            or claims.get("email_verified") is not True
        ):
            raise Unauthenticated("the token is not valid here")
        return caller

    def _certs_for(self, key_id: object) -> Mapping[str, str]:
        with self._lock:
            if self._is_stale(key_id):
                try:
                    answer = requests.get(self._certs_url, timeout=CERTS_TIMEOUT_S)
                    answer.raise_for_status()
                    self._certs = answer.json()
                except requests.RequestException:
                    raise CertificatesUnavailable("no certificates to verify a token") from None
                self._fetched_at = self._clock()
            return self._certs

    def _is_stale(self, key_id: object) -> bool:
        if self._fetched_at is None:
            return True
        kept_for = CERTS_KEPT if key_id in self._certs else UNKNOWN_KEY_PAUSE
        return self._clock() - self._fetched_at >= kept_for
