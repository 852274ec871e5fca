"""Pub/Sub pushes: each outcome of the table in shared/edge/pubsub.py, through real functions."""

import base64
import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from shared.contracts.orders import OrderCancelled, OrderSubmitted
from shared.contracts.parcels import CarrierUpdateReceived
from shared.edge import pubsub
from shared.kit.errors import DispatchError, Fault, NotYet, Rejected
from shared.platform.db import Database, DatabaseUnavailable
from tests.edge.serving import Caller, failing, function, served
from tests.flows import doubles, updates
from tests.flows.updates import received
from tests.platform.doubles import RecordingTopics
from tests.support import given

SUBMITTED = {"ce-type": OrderSubmitted.type, "ce-id": "evt_1", "ce-correlationid": "trail_1"}
LETTERS = "SELECT source, message_id, code, reason, attempts FROM dead_letters"


@pytest.fixture
def intake(caller: Caller) -> FlaskClient:
    return function("order_intake")


@pytest.fixture
def body(database: Database) -> bytes:
    given.catalogue(database, {"BER": {"MUG": 5}})
    return given.submitted("ord_1", {"MUG": 2}).encode()


def test_a_good_event_is_applied_acknowledged_and_what_it_announces_is_sent(
    caller: Caller, intake: FlaskClient, database: Database, topics: RecordingTopics, body: bytes
) -> None:
    answer = caller.push(intake, body, SUBMITTED)

    assert (answer.status_code, answer.data) == (204, b"")
    assert given.rows(database, "SELECT order_id, correlation_id FROM orders") == [
        ("ord_1", "trail_1")
    ]
    assert [(topic, key) for topic, key, _ in topics.sent] == [("order-events", "ord_1")]
    assert given.rows(database, "SELECT count(*) FROM outbox") == [(0,)]


def test_a_duplicate_is_acknowledged_whatever_its_message_id_and_changes_nothing(
    caller: Caller, intake: FlaskClient, database: Database, topics: RecordingTopics, body: bytes
) -> None:
    caller.push(intake, body, SUBMITTED, message_id="1")

    answer = caller.push(intake, body, SUBMITTED, message_id="2", attempt=2)

    assert answer.status_code == 204
    assert len(topics.sent) == 1
    assert given.rows(database, "SELECT count(*) FROM inbox") == [(1,)]


def test_a_refused_event_is_acknowledged_and_parked_with_reason_and_original(
    caller: Caller, intake: FlaskClient, database: Database, body: bytes
) -> None:
    unknown = given.submitted("ord_2", [("MUG", 1), ("GHOST", 1)]).encode()

    answer = caller.push(intake, unknown, SUBMITTED, attempt=3)

    assert answer.status_code == 204
    assert given.rows(database, LETTERS) == [
        (
            "order_intake-orders",
            "evt_1",
            "unknown_sku",
            "lines.1.sku: GHOST is not in the catalogue",
            3,
        )
    ]
    assert given.rows(database, "SELECT payload, attributes, correlation_id FROM dead_letters") == [
        (unknown, SUBMITTED, "trail_1")
    ]
    assert given.rows(database, "SELECT count(*) FROM inbox") == [(0,)]


@pytest.mark.parametrize(
    ("attributes", "data", "code", "field"),
    [
        (SUBMITTED, b"{not json", "malformed", ""),
        (SUBMITTED, b"", "malformed", ""),
        (SUBMITTED, b"\xff\xfe", "malformed", ""),
        (SUBMITTED, b'{"order_id": "ord_1"}', "malformed", "channel"),
        ({"ce-id": "evt_1"}, b"{}", "malformed", "ce-type"),
        ({"ce-type": OrderSubmitted.type}, b"{}", "malformed", "ce-id"),
        ({}, b"{}", "malformed", "ce-type"),
        (
            {**SUBMITTED, "ce-type": "channel.order.submitted.v9"},
            b"{}",
            "unsupported_version",
            "ce-type",
        ),
        ({**SUBMITTED, "ce-type": "some.thing.v1"}, b"{}", "unknown_type", "ce-type"),
        ({**SUBMITTED, "ce-time": "yesterday"}, None, "malformed", "ce-time"),
        ({**SUBMITTED, "ce-time": "2026-03-02T12:00:00"}, None, "malformed", "ce-time"),
    ],
    ids=[
        "not JSON",
        "no data",
        "not text",
        "a field is missing",
        "no ce-type",
        "no ce-id",
        "no attributes",
        "a version of the future",
        "an unknown type",
        "no time",
        "a time without offset",
    ],
)
def test_what_cannot_be_read_is_parked_and_never_blocks_what_comes_behind(
    *,
    caller: Caller,
    intake: FlaskClient,
    database: Database,
    body: bytes,
    attributes: dict[str, str],
    data: bytes | None,
    code: str,
    field: str,
) -> None:
    answer = caller.push(intake, body if data is None else data, attributes, message_id="m_1")

    assert answer.status_code == 204
    assert given.rows(database, "SELECT code, facts->>'field', message_id FROM dead_letters") == [
        (code, field, attributes.get("ce-id", "m_1"))
    ]
    assert caller.push(intake, body, {**SUBMITTED, "ce-id": "evt_2"}).status_code == 204
    assert given.rows(database, "SELECT count(*) FROM orders") == [(1,)]


