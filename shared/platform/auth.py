"""Who is calling: the OIDC tokens of Pub/Sub, Cloud Tasks, Cloud Scheduler and other machines.

Cloud Run checks the caller's IAM role before the request reaches us; this is the second lock, and
the only one on a laptop. Source: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
"""

from typing import NamedTuple

from shared.kit.clock import Clock
from shared.kit.errors import Rejected
from shared.platform.config import Config
from shared.platform.published_keys import PublishedKeys, certificates

ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})


class Unauthenticated(Rejected):
    """There is no valid token, or it is not for us or not from whom we let in."""

    code = "unauthenticated"


class Door(NamedTuple):
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
        self._certs = PublishedKeys(config.oidc_certs_url, clock, certificates)

    def verify(self, authorization: str | None) -> str:
        """Accept the request's Authorization header and return the caller's e-mail, or raise.

        Raises:
            Unauthenticated: for any reason; which one is not for a stranger to know.
            KeysUnavailable: ask again later.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("a bearer token is needed")
        from google.auth import exceptions, jwt  # noqa: PLC0415  35 ms; with the first token

        try:
            key_id = jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
            certs = self._certs.including(key_id)
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
