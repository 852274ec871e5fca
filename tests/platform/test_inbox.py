"""The inbox: one event, one effect, for each consumer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.contracts.base import Cause
from shared.kit.errors import DoneBefore
from shared.platform import inbox
from shared.platform.db import Database, Transaction, Write
from shared.platform.sql import text
from tests.support import given

CAUSE = Cause("evt_1", "evt_1")


def put(sku: str) -> Write:
    return Write("INSERT INTO skus (sku, weight_g) VALUES (:sku, 1) RETURNING 1", {"sku": sku})


def is_new(database: Database, consumer: str = "order_intake", cause: Cause = CAUSE) -> bool:
    try:
        database.run(lambda tx: inbox.take(tx, consumer), cause)
    except DoneBefore:
        return False
    return True


def test_an_event_is_new_once(database: Database) -> None:
    assert [is_new(database), is_new(database)] == [True, False]


def test_whoever_comes_again_asks_in_vain_and_leaves_nothing(database: Database) -> None:
    # Goal: the note travels with what a flow asks or writes first, which is done by then.
    def step(tx: Transaction) -> None:
        inbox.take(tx, "order_intake")
        tx.write(put(tx.cause.correlation_id))
        asked.append(tx.cause.correlation_id)
        tx.rows(text("SELECT :sku AS sku"), sku="MUG")
        answered.append(tx.cause.correlation_id)

    asked: list[str] = []
    answered: list[str] = []
    database.run(step, Cause("evt_1", "first"))
    with pytest.raises(DoneBefore):
        database.run(step, Cause("evt_1", "second"))

    assert asked == ["first", "second"]
    assert answered == ["first"]
    assert given.rows(database, "SELECT sku FROM skus") == [("first",)]


def test_whoever_asks_nothing_is_told_before_the_commit(database: Database) -> None:
    def step(tx: Transaction) -> None:
        inbox.take(tx, "order_intake")
        tx.write(put(tx.cause.correlation_id))

    database.run(step, Cause("evt_1", "first"))
    with pytest.raises(DoneBefore):
        database.run(step, Cause("evt_1", "second"))

    assert given.rows(database, "SELECT sku FROM skus") == [("first",)]


def test_each_consumer_has_an_inbox_of_its_own(database: Database) -> None:
    assert [is_new(database, "order_intake"), is_new(database, "order_costing")] == [True, True]


def test_another_event_is_new(database: Database) -> None:
    assert [is_new(database), is_new(database, cause=Cause("evt_2", "evt_1"))] == [True, True]


def test_the_note_is_gone_with_the_effect_when_the_step_fails(database: Database) -> None:
    # Goal: an event whose effect was rolled back must be applied when it comes again.
    def step(tx: Transaction) -> None:
        inbox.take(tx, "order_intake")
        tx.rows(text("SELECT 1 AS one WHERE :n = 1"), n=1)
        raise RuntimeError("died before the commit")

    with pytest.raises(RuntimeError):
        database.run(step, CAUSE)

    assert is_new(database)


def test_of_eight_deliveries_at_once_one_is_the_first(database: Database) -> None:
    start = Barrier(8)

    def deliver(_number: int) -> bool:
        start.wait(timeout=10)
        return is_new(database)

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(deliver, range(8)))

    assert sorted(answers) == [False] * 7 + [True]
    assert given.rows(database, "SELECT consumer, event_id FROM inbox") == [
        ("order_intake", "evt_1")
    ]
