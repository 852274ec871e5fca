"""A subscriber is tried with an event of its own."""

import json

import pytest

from shared.flows.enable_subscriber import disable_subscriber
from shared.flows.send_test_webhook import send_test_webhook
from shared.platform.db import Database
from shared.subscribers.types import SubscriberDisabled, UnknownSubscriber
from tests.subscribers import given as webhooks
from tests.support import given
from tests.support.receiver import is_genuine, receiving


def send(database: Database, name: str = "shop") -> str:
    return database.run(lambda tx: send_test_webhook(tx, name, webhooks.ADA), given.cause())


def test_only_it_hears_of_it_whatever_else_it_wants(database: Database) -> None:
    with receiving() as receiver:
        secret = webhooks.subscriber(
            database, url=receiver.url, event_types=["dispatch.order.closed.v1"]
        )
        webhooks.subscriber(database, "other", receiver.url)

        delivery_id = send(database)
        assert given.told(database) == ["work.deliver_webhook"]
        webhooks.deliver(database, delivery_id)

    (request,) = receiver.received
    body = json.loads(request.body)
    assert body["type"] == "dispatch.webhook.test.v1"
    assert body["data"] == {"subscriber": "shop"}
    assert is_genuine(request, secret)
    assert given.rows(database, "SELECT count(*) FROM webhook_deliveries") == [(1,)]


def test_every_try_is_another_event(database: Database) -> None:
    webhooks.subscriber(database)

    assert send(database) != send(database)


def test_who_is_not_there_or_disabled_cannot_be_tried(database: Database) -> None:
    with pytest.raises(UnknownSubscriber):
        send(database)
    webhooks.subscriber(database)
    database.run(lambda tx: disable_subscriber(tx, "shop", webhooks.ADA), given.cause())
    with pytest.raises(SubscriberDisabled):
        send(database)