def test_an_event_that_came_too_early_is_asked_for_again(
    caller: Caller, database: Database, body: bytes
) -> None:
    # Goal: a carrier may report a parcel before we have recorded its label.
    tracking = function("order_tracking")
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    news = received(database, updates.body("ord_1-1", [("in_transit", database.now())]))
    attributes = {"ce-type": CarrierUpdateReceived.type, "ce-id": "evt_0"}

    answer = caller.push(tracking, news.encode(), attributes)
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "parcel_not_here_yet"
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]
    doubles.labelled(database, "ord_1")

    assert caller.push(tracking, news.encode(), attributes, attempt=2).status_code == 204
    assert given.rows(database, "SELECT state FROM orders") == [("shipped",)]


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (NotYet("come again", retry_after_s=7), 503, "come again"),
        (DatabaseUnavailable("no connection to the database"), 503, "no connection"),
        (Fault("the secret is swordfish"), 500, "something went wrong on our side"),
        (RuntimeError("the secret is swordfish"), 500, ""),
    ],
)
def test_not_yet_and_faults_are_delivered_again_without_details_of_ours(
    *, caller: Caller, database: Database, body: bytes, error: Exception, status: int, shown: str
) -> None:
    with failing(error) as flow:
        client = _intake_with(caller, flow)
        answer = caller.push(client, body, SUBMITTED)

    assert answer.status_code == status
    assert shown in answer.text
    assert "swordfish" not in answer.text
    assert answer.headers.get("Retry-After") == ("7" if shown == "come again" else None)
    assert given.rows(database, "SELECT count(*) FROM inbox") == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotYet("not here"), "not_yet"), (RuntimeError("the secret is swordfish"), "fault")],
)
def test_what_fails_again_and_again_is_parked_with_the_reason_of_its_last_attempt(
    *, caller: Caller, database: Database, body: bytes, error: Exception, code: str
) -> None:
    # Goal: an outage is not a failure of the message, however many deliveries it takes.
    with failing(DatabaseUnavailable("no connection to the database")) as flow:
        away = _intake_with(caller, flow)
        for attempt in range(1, 30):
            assert caller.push(away, body, SUBMITTED, attempt=attempt).status_code == 503
    with failing(error) as flow:
        client = _intake_with(caller, flow)
        attempts = range(30, 30 + pubsub.FAILURES)
        statuses = [
            caller.push(client, body, SUBMITTED, attempt=attempt).status_code
            for attempt in attempts
        ]

    assert [status == 204 for status in statuses] == [False] * (pubsub.FAILURES - 1) + [True]
    ((source, message_id, found, reason, attempts_made),) = given.rows(database, LETTERS)
    assert (source, message_id, found) == ("order_intake-orders", "evt_1", code)
    assert "swordfish" not in reason
    assert attempts_made == attempts[-1]
    assert given.rows(database, "SELECT count(*) FROM failed_attempts") == [(0,)]


def _intake_with(caller: Caller, flow: Callable[..., None]) -> FlaskClient:
    return served(
        lambda request: pubsub.consume(
            request, caller.services, {OrderSubmitted: flow}, consumer="order_intake"
        )
    )


