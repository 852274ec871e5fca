"""The two functions behind webhooks, as Google's services call them."""

import json
from collections.abc import Iterator

import pytest

from shared import wiring
from shared.contracts.parcels import ParcelLabelled
from shared.contracts.work import DeliverWebhook, GiveOutWebhooks
from shared.kit.breaker import OPENS_AFTER
from shared.platform.db import Database
from tests.edge.serving import Caller, function
from tests.platform.doubles import RecordingQueues
from tests.subscribers import given as webhooks
from tests.subscribers.given import KEYS, LABELLED, state, told
from tests.support import given
from tests.support.receiver import Receiver, is_genuine, receiving

ATTRIBUTES = {
    "ce-id": "evt_1",
    "ce-type": ParcelLabelled.type,
    "ce-time": "2026-03-02T11:59:00+00:00",
}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(wiring, "webhook_keyring", lambda: KEYS)
    monkeypatch.setattr(wiring, "webhook_sender", lambda: webhooks.HTTP)
    with receiving() as running:
        yield running


def test_an_event_goes_all_the_way_and_a_second_time_no_further(
    caller: Caller, database: Database, queues: RecordingQueues, receiver: Receiver
) -> None:
    secret = webhooks.subscriber(database, url=receiver.url)
    events, delivery = function("webhook_events"), function("webhook_delivery")

    for _ in range(2):
        answer = caller.push(events, LABELLED.encode(), ATTRIBUTES)
        assert answer.status_code == 204
    ((queue, attributes, body),) = queues.added.values()
    assert (queue, attributes["ce-type"]) == ("webhooks", DeliverWebhook.type)
    assert caller.task(delivery, body, kind=DeliverWebhook.type).status_code == 204
    assert caller.task(delivery, body, kind=DeliverWebhook.type).status_code == 204

    (request,) = receiver.received
    assert is_genuine(request, secret)
    sent = json.loads(request.body)
    assert (sent["id"], sent["timestamp"]) == ("evt_1", ATTRIBUTES["ce-time"])


def test_what_is_not_taken_is_asked_for_again_without_slowing_the_queue(
    caller: Caller, database: Database, receiver: Receiver
) -> None:
    # Goal: Cloud Tasks slows a whole queue for a 429 or 503, and the subscriber's are its own.
    webhooks.subscriber(database, url=receiver.url)
    delivery = function("webhook_delivery")
    (delivery_id,) = told(database)
    body = DeliverWebhook(delivery_id=delivery_id).encode()
    receiver.statuses = [429, 503, 500, 503, 429, 200]

    *tried, paused = [
        caller.task(delivery, body, retries=n, max_attempts=100, kind=DeliverWebhook.type)
        for n in range(OPENS_AFTER + 1)
    ]

    assert [answer.status_code for answer in tried] == [409] * OPENS_AFTER
    assert (paused.status_code, paused.get_json()["code"]) == (409, "subscriber_paused")
    assert len(receiver.received) == OPENS_AFTER


def test_what_goes_wrong_on_our_side_is_parked_and_the_webhook_is_failed(
    caller: Caller, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.subscriber(database, url=receiver.url)
    (delivery_id,) = told(database)
    body = DeliverWebhook(delivery_id=delivery_id).encode()

    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(wiring, "webhook_sender", broken)
    delivery = function("webhook_delivery")

    answers = [
        caller.task(delivery, body, retries=n, max_attempts=2, kind=DeliverWebhook.type).status_code
        for n in range(2)
    ]

    assert answers == [500, 204]
    assert given.rows(database, "SELECT code FROM dead_letters") == [("fault",)]
    assert state(database, delivery_id) == "failed"


def test_what_has_waited_is_given_out_by_the_function_that_delivers_it(
    caller: Caller, database: Database, queues: RecordingQueues
) -> None:
    # Goal: however much waits for somebody, who enables them waits for none of it.
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    given.silence(database)
    ((subscriber_id,),) = given.rows(database, "SELECT subscriber_id FROM webhook_subscribers")
    body = GiveOutWebhooks(subscriber_id=subscriber_id).encode()

    answer = caller.task(function("webhook_delivery"), body, kind=GiveOutWebhooks.type)

    assert answer.status_code == 204
    ((_, attributes, work),) = queues.added.values()
    assert attributes["ce-type"] == DeliverWebhook.type
    assert DeliverWebhook.decode(work).delivery_id == delivery_id
