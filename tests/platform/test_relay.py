"""Outbox and relay: everything that is announced arrives, in order per lane."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from threading import Barrier, Event
from typing import Any

import pytest

from shared.contracts.order_facts import OrderClosed
from shared.contracts.parcels import ParcelCancelled
from shared.contracts.stock_facts import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.platform import outbox, trace
from shared.platform.config import Config
from shared.platform.db import Database, Transaction, connect
from shared.platform.outbox import LEASE, Outgoing
from shared.platform.sql import text
from shared.platform.trace import Step
from tests.platform.doubles import RecordingQueues, RecordingTopics, down, relay
from tests.support import given
from tests.support.clock import TestClock

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LEFT = "SELECT count(*) FROM outbox"


Announced = OrderClosed | StockIncreased | ParcelCancelled | PlaceOrder


def fact(order_id: str, number: int = 1) -> OrderClosed:
    return OrderClosed(order_id=order_id, state="cancelled", reason=str(number))


def lane(order_id: str) -> str:
    return f"topic/order-events/{order_id}"


def announce(database: Database, *messages: Announced) -> set[str]:
    """Announce in one transaction; returns the lanes that a function would send at once."""
    lanes: set[str] = set()

    def put(tx: Transaction) -> None:
        tx.write(outbox.put(tx, *messages))

    database.run(put, given.cause(), then=lanes.update)
    return lanes


def numbers(topics: RecordingTopics, order_id: str) -> list[int]:
    """The numbers of one order's facts as they were published."""
    return [int(OrderClosed.decode(body).reason) for _, key, body in topics.sent if key == order_id]


def test_what_a_transaction_announced_is_sent_and_forgotten(database: Database) -> None:
    topics, queues = RecordingTopics(), RecordingQueues()
    lanes = announce(database, fact("ord_1"), PlaceOrder(order_id="ord_1", priority="bulk"))

    relay(database, topics, queues).send(lanes)

    assert [(topic, key) for topic, key, _ in topics.sent] == [("order-events", "ord_1")]
    ((queue, attributes, body),) = queues.added.values()
    assert queue == "placement-bulk"
    assert attributes["ce-type"] == "dispatch.work.place_order.v1"
    assert PlaceOrder.decode(body).order_id == "ord_1"
    assert given.rows(database, LEFT) == [(0,)]


def test_a_step_that_rolls_back_announces_nothing(database: Database) -> None:
    def put_and_die(tx: Transaction) -> None:
        tx.write(outbox.put(tx, fact("ord_1")))
        raise RuntimeError("died before the commit")

    with pytest.raises(RuntimeError):
        database.run(put_and_die, given.cause())

    assert relay(database, RecordingTopics()).sweep() == 0


def test_a_lane_keeps_the_order_in_which_it_was_written(database: Database) -> None:
    topics = RecordingTopics()
    for number in range(5):
        announce(database, fact("ord_1", 2 * number), fact("ord_1", 2 * number + 1))
        announce(database, fact("ord_2", number))

    assert relay(database, topics).sweep() == 15

    assert numbers(topics, "ord_1") == list(range(10))
    assert numbers(topics, "ord_2") == list(range(5))


def test_ten_relays_at_once_send_each_fact_once_and_each_lane_in_order(
    database: Database, config: Config, clock: TestClock
) -> None:
    # Goal: a lane is in one hand only. Ten sweeps race over twenty lanes while facts come in.
    topics = RecordingTopics()
    names = [f"ord_{n}" for n in range(20)]
    for number in range(3):
        announce(database, *(fact(name, number) for name in names))
    start = Barrier(11)

    def sweep(_worker: int) -> int:
        with closing(connect(config.model_copy(update={"pool_size": 1}), clock)) as own:
            start.wait(timeout=30)
            sender = relay(own, topics)
            return sum(sender.sweep() for _ in range(5))

    def write() -> None:
        start.wait(timeout=30)
        for number in range(3, 6):
            announce(database, *(fact(name, number) for name in names))

    with ThreadPoolExecutor(max_workers=11) as pool:
        sweeps = [pool.submit(sweep, worker) for worker in range(10)]
        pool.submit(write).result(timeout=60)
        sent = sum(future.result(timeout=60) for future in sweeps)
    sent += relay(database, topics).sweep()

    assert sent == 120
    assert len(set(topics.ids)) == 120
    assert {name: numbers(topics, name) for name in names} == {
        name: list(range(6)) for name in names
    }


