"""Which machines may use the API is a setting of its own."""

from collections.abc import Iterator

import pytest

from shared import wiring
from shared.platform.auth import Unauthenticated, Verifier
from tests.platform.issuer import AUDIENCE as INTERNAL_AUDIENCE
from tests.platform.issuer import CALLER, Issuer, serving
from tests.support.database import settings

SHOP = "shop@example.iam.gserviceaccount.com"
NOWHERE = "postgresql+pg8000://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as running:
        yield running


def door(monkeypatch: pytest.MonkeyPatch, issuer: Issuer, **others: str) -> Verifier:
    found = settings(NOWHERE, oidc_certs_url=issuer.url, **others)
    monkeypatch.setattr(wiring, "config", lambda: found)
    return wiring.api_verifier.__wrapped__()


def let_in(verifier: Verifier, token: str) -> str | None:
    try:
        return verifier.verify(f"Bearer {token}")
    except Unauthenticated:
        return None


def test_the_named_callers_are_let_in_and_known_by_their_names(
    monkeypatch: pytest.MonkeyPatch, issuer: Issuer
) -> None:
    verifier = door(
        monkeypatch, issuer, api_audience="https://api.test", api_callers=f"x@example.org, {SHOP}"
    )

    assert let_in(verifier, issuer.token(aud="https://api.test", email=SHOP)) == SHOP
    assert let_in(verifier, issuer.token(aud=INTERNAL_AUDIENCE, email=SHOP)) is None
    assert let_in(verifier, issuer.token(aud="https://api.test", email=CALLER)) is None
    assert let_in(verifier, issuer.token(aud="https://api.test", email=[SHOP])) is None


@pytest.mark.parametrize("callers", ["", ",", " "])
def test_without_callers_nobody_is_let_in(
    monkeypatch: pytest.MonkeyPatch, issuer: Issuer, callers: str
) -> None:
    verifier = door(monkeypatch, issuer, api_callers=callers)

    assert let_in(verifier, issuer.token(email=CALLER)) is None
    assert let_in(verifier, issuer.token(email="")) is None


def test_without_an_audience_of_its_own_the_usual_one_counts(
    monkeypatch: pytest.MonkeyPatch, issuer: Issuer
) -> None:
    verifier = door(monkeypatch, issuer, api_callers=SHOP)

    assert let_in(verifier, issuer.token(email=SHOP)) == SHOP
