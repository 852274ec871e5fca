"""Leases that commit with what they are for: sent at once, in order, by whoever has the lane."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from emulators.bench.trips import counted
from shared.contracts.order_facts import OrderClosed
from shared.contracts.work import PlaceOrder
from shared.platform import outbox
from shared.platform.db import Database, LostRace, Transaction
from shared.platform.outbox import LEASE
from shared.platform.sql import text
from tests.platform.doubles import RecordingQueues, RecordingTopics, down, relay
from tests.support import given
from tests.support.clock import TestClock

LEFT = "SELECT count(*) FROM outbox"


def announce(tx: Transaction, number: int, order_id: str = "ord_1") -> None:
    tx.write(outbox.put(tx, OrderClosed(order_id=order_id, state="cancelled", reason=str(number))))


def numbers(topics: RecordingTopics) -> list[int]:
    return [int(OrderClosed.decode(body).reason) for _, _, body in topics.sent]


def test_what_a_step_announces_is_leased_with_its_commit_and_forgotten_on_one_more_trip(
    database: Database,
) -> None:
    # Goal: whoever waits for an answer waits for each of these.
    topics = RecordingTopics()
    sender = relay(database, topics)
    sender.run(lambda tx: announce(tx, 1), given.cause())  # prepared by now

    with counted() as trips:
        sender.run(lambda tx: announce(tx, 2), given.cause())

    assert len(trips) == 2
    assert numbers(topics) == [1, 2]
    assert given.rows(database, LEFT) == [(0,)]


def test_topics_and_queues_are_sent_to_after_the_same_commit(database: Database) -> None:
    topics, queues = RecordingTopics(), RecordingQueues()

    def step(tx: Transaction) -> str:
        announce(tx, 1)
        tx.write(outbox.put(tx, PlaceOrder(order_id="ord_1", priority="bulk")))
        return "done"

    assert relay(database, topics, queues).run(step, given.cause()) == "done"

    assert numbers(topics) == [1]
    assert len(queues.added) == 1


def test_whoever_commits_behind_a_lease_leaves_it_to_its_holder(database: Database) -> None:
    # Goal: the second must not overtake the first, whose publish hangs, and must not be left lying.
    publishing, may_go_on = Event(), Event()

    def hang(_topic: str, _key: str) -> None:
        publishing.set()
        assert may_go_on.wait(timeout=30)

    slow, fast = RecordingTopics(before=hang), RecordingTopics()
    with ThreadPoolExecutor(max_workers=1) as pool:
        first = pool.submit(relay(database, slow).run, lambda tx: announce(tx, 1), given.cause())
        assert publishing.wait(timeout=30)
        relay(database, fast).run(lambda tx: announce(tx, 2), given.cause())
        assert numbers(fast) == []
        may_go_on.set()
        first.result(timeout=30)

    assert numbers(slow) == [1, 2]
    assert given.rows(database, LEFT) == [(0,)]


def test_whoever_commits_when_the_holder_is_done_sends_it_itself(database: Database) -> None:
    # Goal: the lane was leased when the second looked, and free when it had committed.
    topics = RecordingTopics()
    first, second = relay(database, topics), relay(database, topics)
    claims: list[int] = []

    def behind(tx: Transaction) -> None:
        announce(tx, 2)
        claims.append(len(outbox.claim_own(tx, tx.now, 1)()))
        # The first is done only now: its last look at the lane does not see what is uncommitted.
        first.send({"topic/order-events/ord_1"}, leased)

    database.run(lambda tx: announce(tx, 1), given.cause())
    leased = outbox.claim(database, None, database.now(), 1)
    second.run(behind, given.cause())

    assert claims == [0]
    assert numbers(topics) == [1, 2]
    assert given.rows(database, LEFT) == [(0,)]


def test_what_was_left_in_the_lane_goes_first(database: Database, clock: TestClock) -> None:
    topics = RecordingTopics(before=down("order-events"))
    sender = relay(database, topics)
    sender.run(lambda tx: announce(tx, 1), given.cause())
    topics.before = lambda _topic, _key: None
    clock.now += LEASE * 2

    sender.run(lambda tx: announce(tx, 2), given.cause())

    assert numbers(topics) == [1, 2]


def test_a_step_that_is_run_anew_sends_what_its_last_run_announced(database: Database) -> None:
    topics = RecordingTopics()
    runs = 0

    def step(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        announce(tx, runs)
        if runs == 1:
            raise LostRace("another was faster")

    relay(database, topics).run(step, given.cause())

    assert numbers(topics) == [2]
    assert given.rows(database, LEFT) == [(0,)]


def test_a_lease_that_commits_with_its_rows_lets_them_wait_for_the_disk(
    database: Database,
) -> None:
    # Goal: a lease of its own does not wait, and says so for its transaction; this one must not.
    def step(tx: Transaction) -> str:
        tx.row(text("SELECT set_config('synchronous_commit', :waits, true)"), waits="on")
        announce(tx, 1)
        assert len(outbox.claim_own(tx, tx.now, 1)()) == 1
        row = tx.row(text("SELECT current_setting('synchronous_commit') AS waits"))
        assert row is not None
        return str(row.waits)

    assert database.run(step, given.cause()) == "on"


def test_a_step_that_fails_leases_and_sends_nothing(database: Database) -> None:
    topics = RecordingTopics()

    def step(tx: Transaction) -> None:
        announce(tx, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        relay(database, topics).run(step, given.cause())

    assert topics.sent == []
    assert given.rows(database, LEFT) == [(0,)]
