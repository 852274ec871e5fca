"""Vendors' webhooks: signed, kept raw once, answered at once; everything else is turned away."""

import hmac
import json
import unicodedata
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import wiring
from shared.edge.hooks import MAX_BODY_BYTES, Hook
from shared.platform.db import Database
from shared.platform.published_keys import KeysUnavailable
from shared.platform.signatures import Trust
from shared.tracking.vendors.table import VENDORS
from tests.edge.serving import Caller, function
from tests.platform.doubles import RecordingTopics
from tests.support import given

# The vendor's published example with its secret and signature; see tests/tracking.
FIXTURES = Path(__file__).parents[1] / "tracking" / "fixtures"
VECTOR = (FIXTURES / "easypost_event.json").read_bytes().rstrip(b"\n")
SECRET = "sécret"
SIGNATURE = "hmac-sha256-hex=38f3f53c103713df81616a0a186d77141957323ec21d5fe9363db93840f527db"
EASYPOST_HEADER = "X-Hmac-Signature"
KEPT = "SELECT count(*) FROM carrier_updates"


@pytest.fixture
def webhook(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    hooks = {name: Hook(vendor, Trust()) for name, vendor in VENDORS.items()}
    hooks["easypost"] = Hook(VENDORS["easypost"], Trust((SECRET,)))
    monkeypatch.setattr(wiring, "hooks", lambda: hooks)
    return function("tracking_webhook")


def signed(body: bytes) -> str:
    key = unicodedata.normalize("NFKD", SECRET).encode()
    return "hmac-sha256-hex=" + hmac.digest(key, body, "sha256").hex()


def send(
    client: FlaskClient, body: bytes, signature: str | None = None, path: str = "/easypost"
) -> TestResponse:
    headers = {"Content-Type": "application/json", EASYPOST_HEADER: signature or signed(body)}
    return client.post(path, data=body, headers=headers)


def test_the_vendors_own_vector_is_kept_raw_and_announced(
    webhook: FlaskClient, database: Database, topics: RecordingTopics
) -> None:
    answer = send(webhook, VECTOR, SIGNATURE)

    assert (answer.status_code, answer.data) == (204, b"")
    assert given.rows(database, "SELECT vendor, body FROM carrier_updates") == [
        ("easypost", VECTOR.decode())
    ]
    ((topic, key, body),) = topics.sent
    assert (topic, key) == ("carrier-updates", json.loads(VECTOR)["result"]["tracking_code"])
    assert json.loads(body)["vendor"] == "easypost"


def test_the_same_body_again_is_kept_and_announced_once(
    webhook: FlaskClient, database: Database, topics: RecordingTopics
) -> None:
    for _ in range(3):
        assert send(webhook, VECTOR, SIGNATURE).status_code == 204

    assert given.rows(database, KEPT) == [(1,)]
    assert len(topics.sent) == 1


@pytest.mark.parametrize("signature", ["hmac-sha256-hex=00", "x", SIGNATURE.upper()])
def test_a_wrong_signature_is_turned_away_and_nothing_is_kept(
    webhook: FlaskClient, database: Database, signature: str
) -> None:
    answer = send(webhook, VECTOR, signature)

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "bad_signature"
    assert "mismatch" not in answer.text
    assert given.rows(database, KEPT) == [(0,)]


def test_without_a_signature_nothing_is_kept(webhook: FlaskClient, database: Database) -> None:
    assert webhook.post("/easypost", data=VECTOR).status_code == 401
    assert given.rows(database, KEPT) == [(0,)]


def test_the_signature_is_checked_before_the_body_is_read(webhook: FlaskClient) -> None:
    # Goal: a stranger learns nothing about what we would have liked to see.
    assert send(webhook, b"not json", "x").status_code == 401


@pytest.mark.parametrize("path", ["/", "/fedex", "/easypost/more", "/EASYPOST"])
def test_an_unknown_vendor_is_not_found(webhook: FlaskClient, path: str) -> None:
    assert send(webhook, VECTOR, SIGNATURE, path).status_code == 404


def test_only_post_is_taken(webhook: FlaskClient) -> None:
    assert webhook.get("/easypost").status_code == 404


def test_a_huge_body_is_refused_before_it_is_read(webhook: FlaskClient, database: Database) -> None:
    answer = send(webhook, b" " * (MAX_BODY_BYTES + 1))

    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
    assert given.rows(database, KEPT) == [(0,)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", ""),
        (b"{}", "description"),
        (b'{"description": "tracker.updated"}', "result"),
        (
            VECTOR.replace(b'"datetime":"2024-07-31T15:00:00Z"', b'"datetime":"yesterday"'),
            "result.tracking_details.0.datetime",
        ),
    ],
)
def test_a_signed_body_that_cannot_be_used_gets_a_problem_document_that_names_the_field(
    webhook: FlaskClient,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    body: bytes,
    field: str,
) -> None:
    answer = send(webhook, body)

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert (problem["status"], problem["code"], problem["field"]) == (400, "malformed", field)
    assert problem["type"] == "urn:dispatch:problem:malformed"
    assert given.rows(database, KEPT) == [(0,)]
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line[fact] for fact in ("message", "vendor", "reason", "field")] == [
        *("hook.malformed", "easypost", "malformed"),
        field,
    ]


def test_an_event_about_something_else_is_taken_and_forgotten(
    webhook: FlaskClient, database: Database
) -> None:
    assert send(webhook, b'{"description": "batch.created"}').status_code == 204
    assert given.rows(database, KEPT) == [(0,)]


def test_a_nul_character_in_a_tracking_code_is_malformed(webhook: FlaskClient) -> None:
    body = json.loads(VECTOR)
    body["result"]["tracking_code"] = "EZ\0"

    assert send(webhook, json.dumps(body).encode()).status_code == 400


def test_a_huge_body_that_does_not_say_its_length_is_refused_too(
    webhook: FlaskClient, database: Database
) -> None:
    answer = webhook.post(
        "/easypost",
        input_stream=BytesIO(b" " * (MAX_BODY_BYTES + 1)),
        headers={EASYPOST_HEADER: SIGNATURE, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )

    assert answer.status_code == 413
    assert given.rows(database, KEPT) == [(0,)]


def test_while_a_vendors_keys_cannot_be_fetched_it_is_asked_to_send_again(
    webhook: FlaskClient, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(_key_id: str) -> None:
        raise KeysUnavailable("not now", retry_after_s=10)

    hooks = wiring.hooks()
    assert isinstance(hooks, dict)
    hooks["shipengine"] = Hook(VENDORS["shipengine"], Trust(public_key=unavailable))
    headers = {
        "x-shipengine-rsa-sha256-signature": "AAAA",
        "x-shipengine-rsa-sha256-key-id": "any",
        "x-shipengine-timestamp": database.now().isoformat(),
    }

    answer = webhook.post("/shipengine", data=b"{}", headers=headers)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["severity"], line["message"], line["reason"]) == (
        "WARNING",
        "hook.refused",
        "keys_unavailable",
    )
