"""Where webhooks go is changed while they are under way, and nothing of it is lost."""

import pytest

from shared.flows.change_subscriber import change_subscriber
from shared.flows.deliver_webhook import NotDelivered
from shared.flows.subscribed import WantedSubscriber
from shared.platform.db import Database
from shared.platform.http import BadUrl, Reach
from shared.subscribers.types import UnknownSubscriber
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, Subscriber, deliver, state, subscribed, told
from tests.support import given

OTHER = "https://other.test/hooks"


def change(database: Database, url: str = OTHER, name: str = "shop") -> None:
    wish = WantedSubscriber(name, url, ADA)
    database.run(lambda tx: change_subscriber(tx, wish, Reach.PUBLIC), given.cause())


@pytest.mark.parametrize("status", [410, 500])
def test_what_the_address_before_answers_meanwhile_says_nothing_about_the_new_one(
    database: Database, status: int
) -> None:
    # Goal: 410 disables, and who has moved because of it must not be disabled where they are now.
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    server = Subscriber(status, before=lambda: change(database))

    with pytest.raises(NotDelivered):
        deliver(database, delivery_id, server)

    assert subscribed(database) == [("enabled", 0, None)]
    assert given.rows(database, "SELECT url FROM webhook_subscribers") == [(OTHER,)]
    server.status, server.before = 200, lambda: None
    deliver(database, delivery_id, server)
    assert [url for url, _, _ in server.sent] == ["https://shop.test/hooks", OTHER]
    assert state(database, delivery_id) == "delivered"


def test_what_changes_is_kept_before_and_after_and_what_does_not_is_no_change(
    database: Database,
) -> None:
    webhooks.subscriber(database)

    for _ in range(2):
        change(database)

    assert given.rows(
        database,
        "SELECT action, before, after FROM audit_log WHERE action <> 'add_subscriber'",
    ) == [("change_subscriber", {"address": "https://shop.test/hooks"}, {"address": OTHER})]


def test_an_address_that_may_not_be_called_is_refused_and_nothing_is_changed(
    database: Database,
) -> None:
    webhooks.subscriber(database)

    with pytest.raises(BadUrl):
        change(database, "http://shop.test/")
    with pytest.raises(UnknownSubscriber):
        change(database, name="nobody")

    rows = given.rows(database, "SELECT url FROM webhook_subscribers")
    assert rows == [("https://shop.test/hooks",)]
