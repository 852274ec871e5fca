"""Outbox and relay while a topic or a queue is down, slow or silent: nobody else waits for it."""

from collections.abc import Sequence
from datetime import timedelta

from shared.contracts.parcels import ParcelCancelled
from shared.contracts.stock_facts import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.platform import outbox
from shared.platform.db import Database
from shared.platform.outbox import LEASE, LONGEST_CALL, NoAnswer, NotSent, Outgoing
from shared.platform.relay import MOST_SILENT
from tests.platform.doubles import RecordingQueues, RecordingTopics, down, nothing, relay
from tests.platform.test_relay import LEFT, announce, fact, numbers
from tests.support import given
from tests.support.clock import TestClock


def test_a_topic_that_is_down_leaves_its_rows_to_the_sweep_and_blocks_no_other(
    database: Database, clock: TestClock
) -> None:
    topics, queues = RecordingTopics(before=down("order-events")), RecordingQueues()
    lanes = announce(database, fact("ord_1"), PlaceOrder(order_id="ord_1", priority="bulk"))

    relay(database, topics, queues).send(lanes)
    assert len(queues.added) == 1
    assert given.rows(database, "SELECT destination FROM outbox") == [("order-events",)]
    topics.before = lambda _topic, _key: None
    clock.now += LEASE * 2

    assert relay(database, topics).sweep() == 1
    assert len(topics.sent) == 1


def test_five_hundred_lanes_of_a_topic_that_is_down_do_not_starve_another(
    database: Database,
) -> None:
    # Goal: an outage of one topic stays one; a sweep reaches what is younger than its backlog.
    queues = RecordingQueues()
    announce(database, *(fact(f"ord_{n}") for n in range(500)))
    announce(database, PlaceOrder(order_id="ord_1", priority="express"))
    sender = relay(database, RecordingTopics(before=down("order-events")), queues)

    sender.sweep()

    assert len(queues.added) == 1


def test_a_topic_that_does_not_answer_is_asked_once_in_a_sweep(database: Database) -> None:
    # Goal: each call that is given up takes seconds of the lease from those that would answer.
    asked: list[str] = []

    def silent(topic: str, key: str) -> None:
        asked.append(key)
        raise NoAnswer("the topic does not answer", topic=topic)

    queues = RecordingQueues()
    announce(database, *(fact(f"ord_{n}") for n in range(600)))
    announce(database, PlaceOrder(order_id="ord_1", priority="express"))

    relay(database, RecordingTopics(before=silent), queues).sweep()

    assert len(asked) == 1
    assert len(queues.added) == 1
    assert given.rows(database, LEFT) == [(600,)]


def test_when_two_topics_do_not_answer_no_third_is_asked_and_queues_are(
    database: Database,
) -> None:
    asked: set[str] = set()

    def silent(topic: str, _key: str) -> None:
        asked.add(topic)
        raise NoAnswer("the topic does not answer", topic=topic)

    queues = RecordingQueues()
    announce(
        database,
        fact("ord_1"),
        StockIncreased(warehouse="BER", available={"MUG": 1}),
        ParcelCancelled(parcel_id="ord_1-1", order_id="ord_1"),
        PlaceOrder(order_id="ord_1", priority="express"),
    )

    relay(database, RecordingTopics(before=silent), queues).sweep()

    assert len(asked) == MOST_SILENT
    assert len(queues.added) == 1


def test_nothing_is_begun_that_might_outlast_the_lease(
    database: Database, clock: TestClock
) -> None:
    # Goal: what is still under way when another takes the lane would come behind what that sends.
    def slow(_topic: str, _key: str) -> None:
        clock.now += (LEASE - LONGEST_CALL) / 2 + timedelta(microseconds=1)

    topics = RecordingTopics(before=slow)
    announce(database, *(fact(f"ord_{n}") for n in range(4)))
    leased = outbox.claim(database, None, database.now(), 500)
    ends_at = leased[0].leased_until

    relay(database, topics).send([], leased)

    assert [key for _, key, _ in topics.sent] == ["ord_0", "ord_1"]
    assert clock.now < ends_at
    clock.now = ends_at + timedelta(microseconds=1)
    topics.before = nothing
    assert relay(database, topics).sweep() == 2


def test_what_a_slow_destination_took_is_not_sent_again(
    database: Database, clock: TestClock
) -> None:
    class Slow(RecordingTopics):
        def send(
            self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
        ) -> None:
            super().send(name, ordering_key, messages[:2], within_s)
            raise NotSent("the topic is slow", taken=2)

    topics = Slow()
    announce(database, *(fact("ord_1", number) for number in range(3)))

    relay(database, topics).sweep()
    clock.now += LEASE * 2
    relay(database, RecordingTopics()).sweep()

    assert numbers(topics, "ord_1") == [0, 1]
    assert given.rows(database, LEFT) == [(0,)]
