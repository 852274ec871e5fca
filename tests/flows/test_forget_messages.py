"""What was applied is forgotten once it cannot come again, and not before."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest

from shared.contracts.base import Cause
from shared.flows import forget_messages as flow
from shared.flows.forget_messages import forget_messages
from shared.platform import idempotency, inbox
from shared.platform.db import Database, Transaction
from shared.platform.idempotency import Answer, Key
from tests.support import given
from tests.support.clock import TestClock

Result = TypeVar("Result")


def forget(database: Database) -> dict[str, int]:
    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    return forget_messages(run)


def note(database: Database, *names: str) -> None:
    """A message and a request of each name are applied now."""
    for name in names:
        database.run(lambda tx: inbox.first_time(tx, "test"), Cause(name, name))
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
    assert forget(database) == {"idempotency_keys": 1, "inbox": 0}
    clock.advance(seconds=(inbox.KEPT - idempotency.KEPT).total_seconds())
    assert forget(database) == {"idempotency_keys": 1, "inbox": 1}

    assert given.rows(database, "SELECT event_id FROM inbox") == [("young",)]
    assert given.rows(database, "SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_many_are_forgotten_in_short_steps_up_to_a_limit(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a backlog of millions must neither hold locks for long nor keep the job for ever.
    monkeypatch.setattr(flow, "AT_ONCE", 2)
    monkeypatch.setattr(flow, "MOST_STEPS", 2)
    note(database, *(f"m{n}" for n in range(5)))
    clock.advance(days=36)

    assert [forget(database) for _ in range(3)] == [
        {"idempotency_keys": 4, "inbox": 4},
        {"idempotency_keys": 1, "inbox": 1},
        {"idempotency_keys": 0, "inbox": 0},
    ]


def test_the_inbox_is_kept_longer_than_any_message_can_be_sent_again() -> None:
    longest_retention_of_a_topic = timedelta(days=31)

    assert longest_retention_of_a_topic < inbox.KEPT
