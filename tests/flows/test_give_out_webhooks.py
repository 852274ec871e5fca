"""What waits for a subscriber is given out part by part, however often the work comes."""

import pytest

from shared.contracts.work import DeliverWebhook, GiveOutWebhooks
from shared.flows import give_out_webhooks as flow
from shared.flows.enable_subscriber import disable_subscriber
from shared.flows.give_out_webhooks import give_out_webhooks
from shared.platform.db import Database
from shared.subscribers.webhook_deliveries import KEPT
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, Subscriber, deliver, told
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def shop(database: Database) -> str:
    """The id of a subscriber beside another one."""
    webhooks.subscriber(database, "other")
    webhooks.subscriber(database, "shop")
    rows = given.rows(database, "SELECT subscriber_id FROM webhook_subscribers WHERE name = 'shop'")
    return str(rows[0][0])


def give_out(database: Database, shop: str, after: int = 0) -> None:
    work = GiveOutWebhooks(subscriber_id=shop, after=after)
    database.run(lambda tx: give_out_webhooks(tx, work), given.cause())


def given_out(database: Database) -> tuple[list[str], list[int]]:
    """Which deliveries have got work, and behind which sequence the rest begins."""
    rows = given.rows(
        database, "SELECT attributes->>'ce-type', body FROM outbox ORDER BY outbox_id"
    )
    deliveries = [
        DeliverWebhook.decode(body.encode()).delivery_id
        for kind, body in rows
        if kind == DeliverWebhook.type
    ]
    rest = [
        GiveOutWebhooks.decode(body.encode()).after
        for kind, body in rows
        if kind == GiveOutWebhooks.type
    ]
    return deliveries, rest


@pytest.mark.parametrize(("waiting", "are_more"), [(1, False), (2, True), (3, True)])
def test_a_part_at_a_time_and_the_rest_is_work_again(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    shop: str,
    waiting: int,
    *,
    are_more: bool,
) -> None:
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    mine = [told(database)[1] for _ in range(waiting)]
    given.silence(database)

    give_out(database, shop)

    deliveries, rest = given_out(database)
    assert deliveries == mine[:2]
    assert bool(rest) is are_more
    given.silence(database)
    for after in rest:
        give_out(database, shop, after)
    assert given_out(database) == (mine[2:], [])


def test_what_is_delivered_or_forgotten_soon_or_is_anothers_is_left(
    database: Database, clock: TestClock, shop: str
) -> None:
    told(database)
    clock.advance(seconds=KEPT.total_seconds() + 1)
    taken, waits = (told(database)[1] for _ in range(2))
    deliver(database, taken, Subscriber())
    given.silence(database)

    give_out(database, shop)

    assert given_out(database) == ([waits], [])


def test_who_was_disabled_again_is_left_to_wait(database: Database, shop: str) -> None:
    told(database)
    database.run(lambda tx: disable_subscriber(tx, "shop", ADA), given.cause())
    given.silence(database)

    give_out(database, shop)

    assert given_out(database) == ([], [])
