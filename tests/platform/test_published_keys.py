"""Keys that others publish: fetched when they must be, and kept while they may be."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.platform.published_keys import (
    KEPT,
    UNKNOWN_KEY_PAUSE,
    KeysUnavailable,
    PublishedKeys,
    rsa_keys,
)
from tests.support.clock import TestClock
from tests.support.loopback import Answer, Request, listening


class Publisher:
    """Serves a document; counts how often; waits for `go` before it answers."""

    def __init__(self) -> None:
        self.document: object = {"old": "1"}
        self.status = 200
        self.asked = 0
        self.go = Event()
        self.go.set()
        self.url = ""


@contextmanager
def publishing() -> Iterator[Publisher]:
    """On a free port of loopback."""
    publisher = Publisher()

    def answer(_request: Request) -> Answer:
        publisher.asked += 1
        publisher.go.wait(timeout=10)
        return Answer(publisher.status, json.dumps(publisher.document).encode())

    with listening(answer) as address:
        publisher.url = f"{address}/keys"
        try:
            yield publisher
        finally:
            publisher.go.set()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as running:
        yield running


def read(document: object) -> dict[str, str]:
    match document:
        case dict():
            return document
        case _:
            raise ValueError("not keys")


@pytest.fixture
def keys(publisher: Publisher, clock: TestClock) -> PublishedKeys[str]:
    return PublishedKeys(publisher.url, clock, read)


def test_keys_are_fetched_once_and_anew_after_an_hour(
    publisher: Publisher, clock: TestClock, keys: PublishedKeys[str]
) -> None:
    assert [keys.get("old") for _ in range(3)] == ["1"] * 3
    assert publisher.asked == 1

    publisher.document = {"new": "2"}
    clock.now += KEPT

    assert (keys.get("old"), keys.get("new")) == (None, "2")
    assert publisher.asked == 2


def test_a_new_key_is_found_and_a_stranger_cannot_make_us_ask_all_the_time(
    publisher: Publisher, clock: TestClock, keys: PublishedKeys[str]
) -> None:
    assert [keys.get("unheard-of") for _ in range(5)] == [None] * 5
    assert publisher.asked == 1

    publisher.document = {"old": "1", "new": "2"}
    assert keys.get("new") is None
    clock.now += UNKNOWN_KEY_PAUSE
    assert keys.get("new") == "2"
    assert publisher.asked == 2


@pytest.mark.parametrize("document", [None, [], "x"])
def test_a_document_that_is_none_of_keys_is_as_if_there_was_no_answer(
    publisher: Publisher, keys: PublishedKeys[str], document: object
) -> None:
    publisher.document = document
    with pytest.raises(KeysUnavailable):
        keys.get("old")
    publisher.document = {"old": "1"}

    assert keys.get("old") == "1"


def test_while_the_publisher_is_down_what_is_kept_is_good_for_its_hour_and_no_longer(
    publisher: Publisher, clock: TestClock, keys: PublishedKeys[str]
) -> None:
    keys.get("old")
    publisher.status = 503
    clock.now += UNKNOWN_KEY_PAUSE

    with pytest.raises(KeysUnavailable):
        keys.get("new")
    asked = publisher.asked
    with pytest.raises(KeysUnavailable):  # at once, without asking
        keys.get("new")
    assert publisher.asked == asked
    assert keys.get("old") == "1"

    clock.now += KEPT
    with pytest.raises(KeysUnavailable):
        keys.get("old")


def test_a_key_that_is_kept_does_not_wait_for_the_fetch_of_another(
    publisher: Publisher, clock: TestClock, keys: PublishedKeys[str]
) -> None:
    keys.get("old")
    clock.now += UNKNOWN_KEY_PAUSE
    publisher.go.clear()

    with ThreadPoolExecutor(max_workers=4) as pool:
        strangers = [pool.submit(keys.get, "unheard-of") for _ in range(3)]
        assert keys.get("old") == "1"
        publisher.go.set()
        assert [stranger.result() for stranger in strangers] == [None] * 3

    assert publisher.asked == 2  # those who waited took what the first was told


def jwk(bits: int = 2_048, **changes: Any) -> dict[str, Any]:
    numbers = rsa.generate_private_key(65_537, bits).public_key().public_numbers()
    n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "kid": "k", "e": "AQAB", "n": _base64url(n), **changes}


def _base64url(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).decode().rstrip("=")


def test_the_rsa_keys_of_a_set_are_read_and_whatever_is_odd_beside_them_is_not() -> None:
    odd = [
        jwk(1_024, kid="short"),
        jwk(kid=7),
        jwk(kty="EC", kid="curve"),
        jwk(n="!", kid="no-number"),
        jwk(n="AQ", kid="one"),
        {"kty": "RSA"},
        None,
        "key",
    ]

    assert list(rsa_keys({"keys": [*odd, jwk(kid="good")]})) == ["good"]
    assert rsa_keys({"keys": []}) == {}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": None}, "keys"])
def test_what_is_no_set_of_keys_is_said(document: object) -> None:
    with pytest.raises(ValueError, match="JWK"):
        rsa_keys(document)
