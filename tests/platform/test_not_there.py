"""What can never leave as things are: waited for, and then seen. No topic, no right, no form."""

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from shared.contracts.order_facts import OrderClosed
from shared.contracts.work import PlaceOrder
from shared.platform import letters, metrics, outbox
from shared.platform.db import Database
from shared.platform.letters import Wanted
from shared.platform.metrics import Label, Metric
from shared.platform.outbox import (
    LEASE,
    NoSuchQueue,
    NoSuchTopic,
    NotAllowed,
    Outgoing,
    Unfit,
)
from shared.platform.relay import MADE_WITHIN, Relay
from tests.platform.doubles import RecordingQueues, RecordingTopics, down, nothing, relay
from tests.support import given
from tests.support.clock import TestClock

NOT_SENT = "outbox.not_sent"
LEFT = "SELECT count(*) FROM outbox"
LETTERS = "SELECT source, code, reason, attempts, payload FROM dead_letters ORDER BY 1, 2"


class Counted:
    """What was counted, by name and labels."""

    def __init__(self) -> None:
        self.of: list[tuple[str, Mapping[str, Label]]] = []

    def add(self, name: str, metric: Metric, value: float, labels: Mapping[str, Label]) -> None:
        assert (metric.kind, value) == ("counter", 1)
        self.of.append((name, labels))


@pytest.fixture
def counted() -> Iterator[Counted]:
    found = Counted()
    metrics.keep_with(found)
    yield found
    metrics.keep_with(None)


def send_again(database: Database) -> None:
    """A person has made what was missing, and sends the only letter again."""
    found = database.run(lambda tx: letters.page(tx, Wanted(), limit=1), given.cause())
    database.run(lambda tx: tx.write(letters.send_again(tx, found.letters[0])), given.cause())


def test_work_for_a_queue_that_is_not_there_becomes_a_letter_and_can_be_sent_again(
    database: Database, clock: TestClock
) -> None:
    # Goal: nobody looks into the outbox, so what can never leave it must be seen elsewhere. Queues
    # are made while functions run, so that is waited for.
    queues = RecordingQueues(before=down("placement-bulk", NoSuchQueue("there is no such queue")))
    sender = relay(database, RecordingTopics(), queues)
    lost, fine = (PlaceOrder(order_id="ord_1", priority=p) for p in ("bulk", "express"))
    database.run(lambda tx: tx.write(outbox.put(tx, lost, fine)), given.cause())
    sender.sweep()
    clock.now += LEASE
    sender.sweep()
    assert (given.rows(database, LETTERS), given.rows(database, LEFT)) == ([], [(1,)])

    clock.now += MADE_WITHIN
    sender.sweep()

    ((source, code, _, attempts, payload),) = given.rows(database, LETTERS)
    assert (source, code, attempts) == ("placement-bulk", "no_such_queue", 0)
    assert PlaceOrder.decode(bytes(payload)) == lost
    assert given.rows(database, LEFT) == [(0,)]

    queues.before = nothing
    send_again(database)
    sender.sweep()
    assert [name for name, _, _ in queues.added.values()] == ["placement-express", "placement-bulk"]


