"""The inbox: one event, one effect, for each consumer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.contracts.base import Cause
from shared.platform import inbox
from shared.platform.db import Database, Transaction
from tests.support import given

CAUSE = Cause("evt_1", "evt_1")


def seen(database: Database, consumer: str = "order_intake", cause: Cause = CAUSE) -> bool:
    return database.run(lambda tx: inbox.first_time(tx, consumer), cause)


def test_an_event_is_new_once(database: Database) -> None:
    assert [seen(database), seen(database)] == [True, False]


def test_each_consumer_has_an_inbox_of_its_own(database: Database) -> None:
    assert [seen(database, "order_intake"), seen(database, "order_costing")] == [True, True]


def test_another_event_is_new(database: Database) -> None:
    assert [seen(database), seen(database, cause=Cause("evt_2", "evt_1"))] == [True, True]


def test_the_note_is_gone_with_the_effect_when_the_step_fails(database: Database) -> None:
    # Goal: an event whose effect was rolled back must be applied when it comes again.
    def step(tx: Transaction) -> None:
        assert inbox.first_time(tx, "order_intake")
        raise RuntimeError("died before the commit")

    with pytest.raises(RuntimeError):
        database.run(step, CAUSE)

    assert seen(database)


def test_of_eight_deliveries_at_once_one_is_the_first(database: Database) -> None:
    start = Barrier(8)

    def deliver(_number: int) -> bool:
        start.wait(timeout=10)
        return seen(database)

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(deliver, range(8)))

    assert sorted(answers) == [False] * 7 + [True]
    assert given.rows(database, "SELECT consumer, event_id FROM inbox") == [
        ("order_intake", "evt_1")
    ]
