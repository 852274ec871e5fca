"""What is for a topic or a queue that is not there: waited for, and then seen."""

import json
from collections.abc import Iterator, Mapping

import pytest

from shared.contracts.order_facts import OrderClosed
from shared.contracts.work import PlaceOrder
from shared.platform import letters, metrics, outbox
from shared.platform.db import Database
from shared.platform.letters import Wanted
from shared.platform.metrics import Label, Metric
from shared.platform.outbox import LEASE, NoSuchQueue, NoSuchTopic
from shared.platform.relay import MADE_WITHIN, Relay
from tests.platform.doubles import RecordingQueues, RecordingTopics, down, nothing, relay
from tests.support import given
from tests.support.clock import TestClock

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