def test_an_event_for_a_topic_that_is_not_there_becomes_a_letter_and_can_be_sent_again(
    database: Database, clock: TestClock, counted: Counted, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: it is tried some ten times and then seen; whoever is behind it in its lane, in another
    # lane or for another place waits for none of it.
    topics = RecordingTopics(before=down("order-events", NoSuchTopic("there is no such topic")))
    queues = RecordingQueues()
    sender = relay(database, topics, queues)
    first, later = (OrderClosed(order_id="ord_1", state="cancelled", reason=r) for r in "ab")
    database.run(lambda tx: tx.write(outbox.put(tx, first)), given.cause())
    _sweeps(sender, clock, times=8)
    database.run(
        lambda tx: tx.write(outbox.put(tx, later, PlaceOrder(order_id="ord_1", priority="bulk"))),
        given.cause(),
    )
    sender.sweep()
    assert len(queues.added) == 1
    assert given.rows(database, LETTERS) == []

    clock.now += MADE_WITHIN - 8 * LEASE
    sender.sweep()

    ((source, code, reason, _, payload),) = given.rows(database, LETTERS)
    assert (source, code) == ("outbox.order-events", "no_such_topic")
    assert reason == "there is no such topic: order-events"
    assert OrderClosed.decode(bytes(payload)) == first
    assert given.rows(database, "SELECT body FROM outbox") == [(later.model_dump_json(),)]
    assert counted.of == [
        ("dispatch.parked", {"source": "outbox.order-events", "code": "no_such_topic"})
    ]
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [line for line in said if line["message"] == "message.parked"]
    assert (told["code"], told["topic"]) == ("no_such_topic", "order-events")

    topics.before = nothing
    send_again(database)
    clock.now += LEASE * 2
    sender.sweep()
    assert [OrderClosed.decode(body).reason for _, _, body in topics.sent] == ["b", "a"]
    assert given.rows(database, LEFT) == [(0,)]


def _sweeps(sender: Relay, clock: TestClock, times: int) -> None:
    for _ in range(times):
        sender.sweep()
        clock.now += LEASE


def test_who_is_not_there_is_asked_once_in_a_sweep_however_much_is_for_them(
    database: Database, clock: TestClock
) -> None:
    asked: list[str] = []

    def absent(name: str, key: str) -> None:
        asked.append(key)
        raise NoSuchTopic("there is no such topic", topic=name)

    facts = [OrderClosed(order_id=f"ord_{n}", state="cancelled", reason="") for n in range(20)]
    database.run(lambda tx: tx.write(outbox.put(tx, *facts)), given.cause())
    clock.now += MADE_WITHIN

    relay(database, RecordingTopics(before=absent)).sweep()

    assert len(asked) == 1
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(20,)]
    assert given.rows(database, LEFT) == [(0,)]


class Choosy(RecordingTopics):
    """Never takes an event of some reason, and says so as `Topics` does."""

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Take those before it."""
        taken = next(
            n for n, one in enumerate([*messages, None]) if one is None or b"b" in one.body
        )
        super().send(name, ordering_key, messages[:taken], within_s)
        if taken < len(messages):
            raise Unfit("the topic never takes it", taken=taken)


def test_an_event_that_its_topic_never_takes_becomes_a_letter_and_holds_up_nobody_for_ever(
    database: Database, clock: TestClock, counted: Counted
) -> None:
    # Goal: one that is too large must not keep all later ones of its order from being told.
    topics = Choosy()
    sender = relay(database, topics)
    facts = [OrderClosed(order_id="1", state="cancelled", reason=word) for word in "xby"]
    assert [b"b" in one.model_dump_json().encode() for one in facts] == [False, True, False]
    database.run(lambda tx: tx.write(outbox.put(tx, *facts)), given.cause())
    sender.sweep()
    assert (len(topics.sent), given.rows(database, LETTERS)) == (1, [])

    clock.now += MADE_WITHIN
    sender.sweep()
    ((source, code, _, _, payload),) = given.rows(database, LETTERS)
    assert (source, code) == ("outbox.order-events", "unfit")
    assert OrderClosed.decode(bytes(payload)).reason == "b"
    assert [labels["code"] for _, labels in counted.of] == ["unfit"]

    clock.now += LEASE * 2
    sender.sweep()
    assert [OrderClosed.decode(body).reason for _, _, body in topics.sent] == ["x", "y"]
    assert given.rows(database, LEFT) == [(0,)]


def test_what_we_may_not_send_waits_for_the_right_and_is_told_each_minute(
    database: Database, clock: TestClock, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: it heals with the right, so letters by the thousand would be wrong; somebody has to hear
    # of it, and of which topic. Asking for each of many orders would take time from other topics.
    asked: list[str] = []

    def refuse(topic: str, key: str) -> None:
        asked.append(key)
        raise NotAllowed("we may not publish", topic=topic)

    topics, queues = RecordingTopics(before=refuse), RecordingQueues()
    sender = relay(database, topics, queues)
    facts = [OrderClosed(order_id=f"ord_{n}", state="cancelled", reason="") for n in range(20)]
    work = PlaceOrder(order_id="ord_1", priority="bulk")
    database.run(lambda tx: tx.write(outbox.put(tx, *facts, work)), given.cause())
    sender.sweep()
    clock.now += MADE_WITHIN
    sender.sweep()

    assert len(asked) == 2
    assert len(queues.added) == 1
    assert (given.rows(database, LETTERS), given.rows(database, LEFT)) == ([], [(20,)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(one["code"], one["destination"]) for one in lines if one["message"] == NOT_SENT]
    assert told == [("may_not_send", "order-events")] * 2

    topics.before = nothing
    clock.now += LEASE * 2
    sender.sweep()
    assert (len(topics.sent), given.rows(database, LEFT)) == (20, [(0,)])