def test_of_ten_relays_some_die_at_any_point_and_nothing_is_lost_or_reordered(
    database: Database, clock: TestClock
) -> None:
    # Goal: a relay may die before it publishes, between two publishes, and before it forgets. What
    # comes again comes under its old id, after all that had come before it in its lane.
    topics = RecordingTopics()
    names = [f"ord_{n}" for n in range(30)]
    for number in range(4):
        announce(database, *(fact(name, number) for name in names))

    def die_after(calls: int) -> Callable[[str, str], None]:
        left = count(calls, -1)

        def die(_topic: str, _key: str) -> None:
            if next(left) == 0:
                raise SystemExit

        return die

    for calls in range(10):
        topics.before = die_after(calls)
        with suppress(SystemExit):
            relay(database, topics).sweep()
        clock.now += LEASE * 2
    topics.before = lambda _topic, _key: None
    relay(database, topics).sweep()

    assert given.rows(database, LEFT) == [(0,)]
    for name in names:
        assert list(dict.fromkeys(numbers(topics, name))) == [0, 1, 2, 3]


def test_while_a_lane_is_being_sent_nobody_else_sends_what_follows_in_it(
    database: Database,
) -> None:
    # Goal: the second fact must not overtake the first one, whose publish hangs.
    publishing, may_go_on = Event(), Event()

    def hang(_topic: str, _key: str) -> None:
        publishing.set()
        assert may_go_on.wait(timeout=10)

    slow, fast = RecordingTopics(before=hang), RecordingTopics()
    lanes = announce(database, fact("ord_1", 1))
    with ThreadPoolExecutor(max_workers=1) as pool:
        first = pool.submit(relay(database, slow).send, lanes)
        assert publishing.wait(timeout=10)
        announce(database, fact("ord_1", 2), fact("ord_2", 1))

        relay(database, fast).send({lane("ord_1"), lane("ord_2")})
        assert [key for _, key, _ in fast.sent] == ["ord_2"]
        may_go_on.set()
        first.result(timeout=10)

    # Whoever holds the lane looks again when it is done, and finds what came meanwhile.
    assert numbers(slow, "ord_1") == [1, 2]
    assert given.rows(database, LEFT) == [(0,)]


def test_a_sweep_sends_the_few_before_the_many(database: Database) -> None:
    # Goal: one express order does not wait until five hundred bulk ones have been added.
    queues = RecordingQueues()
    announce(database, *(PlaceOrder(order_id=f"b{n}", priority="bulk") for n in range(20)))
    announce(database, PlaceOrder(order_id="e", priority="express"))

    relay(database, RecordingTopics(), queues).sweep()

    sent = [queue for queue, _, _ in queues.added.values()]
    assert sent == ["placement-express"] + ["placement-bulk"] * 20


def test_the_lease_of_a_dead_relay_ends_and_a_sweep_sends(
    database: Database, clock: TestClock
) -> None:
    def die(_topic: str, _key: str) -> None:
        raise SystemExit

    lanes = announce(database, fact("ord_1"))
    with pytest.raises(SystemExit):
        relay(database, RecordingTopics(before=die)).send(lanes)
    topics = RecordingTopics()

    clock.now += LEASE
    assert relay(database, topics).sweep() == 0
    clock.advance(microseconds=1)

    assert relay(database, topics).sweep() == 1
    assert given.rows(database, LEFT) == [(0,)]


def test_a_relay_that_dies_after_sending_sends_again_under_the_same_event_id(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: at least once, recognisably: the receiver's inbox drops the second.
    claim = outbox.claim

    def die_when_it_was_sent(*args: Any) -> Sequence[Outgoing]:
        *_, sent = args
        if sent:
            raise SystemExit
        return claim(*args)

    topics = RecordingTopics()
    lanes = announce(database, fact("ord_1"))
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "claim", die_when_it_was_sent)
        with pytest.raises(SystemExit):
            relay(database, topics).send(lanes)
    clock.now += LEASE * 2

    relay(database, topics).sweep()

    first, second = topics.ids
    assert first == second


def test_work_that_was_added_before_its_queue_failed_is_not_added_twice(
    database: Database, clock: TestClock
) -> None:
    failing = [True]

    def fail_on_the_second(queue: str, name: str) -> None:
        if failing and queues.added:
            failing.clear()
            down(queue)(queue, name)

    queues = RecordingQueues(before=fail_on_the_second)
    work = [PlaceOrder(order_id=f"ord_{n}", priority="bulk") for n in range(3)]
    lanes = announce(database, *work)
    sender = relay(database, RecordingTopics(), queues)

    sender.send(lanes)
    clock.now += LEASE * 2
    sender.sweep()

    assert sorted(PlaceOrder.decode(body).order_id for _, _, body in queues.added.values()) == [
        "ord_0",
        "ord_1",
        "ord_2",
    ]
    assert given.rows(database, LEFT) == [(0,)]


