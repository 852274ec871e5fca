"""EasyPost's signature, against the vendor's own vector and every way to get it wrong."""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.signatures import BadSignature, Sent, Trust
from shared.tracking.vendors.easypost import EASYPOST

# EasyPost's published example, official/fixtures/event-body.json of EasyPost/examples, and the
# secret and signature of their clients' tests.
BODY = (Path(__file__).parent / "fixtures" / "easypost_event.json").read_bytes().rstrip(b"\n")
SECRET = "sécret"
HEADER = "hmac-sha256-hex=38f3f53c103713df81616a0a186d77141957323ec21d5fe9363db93840f527db"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def verify_easypost(body: bytes, header: str | None, secrets: Sequence[str]) -> None:
    """EasyPost's scheme on this body and header."""
    headers = {} if header is None else {"X-Hmac-Signature": header}
    EASYPOST.scheme.verify(Sent(body, headers.get, NOW), Trust(tuple(secrets)))


def test_the_official_vector_is_accepted() -> None:
    assert len(BODY) == 3_550

    verify_easypost(BODY, HEADER, [SECRET])


def test_both_unicode_forms_of_the_secret_are_one_secret() -> None:
    verify_easypost(BODY, HEADER, ["se\u0301cret"])


@pytest.mark.parametrize("secrets", [["new", SECRET], [SECRET, "old"], ["", SECRET]])
def test_any_of_several_secrets_is_enough_while_one_replaces_the_other(secrets: list[str]) -> None:
    verify_easypost(BODY, HEADER, secrets)


@given(position=st.integers(min_value=0, max_value=len(BODY) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_of_the_body_is_refused(position: int, bit: int) -> None:
    tampered = bytearray(BODY)
    tampered[position] ^= 1 << bit

    with pytest.raises(BadSignature):
        verify_easypost(bytes(tampered), HEADER, [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        HEADER.removeprefix("hmac-sha256-hex="),
        HEADER.upper(),
        HEADER + " ",
        HEADER[:-1],
        HEADER[:-1] + "é",
        "hmac-sha256-hex=",
        "\udcff",
    ],
)
def test_a_header_that_is_almost_right_is_refused(header: str) -> None:
    with pytest.raises(BadSignature) as caught:
        verify_easypost(BODY, header, [SECRET])

    assert caught.value.reason == "mismatch"


@pytest.mark.parametrize("header", [None, ""])
def test_a_missing_header_is_refused(header: str | None) -> None:
    with pytest.raises(BadSignature) as caught:
        verify_easypost(BODY, header, [SECRET])

    assert caught.value.reason == "missing"


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_everything_is_refused(secrets: list[str]) -> None:
    # Goal: a signature made with the empty key, which anybody can make, must not pass.
    forged = "hmac-sha256-hex=" + hmac.digest(b"", BODY, "sha256").hex()

    with pytest.raises(BadSignature) as caught:
        verify_easypost(BODY, forged, secrets)

    assert caught.value.reason == "no_secret"


def test_an_empty_secret_beside_a_real_one_opens_nothing() -> None:
    forged = "hmac-sha256-hex=" + hmac.digest(b"", BODY, "sha256").hex()

    with pytest.raises(BadSignature):
        verify_easypost(BODY, forged, [SECRET, ""])
