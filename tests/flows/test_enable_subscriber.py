"""Disabled by hand and enabled again: nothing of what happened meanwhile is lost."""

from functools import partial

import pytest

from shared.contracts.work import GiveOutWebhooks
from shared.flows import give_out_webhooks as giving_out
from shared.flows.enable_subscriber import disable_subscriber, enable_subscriber
from shared.flows.give_out_webhooks import give_out_webhooks
from shared.kit.errors import Malformed
from shared.people.types import Person
from shared.platform.db import Database
from shared.subscribers.types import UnknownSubscriber
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, state, subscribed, told
from tests.support import given
from tests.support.receiver import receiving

GIVE_OUT, DELIVER = "work.give_out_webhooks", "work.deliver_webhook"
_TO_GIVE_OUT = f"""
    SELECT body FROM outbox WHERE attributes->>'ce-type' = '{GiveOutWebhooks.type}'
     ORDER BY outbox_id
"""


def disable(database: Database, reason: str = "moving house") -> None:
    database.run(lambda tx: disable_subscriber(tx, "shop", Person("ada", reason)), given.cause())


def enable(database: Database) -> None:
    database.run(lambda tx: enable_subscriber(tx, "shop", ADA), given.cause())


def give_out(database: Database) -> None:
    """The work of giving out, and what follows from it, as its queue brings it."""
    done = 0
    while done < len(bodies := given.rows(database, _TO_GIVE_OUT)):
        work = GiveOutWebhooks.decode(bodies[done][0].encode())
        database.run(partial(give_out_webhooks, work=work), given.cause())
        done += 1


def test_what_waits_is_sent_when_it_is_enabled_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_out, "AT_ONCE", 2)
    with receiving() as receiver:
        webhooks.subscriber(database, url=receiver.url)
        before = told(database)
        disable(database)
        waiting = [*before, *(told(database)[0] for _ in range(4))]
        for delivery_id in waiting:
            webhooks.deliver(database, delivery_id)  # its task comes, and there is nothing to do
        assert receiver.received == []
        assert subscribed(database) == [("disabled", 0, "moving house")]

        given.silence(database)
        enable(database)
        assert given.told(database) == [GIVE_OUT]
        give_out(database)
        parts, rest = [GIVE_OUT, DELIVER, DELIVER] * 2, [GIVE_OUT, DELIVER]
        assert sorted(given.told(database)) == sorted(parts + rest)
        for delivery_id in waiting:
            webhooks.deliver(database, delivery_id)

    assert len(receiver.received) == 5
    assert {state(database, delivery_id) for delivery_id in waiting} == {"delivered"}
    assert subscribed(database) == [("enabled", 0, None)]


@pytest.mark.parametrize("is_disabled", [True, False])
def test_enabled_it_begins_anew_whatever_was_before(
    database: Database, *, is_disabled: bool
) -> None:
    webhooks.subscriber(database)
    given.rows(
        database,
        "UPDATE webhook_subscribers SET failures = 99, failed_at = added_at,"
        " failing_since = added_at RETURNING 1",
    )
    if is_disabled:
        disable(database)

    enable(database)

    assert subscribed(database) == [("enabled", 0, None)]


def test_enabling_twice_does_no_harm(database: Database) -> None:
    # Goal: whoever was interrupted while giving out the work does it again.
    webhooks.subscriber(database)
    told(database)
    disable(database)

    given.silence(database)
    for _ in range(2):
        enable(database)
    give_out(database)

    assert sorted(given.told(database)) == [DELIVER] * 2 + [GIVE_OUT] * 2
    trail = given.rows(database, "SELECT action FROM audit_log ORDER BY audit_id")
    assert trail == [("add_subscriber",), ("disable_subscriber",), ("enable_subscriber",)]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_a_reason_is_wanted(database: Database, reason: str) -> None:
    webhooks.subscriber(database)

    with pytest.raises(Malformed, match=r"^reason: "):
        disable(database, reason)

    assert subscribed(database) == [("enabled", 0, None)]


def test_nobody_of_that_name_is_said(database: Database) -> None:
    for act in (disable, enable):
        with pytest.raises(UnknownSubscriber):
            act(database)