def test_a_row_with_a_lower_id_that_commits_later_is_not_lost(database: Database) -> None:
    # Goal: ids are handed out before commit. A relay that remembered how far it had read would
    # never see the row of the slow transaction.
    topics = RecordingTopics()
    sender = relay(database, topics)

    def slow(tx: Transaction) -> None:
        tx.write(outbox.put(tx, fact("ord_slow")))
        announce(database, fact("ord_fast"))
        assert sender.sweep() == 1

    database.run(slow, given.cause())

    assert sender.sweep() == 1
    assert [key for _, key, _ in topics.sent] == ["ord_fast", "ord_slow"]


def test_a_database_that_goes_away_after_the_commit_does_not_undo_what_happened(
    database: Database,
) -> None:
    # Goal: the function has done its work; failing now would only repeat it.
    lanes = announce(database, fact("ord_1"))
    database.statement(text("ALTER TABLE outbox RENAME TO outbox_away"))
    try:
        with pytest.raises(Exception, match="refused a statement"):
            relay(database, RecordingTopics()).sweep()
    finally:
        database.statement(text("ALTER TABLE outbox_away RENAME TO outbox"))

    assert relay(database, RecordingTopics()).sweep() == len(lanes)


def test_nothing_announced_is_nothing_written(database: Database) -> None:
    def put(tx: Transaction) -> None:
        tx.write(outbox.put(tx))

    seen: list[set[str]] = []
    database.run(put, given.cause(), then=seen.append)

    assert given.rows(database, LEFT) == [(0,)]
    assert seen == []


def test_the_attributes_of_an_event_tell_its_cause(database: Database) -> None:
    cause = given.cause()
    database.run(lambda tx: tx.write(outbox.put(tx, fact("ord_1"))), cause)

    ((attributes, event_id),) = given.rows(database, "SELECT attributes, event_id FROM outbox")

    assert attributes == {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": "dispatch.order.closed.v1",
        "ce-source": "//dispatch",
        "ce-time": "2026-03-02T12:00:00+00:00",
        "ce-subject": "ord_1",
        "ce-correlationid": cause.correlation_id,
        "ce-causationid": cause.event_id,
        "content-type": "application/json",
    }


def test_only_what_may_be_lost_with_the_power_does_not_wait_for_the_disk(config: Config) -> None:
    # Goal: leases and receipts are cheap, and whatever else the same connection commits is durable.
    alone = config.model_copy(update={"pool_size": 1})
    with closing(connect(alone, TestClock())) as database:
        database.statement(text("DELETE FROM outbox"))
        database.statement(text("SET synchronous_commit = on"))
        announce(database, fact("ord_1"))

        def durable() -> str:
            ((setting,),) = given.rows(database, "SHOW synchronous_commit")
            return str(setting)

        (leased,) = outbox.claim(database, None, database.now(), 1)
        assert durable() == "on"
        outbox.claim(database, [], database.now(), 1, sent=[leased])

        assert durable() == "on"
        assert given.rows(database, LEFT) == [(0,)]
        lane, outbox_id = announced_again(database)
        (waits,) = database.statement(
            text(
                f"{outbox._SENT.written} RETURNING current_setting('synchronous_commit') AS waits"
            ),
            lanes=[lane],
            ids=[outbox_id],
        )
        assert waits.waits == "off"


def announced_again(database: Database) -> tuple[str, int]:
    announce(database, fact("ord_2"))
    ((lane, outbox_id),) = given.rows(database, "SELECT lane, outbox_id FROM outbox")
    return str(lane), int(outbox_id)


def test_a_message_that_is_swept_up_later_continues_the_trace_in_which_it_was_announced(
    database: Database,
) -> None:
    # Goal: the place in the trace is kept with the row, and not that of whoever sends it.
    topics, queues = RecordingTopics(), RecordingQueues()
    with Step("step", "consumer", trace.parse(f"00-{TRACE}-00f067aa0ba902b7-01")):
        at = trace.current()
        announce(database, fact("ord_1"), PlaceOrder(order_id="ord_1", priority="bulk"))
    assert at is not None

    with Step("sweep", "server", None):
        relay(database, topics, queues).sweep()

    ((_, headers, _),) = queues.added.values()
    assert topics.attributes[0]["ce-traceparent"] == headers["traceparent"] == at.header
    assert at.trace_id == TRACE


def test_outside_of_a_step_a_message_belongs_to_no_trace(database: Database) -> None:
    queues = RecordingQueues()
    announce(database, PlaceOrder(order_id="ord_1", priority="bulk"))

    relay(database, RecordingTopics(), queues).sweep()

    ((_, headers, _),) = queues.added.values()
    assert headers == {
        "ce-type": "dispatch.work.place_order.v1",
        "ce-time": "2026-03-02T12:00:00+00:00",
        "ce-correlationid": headers["ce-correlationid"],
    }
