"""Webhooks are sent once more by hand, under the same id."""

from datetime import timedelta

import pytest

from shared.flows import give_out_webhooks as flow
from shared.flows.deliver_webhook import NotDelivered
from shared.flows.enable_subscriber import disable_subscriber
from shared.flows.redeliver_webhooks import RedeliverWebhook, redeliver_failed, redeliver_webhook
from shared.platform.db import Database
from shared.subscribers.types import (
    NotGivenUp,
    SubscriberDisabled,
    UnknownDelivery,
    UnknownSubscriber,
)
from shared.subscribers.webhook_deliveries import ATTEMPTS, KEPT
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, runner, state, told
from tests.support import given
from tests.support.clock import TestClock
from tests.support.receiver import receiving

DAY = timedelta(days=1)


def redeliver(database: Database, delivery_id: str) -> None:
    wish = RedeliverWebhook(delivery_id, ADA)
    database.run(lambda tx: redeliver_webhook(tx, wish), given.cause())


def given_up(database: Database, *delivery_ids: str) -> None:
    """All their attempts were in vain."""
    ids = ", ".join(f"'{delivery_id}'" for delivery_id in delivery_ids)
    given.rows(
        database,
        "UPDATE webhook_deliveries SET state = 'failed', attempts_left = 0,"
        f" ended_at = created_at WHERE delivery_id IN ({ids}) RETURNING 1",
    )


def test_what_arrived_is_sent_again_and_is_known_by_its_id(database: Database) -> None:
    with receiving() as receiver:
        webhooks.subscriber(database, url=receiver.url)
        (delivery_id,) = told(database)
        webhooks.deliver(database, delivery_id)
        given.silence(database)

        redeliver(database, delivery_id)
        assert given.told(database) == ["work.deliver_webhook"]
        webhooks.deliver(database, delivery_id)

    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert webhooks.journal(database) == [(1, 200, None), (2, 200, None)]


def test_what_was_given_up_has_all_of_its_attempts_again(
    database: Database, clock: TestClock
) -> None:
    with receiving([500]) as receiver:
        webhooks.subscriber(database, url=receiver.url)
        (delivery_id,) = told(database)
        given_up(database, delivery_id)

        redeliver(database, delivery_id)
        for _ in range(ATTEMPTS - 1):
            with pytest.raises(NotDelivered):
                webhooks.deliver(database, delivery_id)
            clock.advance(hours=1)
        assert state(database, delivery_id) == "waiting"
        webhooks.deliver(database, delivery_id)

    assert state(database, delivery_id) == "failed"


def test_all_that_were_given_up_since_a_moment_are_sent_and_no_others(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    webhooks.subscriber(database, "other")
    webhooks.subscriber(database, "shop")
    (_, old) = told(database)
    clock.advance(seconds=(DAY + timedelta(seconds=1)).total_seconds())
    pairs = [told(database) for _ in range(5)]
    (_, waiting) = told(database)
    failed = [mine for _, mine in pairs]
    given_up(database, old, *failed, *(others for others, _ in pairs))
    given.silence(database)

    assert redeliver_failed(runner(database), "shop", DAY, ADA) == 5

    assert len(given.told(database)) == 5
    assert {state(database, one) for one in (*failed, waiting)} == {"waiting"}
    assert state(database, old) == "failed"
    assert {state(database, others) for others, _ in pairs} == {"failed"}
    assert redeliver_failed(runner(database), "shop", DAY, ADA) == 0
    assert redeliver_failed(runner(database), "shop", KEPT, ADA) == 1


def test_who_is_disabled_is_enabled_first(database: Database) -> None:
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    given_up(database, delivery_id)
    database.run(lambda tx: disable_subscriber(tx, "shop", ADA), given.cause())

    for act in (
        lambda: redeliver(database, delivery_id),
        lambda: redeliver_failed(runner(database), "shop", DAY, ADA),
    ):
        with pytest.raises(SubscriberDisabled, match="enable it first"):
            act()
    assert state(database, delivery_id) == "failed"


def test_one_that_is_meant_as_given_up_is_left_where_it_is_not_any_more(
    database: Database,
) -> None:
    # Goal: of two who send all that was given up, the second sends nothing twice.
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    given_up(database, delivery_id)
    wish = RedeliverWebhook(delivery_id, ADA, "shop", is_given_up=True)
    given.silence(database)

    database.run(lambda tx: redeliver_webhook(tx, wish), given.cause())
    with pytest.raises(NotGivenUp):
        database.run(lambda tx: redeliver_webhook(tx, wish), given.cause())

    assert given.told(database) == ["work.deliver_webhook"]


def test_what_is_not_there_is_said(database: Database) -> None:
    with pytest.raises(UnknownDelivery, match=r"^delivery: "):
        redeliver(database, "whd_unheard_of")
    with pytest.raises(UnknownSubscriber, match=r"^name: "):
        redeliver_failed(runner(database), "shop", DAY, ADA)


def test_one_that_is_under_way_is_not_sent_beside_it(database: Database) -> None:
    # Goal: redelivering what waits hurries it, and its lease still holds.
    webhooks.subscriber(database)
    (delivery_id,) = told(database)
    given.rows(
        database,
        "UPDATE webhook_deliveries SET leased_until = created_at + interval '30 s',"
        " attempts = 1, attempts_left = attempts_left - 1 RETURNING 1",
    )

    redeliver(database, delivery_id)

    assert given.rows(
        database,
        "SELECT state, attempts, attempts_left, leased_until IS NULL FROM webhook_deliveries",
    ) == [("waiting", 1, ATTEMPTS, False)]