def test_a_refusal_that_cannot_be_parked_is_delivered_again(
    caller: Caller, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a refused event is never acknowledged before it is kept.
    def unavailable(*_args: object) -> None:
        raise DatabaseUnavailable("no connection to the database")

    monkeypatch.setattr("shared.edge.services.park", unavailable)
    with failing(Rejected("no")) as flow:
        client = _intake_with(caller, flow)
        assert caller.push(client, body, SUBMITTED).status_code == 503


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic dXNlcjpwYXNz"])
def test_without_a_valid_token_nothing_is_read(
    caller: Caller, intake: FlaskClient, database: Database, body: bytes, authorization: str
) -> None:
    stranger = Caller(caller.services, authorization)

    answer = stranger.push(intake, body, SUBMITTED)

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


@pytest.mark.parametrize(
    "sent",
    [b"", b"not json", b"[]", b"{}", b'{"message": {"data": "***", "messageId": "1"}}'],
)
def test_a_request_that_is_no_push_is_told_so(
    caller: Caller, intake: FlaskClient, sent: bytes
) -> None:
    assert caller.post(intake, "/", sent).status_code == 400


def test_a_nul_character_is_refused_like_any_malformed_text(
    caller: Caller, intake: FlaskClient, database: Database, body: bytes
) -> None:
    # Goal: Postgres cannot store U+0000. That is the sender's mistake, so it is parked at once
    # and not delivered again and again as a fault of ours.
    order = json.loads(body)
    order["destination"]["name"] = "Ada\0Lovelace"
    cancellation = json.dumps({"order_id": "ord_1", "reason": "no\0"}).encode()

    answers = [
        caller.push(intake, json.dumps(order).encode(), SUBMITTED),
        caller.push(intake, cancellation, {"ce-type": OrderCancelled.type, "ce-id": "evt_2"}),
        caller.push(intake, body, {"ce-type": "a\0b", "ce-id": "evt_3"}),
        caller.push(intake, body, {"ce-type": "x", "ce-id": "evt\0", "note": "\0"}),
    ]

    assert [answer.status_code for answer in answers] == [204, 204, 204, 204]
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(4,)]


def test_what_pubsub_gave_up_is_parked_under_the_subscription_it_came_from(
    caller: Caller, database: Database
) -> None:
    attributes = {
        **SUBMITTED,
        "CloudPubSubDeadLetterSourceSubscription": "order_intake-orders",
        "CloudPubSubDeadLetterSourceDeliveryCount": "12",
    }

    answer = caller.push(
        function("dead_letter"), b"\x00raw", attributes, subscription="dead_letter-dead-letters"
    )

    assert answer.status_code == 204
    assert given.rows(database, LETTERS) == [
        (
            "order_intake-orders",
            "evt_1",
            "undeliverable",
            "given up after 12 deliveries to order_intake-orders",
            12,
        )
    ]
    assert given.rows(database, "SELECT payload FROM dead_letters") == [(b"\x00raw",)]


def test_a_dead_letter_that_says_nothing_about_itself_is_parked_too(
    caller: Caller, database: Database
) -> None:
    answer = caller.push(
        function("dead_letter"), b"", {}, message_id="m_9", subscription="dead_letter-dead-letters"
    )

    assert answer.status_code == 204
    assert given.rows(database, "SELECT source, message_id FROM dead_letters") == [
        ("dead_letter-dead-letters", "m_9")
    ]


def test_an_error_of_every_kind_has_a_status_that_pubsub_understands(caller: Caller) -> None:
    outcomes = {}
    for kind in (Rejected, NotYet, Fault):
        with failing(kind("x")) as flow:
            client = served(
                lambda request, flow=flow: pubsub.consume(  # type: ignore[misc]
                    request, caller.services, {OrderCancelled: flow}, consumer="order_intake"
                )
            )
            body = OrderCancelled(order_id="ord_1", reason="no").encode()
            attributes = {"ce-type": OrderCancelled.type, "ce-id": "evt_1"}
            outcomes[kind] = caller.push(client, body, attributes).status_code

    assert outcomes == {Rejected: 204, NotYet: 503, Fault: 500}
    assert issubclass(Rejected, DispatchError)


def test_data_travels_in_base64_as_pubsub_sends_it(
    caller: Caller, intake: FlaskClient, database: Database, body: bytes
) -> None:
    envelope = {
        "message": {
            "data": base64.b64encode(body).decode(),
            "attributes": SUBMITTED,
            "messageId": "1",
            "orderingKey": "ord_1",
        },
        "subscription": "projects/p/subscriptions/s",
        "deliveryAttempt": 5,
    }

    answer = caller.post(intake, "/", json.dumps(envelope).encode())

    assert answer.status_code == 204
    assert given.rows(database, "SELECT order_id FROM orders") == [("ord_1",)]
