"""The proxy's word counts when it is the proxy's, for this service, and of now."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import jwt
from google.auth.crypt import es256

from shared.kit.clock import utc_now
from shared.platform.auth import Unauthenticated
from shared.platform.iap import IapVerifier
from tests.platform.issuer import Key
from tests.support.loopback import Answer, listening

AUDIENCE = "/projects/1/locations/europe-west1/services/ops"


class Proxy:
    """Signs assertions with a key of its own, and publishes the public half."""

    def __init__(self) -> None:
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self._signer = es256.ES256Signer.from_string(pem, key_id="k1")
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.document = {"k1": public.decode()}
        self.url = ""

    def assertion(self, **others: Any) -> str:
        """A good assertion, but for the claims that are given here (None: left out)."""
        now_s = int(time.time())
        claims = {
            "iss": "https://cloud.google.com/iap",
            "aud": AUDIENCE,
            "email": "Ada@example.org",
            "iat": now_s,
            "exp": now_s + 600,
            **others,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self._signer, kept).decode()  # type: ignore[no-any-return, no-untyped-call]


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    made = Proxy()

    with listening(lambda _: Answer(200, json.dumps(made.document).encode())) as address:
        made.url = f"{address}/"
        yield made


def test_whoever_the_proxy_lets_through_is_known_by_their_e_mail(proxy: Proxy) -> None:
    verifier = IapVerifier(AUDIENCE, proxy.url, utc_now)

    assert verifier.email(proxy.assertion()) == "ada@example.org"
    named = proxy.assertion(email="accounts.google.com:ada@example.org")
    assert verifier.email(named) == "ada@example.org"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "/projects/1/locations/europe-west1/services/other"},
        {"iss": "https://accounts.google.com"},
        {"exp": 1},
        {"iat": None},
        {"email": None},
        {"email": ["ada@example.org"]},
    ],
)
def test_a_word_for_another_or_of_another_time_is_none(
    proxy: Proxy, claims: dict[str, Any]
) -> None:
    verifier = IapVerifier(AUDIENCE, proxy.url, utc_now)

    with pytest.raises(Unauthenticated):
        verifier.email(proxy.assertion(**claims))


def test_only_the_proxys_own_signature_counts(proxy: Proxy) -> None:
    # Goal: a token that Google signs for anything else, or that nobody signs, opens nothing.
    verifier = IapVerifier(AUDIENCE, proxy.url, utc_now)
    good = proxy.assertion()
    of_another = Key("k1").token(aud=AUDIENCE, iss="https://cloud.google.com/iap")

    for word in (None, "", "nonsense", "a.b.c", good[:-4] + "AAAA", of_another):
        with pytest.raises(Unauthenticated):
            verifier.email(word)
