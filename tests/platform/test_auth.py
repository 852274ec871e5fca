"""Who is calling: real RS256 tokens against a real certificate server."""

import base64
import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.errors import DispatchError
from shared.platform.auth import Unauthenticated, Verifier
from shared.platform.published_keys import KEPT, UNKNOWN_KEY_PAUSE, KeysUnavailable
from tests.platform.issuer import CALLER, Issuer, Key, serving
from tests.support.clock import TestClock
from tests.support.database import settings

NOWHERE = "postgresql+pg8000://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with serving() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    running.keys = running.keys[:1]
    running.asked = 0
    running.down = False
    return running


@pytest.fixture
def verifier(issuer: Issuer, clock: TestClock) -> Verifier:
    return Verifier(settings(NOWHERE, oidc_certs_url=issuer.url), clock)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_good_token_is_let_in_and_the_certificates_are_fetched_once(
    issuer: Issuer, verifier: Verifier
) -> None:
    for _ in range(3):
        verifier.verify(f"Bearer {issuer.token()}")
    verifier.verify(f"bearer {issuer.token(iss='accounts.google.com')}")

    assert issuer.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.test"},
        {"aud": None},
        {"email": "mallory@dispatch-test.iam.gserviceaccount.com"},
        {"email": CALLER.upper()},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"iss": "https://accounts.google.com.evil.test"},
        {"iss": None},
        {"iat": -7_200, "exp": -3_600},  # moments are seconds from now
        {"iat": 3_600, "exp": 7_200},
        {"exp": None},
    ],
    ids=lambda claims: ",".join(f"{name}={str(value)[:20]}" for name, value in claims.items()),
)
def test_a_token_with_a_wrong_claim_is_refused(
    issuer: Issuer, verifier: Verifier, claims: dict[str, object]
) -> None:
    now_s = int(time.time())
    said = {name: now_s + at if type(at) is int else at for name, at in claims.items()}

    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {issuer.token(**said)}")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer x", "Bearer a.b.c", "Bearer ..."],
)
def test_no_token_or_garbage_is_refused(verifier: Verifier, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(header)


def test_a_token_that_nobody_signed_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    head, claims, _ = issuer.token().split(".")
    for forged in (
        f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': 'first'})}.{claims}.",
        f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{claims}.AAAA",
        f"{head}.{claims}.",
        f"{head}.{claims}.AAAA",
    ):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {forged}")


def test_a_token_whose_claims_were_exchanged_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    head, _, signature = issuer.token(email="mallory@example.test").split(".")
    _, claims, _ = issuer.token().split(".")

    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {head}.{claims}.{signature}")


def test_a_token_signed_with_another_key_under_a_known_name_is_refused(
    verifier: Verifier,
) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {Key('first').token()}")


def test_a_new_key_is_found_when_the_issuer_begins_to_sign_with_it(
    issuer: Issuer, clock: TestClock, verifier: Verifier
) -> None:
    verifier.verify(f"Bearer {issuer.token()}")
    issuer.keys.append(Key("second"))
    clock.now += UNKNOWN_KEY_PAUSE

    verifier.verify(f"Bearer {issuer.token()}")

    assert issuer.asked == 2


def test_strangers_with_unknown_keys_cannot_make_us_ask_the_issuer_all_the_time(
    issuer: Issuer, verifier: Verifier
) -> None:
    stranger = Key("unheard-of")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {stranger.token()}")

    assert issuer.asked == 1


def test_a_key_that_the_issuer_withdrew_is_forgotten_in_time(
    issuer: Issuer, clock: TestClock, verifier: Verifier
) -> None:
    old = issuer.token()
    verifier.verify(f"Bearer {old}")
    issuer.keys = [Key("second")]
    try:
        clock.now += KEPT
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {old}")
    finally:
        issuer.keys = [Key("first")]


def test_without_certificates_nobody_can_be_judged_yet(issuer: Issuer, verifier: Verifier) -> None:
    issuer.down = True

    with pytest.raises(KeysUnavailable):
        verifier.verify(f"Bearer {issuer.token()}")
    issuer.down = False

    verifier.verify(f"Bearer {issuer.token()}")


@pytest.mark.parametrize("key_id", [["first"], {"a": 1}, 1, None, True])
def test_a_key_id_of_any_shape_is_only_an_unknown_key(
    issuer: Issuer, verifier: Verifier, key_id: object
) -> None:
    # Goal: the header is written by a stranger; whatever it holds must not become a fault of ours.
    head = segment({"alg": "RS256", "typ": "JWT", "kid": key_id})
    _, claims, _ = issuer.token().split(".")

    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {head}.{claims}.AAAA")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def patient(running: Issuer) -> Verifier:
    return Verifier(settings(NOWHERE, oidc_certs_url=running.url), TestClock())


@given(
    head=st.fixed_dictionaries({"alg": json_values | st.just("RS256"), "kid": json_values})
    | json_values,
    claims=json_values,
    signature=st.text(max_size=10),
)
def test_whatever_a_stranger_sends_is_refused_and_nothing_else_happens(
    patient: Verifier, head: object, claims: object, signature: str
) -> None:
    with pytest.raises(DispatchError) as caught:
        patient.verify(f"Bearer {segment(head)}.{segment(claims)}.{signature}")

    assert isinstance(caught.value, Unauthenticated)
