"""Somebody wants webhooks: what is asked for has to make sense, and the secret is shown once."""

from typing import Any

import pytest

from shared.flows.add_subscriber import add_subscriber
from shared.flows.subscribed import WantedSubscriber
from shared.kit.errors import Malformed
from shared.platform.db import Database
from shared.platform.http import Reach
from shared.subscribers.offered import OFFERED
from shared.subscribers.types import NameTaken
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, KEYS
from tests.support import given


def test_a_subscriber_is_kept_and_its_secret_is_not(database: Database) -> None:
    secret = webhooks.subscriber(database, channel="web", event_types=["dispatch.order.closed.v1"])

    assert secret.startswith("whsec_")
    ((row,),) = given.rows(database, "SELECT to_jsonb(s)::text FROM webhook_subscribers AS s")
    assert '"shop"' in row
    assert "dispatch.order.closed.v1" in row
    assert secret.removeprefix("whsec_") not in row


def test_two_subscribers_have_two_secrets(database: Database) -> None:
    assert webhooks.subscriber(database, "one") != webhooks.subscriber(database, "two")


def test_a_name_is_somebodys(database: Database) -> None:
    webhooks.subscriber(database, "shop")

    with pytest.raises(NameTaken) as caught:
        webhooks.subscriber(database, "shop", "https://other.test/")

    assert caught.value.facts["field"] == "name"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "Shop"),
        ("name", "-shop"),
        ("name", "x" * 64),
        ("url", "http://shop.test/"),
        ("url", "https://shop.test:5432/"),
        ("url", "https://ada@shop.test/"),
        ("event_types", ["dispatch.order.closed.v2"]),
        ("event_types", ["dispatch.parcel.charged.v1"]),
        ("channel", ""),
        ("channel", "a channel"),
    ],
)
def test_what_is_wrong_is_named_and_nobody_is_added(
    database: Database, field: str, wrong: Any
) -> None:
    wish: dict[str, Any] = {
        "name": "shop",
        "url": "https://shop.test/",
        "person": ADA,
        field: wrong,
    }

    with pytest.raises(Malformed, match=rf"^{field}: ") as caught:
        database.run(
            lambda tx: add_subscriber(tx, WantedSubscriber(**wish), KEYS, Reach.PUBLIC),
            given.cause(),
        )

    assert caught.value.field == field
    assert given.rows(database, "SELECT count(*) FROM webhook_subscribers") == [(0,)]


def test_an_unknown_event_is_told_which_there_are(database: Database) -> None:
    with pytest.raises(Malformed) as caught:
        webhooks.subscriber(database, event_types=["order.closed"])

    assert all(kind in str(caught.value) for kind in OFFERED)
