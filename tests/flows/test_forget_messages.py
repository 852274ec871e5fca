"""What was applied is forgotten once it cannot come again, and not before."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest

from shared.contracts.base import Cause
from shared.flows import forget_messages as flow
from shared.flows.forget_messages import forget_messages
from shared.flows.track_parcel import track_parcel
from shared.flows.watch_parcels import watch_parcels
from shared.people import drafts
from shared.platform import idempotency, inbox
from shared.platform.db import Database, Transaction
from shared.platform.idempotency import Answer, Key
from shared.subscribers import webhook_deliveries
from tests.flows import updates
from tests.flows.doubles import labelled
from tests.subscribers import given as webhooks
from tests.support import given
from tests.support.clock import TestClock
from tests.support.receiver import receiving

Result = TypeVar("Result")

UPDATES_KEPT = timedelta(days=100)


def forget(database: Database) -> dict[str, int]:
    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    return forget_messages(run, UPDATES_KEPT)


def forget_messages_alone(database: Database) -> tuple[int, int]:
    """How many keys of requests and how many messages are forgotten."""
    counts = forget(database)
    return counts["idempotency_keys"], counts["inbox"]


def note(database: Database, *names: str) -> None:
    """A message and a request of each name are applied now."""
    for name in names:
        database.run(lambda tx: inbox.take(tx, "test"), Cause(name, name))
        database.run(partial(request, Key("shop", name, "f")), given.cause())


def request(key: Key, tx: Transaction) -> None:
    idempotency.once(tx, key, lambda: Answer(200, {}, "{}"), refuse)


def refuse(error: Exception) -> Answer:
    raise AssertionError from error


def test_each_is_kept_for_its_time_to_the_second(database: Database, clock: TestClock) -> None:
    note(database, "old")
    clock.advance(seconds=1)
    note(database, "young")

    clock.advance(seconds=idempotency.KEPT.total_seconds())
    assert forget_messages_alone(database) == (1, 0)
    clock.advance(seconds=(inbox.KEPT - idempotency.KEPT).total_seconds())
    assert forget_messages_alone(database) == (1, 1)

    assert given.rows(database, "SELECT event_id FROM inbox") == [("young",)]
    assert given.rows(database, "SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_what_was_drafted_is_forgotten_after_a_day(database: Database, clock: TestClock) -> None:
    own = drafts.Owner("user:ada@example.org", drafts.DraftKind.RATES)
    database.run(lambda tx: tx.write(drafts.keep(tx, own, said={}, found={})), given.cause())

    clock.advance(seconds=drafts.KEPT.total_seconds() - 1)
    forget(database)
    assert given.rows(database, "SELECT count(*) FROM drafts") == [(1,)]
    clock.advance(seconds=1)
    forget(database)

    assert given.rows(database, "SELECT count(*) FROM drafts") == [(0,)]


def test_many_are_forgotten_in_short_steps_up_to_a_limit(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a backlog of millions must neither hold locks for long nor keep the job for ever.
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    monkeypatch.setattr(flow, "MOST_STEPS", 2)
    note(database, *(f"m{n}" for n in range(5)))
    clock.advance(days=36)

    assert [forget_messages_alone(database) for _ in range(3)] == [(4, 4), (1, 1), (0, 0)]


def test_webhooks_are_forgotten_with_their_attempts_whatever_became_of_them(
    database: Database, clock: TestClock
) -> None:
    with receiving() as receiver:
        webhooks.subscriber(database, url=receiver.url)
        webhooks.deliver(database, webhooks.told(database)[0])
        webhooks.told(database)
        clock.advance(seconds=1)
        young = webhooks.told(database)

    clock.advance(seconds=webhook_deliveries.KEPT.total_seconds())

    assert forget(database)["webhook_deliveries"] == 2
    assert given.rows(database, "SELECT delivery_id FROM webhook_deliveries") == [tuple(young)]
    assert webhooks.journal(database) == []


def test_what_a_carrier_sent_is_forgotten_and_what_it_said_is_not(
    database: Database, clock: TestClock
) -> None:
    # Goal: raw bodies do not grow for ever. The history is complete all the same, and an old body
    # that comes once more adds nothing to it.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = labelled(database, "ord_1")
    old = updates.body(code, [("in_transit", clock.now)])
    given.apply(database, track_parcel, updates.received(database, old))
    history = given.rows(database, "SELECT * FROM tracking_events")
    clock.advance(seconds=1)
    updates.received(database, updates.body(code, [("delivered", clock.now)]))

    clock.advance(seconds=UPDATES_KEPT.total_seconds())

    assert forget(database)["carrier_updates"] == 1
    assert given.rows(database, "SELECT body LIKE '%delivered%' FROM carrier_updates") == [(True,)]
    given.apply(database, track_parcel, updates.received(database, old))
    assert given.rows(database, "SELECT * FROM tracking_events") == history


def test_the_inbox_is_kept_longer_than_any_message_can_be_sent_again() -> None:
    longest_retention_of_a_topic = timedelta(days=31)

    assert longest_retention_of_a_topic < inbox.KEPT


def test_how_a_parcel_stood_is_forgotten_once_it_is_at_its_end(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    for name in ("ord_1", "ord_2"):
        given.order(database, name, {"MUG": 1})
        given.place(database, name)
    (ended,), (goes_on,) = (labelled(database, name) for name in ("ord_1", "ord_2"))
    clock.advance(days=60)
    assert watch_parcels(lambda step: database.run(step, given.cause())) >= 2
    body = updates.body(ended, [("in_transit", clock.now), ("delivered", clock.now)])
    given.apply(database, track_parcel, updates.received(database, body))

    counts = forget(database)

    left = given.rows(
        database,
        "SELECT DISTINCT tracking_code FROM standstills JOIN parcels USING (parcel_id)",
    )
    assert counts["standstills"] >= 1
    assert left == [(goes_on,)]
    assert forget(database)["standstills"] == 0
