"""Google's Identity-Aware Proxy: who stands in front of a request that it let through.

The header is verified on every request: whoever reaches the function by another way has none.
Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from shared.kit.clock import Clock
from shared.platform.auth import Unauthenticated
from shared.platform.published_keys import PublishedKeys, certificates

HEADER = "X-Goog-IAP-JWT-Assertion"
ISSUER = "https://cloud.google.com/iap"
ALGORITHM = "ES256"


class IapVerifier:
    """Verifies the proxy's assertions; keeps its public keys."""

    def __init__(self, audience: str, keys_url: str, clock: Clock) -> None:
        """The audience names the service behind the proxy, as its console shows it."""
        self._audience = audience
        self._keys = PublishedKeys(keys_url, clock, certificates)

    def email(self, assertion: str | None) -> str:
        """The e-mail of whoever the proxy let through.

        Raises:
            Unauthenticated: there is no assertion, or not one of the proxy's for this service.
            KeysUnavailable: ask again later.
        """
        if not assertion:
            raise Unauthenticated("this is reached through the identity-aware proxy")
        from google.auth import exceptions, jwt  # noqa: PLC0415  35 ms; with the first assertion

        try:
            header = jwt.decode_header(assertion)  # type: ignore[no-untyped-call]
            if header.get("alg") != ALGORITHM:
                raise Unauthenticated("the assertion is not the proxy's")
            keys = self._keys.including(header.get("kid"))
            claims = jwt.decode(assertion, keys, audience=self._audience)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, exceptions.GoogleAuthError):
            # TypeError: a stranger may put a list where a key's name belongs.
            raise Unauthenticated("the assertion is not the proxy's") from None
        email = claims.get("email")
        if claims.get("iss") != ISSUER or not isinstance(email, str) or not email:
            raise Unauthenticated("the assertion is not the proxy's")
        # The proxy may say which namespace the address is of.
        return email.rpartition(":")[2].lower()
