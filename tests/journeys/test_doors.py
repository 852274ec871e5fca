"""Who knocks at the functions' doors without being let in, over the real HTTP."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator

import grpc
import pytest
import requests
from google.pubsub_v1 import PublisherClient, PubsubMessage, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.laptop.stack import ROOT
from emulators.laptop.token import ask
from emulators.line.script import SUBMITTED
from tests.conformance.recorder import Recorder
from tests.journeys.stage import Stage, order

PROBLEM = "application/problem+json"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    yield found
    found.close()


def knock(stage: Stage, body: bytes, signature: str | None) -> requests.Response:
    """Post to the webhook as EasyPost does."""
    address = f"{stage.stack.addresses['tracking_webhook']}easypost"
    headers = {} if signature is None else {"X-Hmac-Signature": signature}
    return requests.post(address, data=body, headers=headers, timeout=10)


def signed(stage: Stage, body: bytes) -> str:
    """EasyPost's signature, made without our own code."""
    secret = stage.stack.environment["DISPATCH_EASYPOST_WEBHOOK_SECRET"]
    return "hmac-sha256-hex=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_forged_update_is_refused_and_leaves_no_trace(stage: Stage) -> None:
    before = stage.value("SELECT count(*) FROM carrier_updates")
    body = b'{"description": "tracker.updated", "result": {"tracking_code": "FORGED"}}'
    forged = "hmac-sha256-hex=" + hmac.new(b"guessed", body, hashlib.sha256).hexdigest()

    answers = [knock(stage, body, signature) for signature in (forged, None)]
    tampered = knock(stage, body.replace(b"FORGED", b"OTHER1"), signed(stage, body))

    for answer in (*answers, tampered):
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
        assert answer.json()["code"] == "bad_signature"
    assert stage.value("SELECT count(*) FROM carrier_updates") == before


def test_a_signed_but_malformed_update_is_refused_by_the_name_of_its_field(stage: Stage) -> None:
    body = b'{"description": "tracker.updated", "result": {"tracking_code": 7}}'

    answer = knock(stage, body, signed(stage, body))

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)
    problem = answer.json()
    assert problem["field"] == "result.tracking_code"
    assert problem["code"] == "malformed"
    assert problem["detail"].startswith("result.tracking_code: ")


def token_for(stage: Stage, recorder: Recorder, audience: str, account: str) -> str:
    """An Authorization header as Pub/Sub sends it, caught by a subscription of our own."""
    project = f"projects/{stage.stack.environment['DISPATCH_PROJECT']}"
    name = f"test-{hashlib.sha256(f'{audience} {account}'.encode()).hexdigest()[:8]}"
    topic, subscription = f"{project}/topics/{name}", f"{project}/subscriptions/{name}"
    with grpc.insecure_channel(stage.stack.addresses["pubsub"]) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        publisher.create_topic(name=topic)
        token = {"service_account_email": account, "audience": audience}
        to_us = {"push_endpoint": recorder.url(f"/{name}"), "oidc_token": token}
        subscriber.create_subscription(
            request={"name": subscription, "topic": topic, "push_config": to_us}
        )
        publisher.publish(topic=topic, messages=[PubsubMessage(data=b"hello")])
        (seen,) = recorder.wait(f"/{name}", 1)
        subscriber.delete_subscription(subscription=subscription)
        publisher.delete_topic(topic=topic)
    return str(seen.headers["Authorization"])


def deliver(stage: Stage, order_id: str, authorization: str | None) -> requests.Response:
    """Post an order to order_intake as Pub/Sub does."""
    data = base64.b64encode(json.dumps(order(order_id, {"MUG-RED": 1})).encode()).decode()
    envelope = {
        "message": {
            "data": data,
            "attributes": {"ce-id": order_id, "ce-type": SUBMITTED},
            "messageId": order_id,
        },
        "subscription": "projects/dispatch-local/subscriptions/order_intake.orders",
    }
    headers = {} if authorization is None else {"Authorization": authorization}
    return requests.post(
        stage.stack.addresses["order_intake"], json=envelope, headers=headers, timeout=10
    )


def test_only_a_token_for_us_from_our_caller_opens_order_intake(
    stage: Stage, recorder: Recorder
) -> None:
    # Goal: the same issuer signs for everybody, so who it is for and who holds it must be looked
    # at. The same request with the right token is taken, so nothing else was wrong with it.
    audience = stage.stack.environment["DISPATCH_OIDC_AUDIENCE"]
    caller = stage.stack.environment["DISPATCH_OIDC_CALLER"]
    refused = {
        "no token": None,
        "no token at all": "Bearer nonsense",
        "another audience": token_for(stage, recorder, "https://elsewhere.test", caller),
        "another caller": token_for(stage, recorder, audience, "somebody@elsewhere.test"),
    }

    for why, authorization in refused.items():
        answer = deliver(stage, "door-order", authorization)
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM), why
        assert answer.json()["code"] == "unauthenticated", why
    assert stage.state("door-order") is None
    assert stage.letter("door-order") is None

    assert deliver(stage, "door-order", token_for(stage, recorder, audience, caller)).ok
    stage.wait_for("door-order", "delivered")


def test_the_order_of_the_readme_is_taken_as_it_stands_there(stage: Stage) -> None:
    # Goal: what a newcomer copies works. Address and token are those that `up` and `token` print.
    environment = stage.stack.environment
    (body,) = re.findall(r"-d '(\{.+?\})'", (ROOT / "README.md").read_text(), re.DOTALL)
    token = ask(
        stage.stack.addresses["google"],
        environment["DISPATCH_API_CALLERS"],
        environment["DISPATCH_OIDC_AUDIENCE"],
    )

    answer = requests.post(
        f"{stage.stack.addresses['order_api']}orders",
        data=body.encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": "my-first-order",
            "Content-Type": "application/json",
        },
        timeout=10,
    )

    assert (answer.status_code, answer.json()["order_id"]) == (201, "my-first-order")
    stage.wait_for("my-first-order", "delivered")
