"""A process killed at any moment of its work leaves nothing half done, and the work is done again.

Real processes, real SIGKILL, the real Postgres, Google's stand-ins and the carrier simulator. Each
test counts the moments of an undisturbed run, then does the same work once for each of them, killed
there. After every kill the auditor must find nothing; then the work is done again, as its queue
would, and a sweep sends what was left, and all must be as if nothing had happened.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest

from shared.carriers.store import LEASE as PURCHASE_LEASE
from shared.flows.buy_label import PurchaseUnderWay
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.outbox import LEASE as OUTBOX_LEASE
from tests.conformance.cloud import Cloud, connect, start, stop
from tests.easypost.simulator import Simulator, running
from tests.flows.crashing import Crashing, Job, Worker
from tests.flows.doubles import labelled, parcels_of
from tests.flows.updates import body, received
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty, settings

pytestmark = pytest.mark.slow

PROJECT = "projects/dispatch-test"
TOPICS = ("order-events", "parcel-events", "delivery-events")
LABELS = f"{PROJECT}/locations/europe-west1/queues/labels-correios"
DOCUMENTS = f"{PROJECT}/locations/europe-west1/queues/documents"
END = "test.end"  # published last, so that nobody waits for what does not come

# Everything that is to be the same after a crash: without the ids and times that each run makes.
FACTS = {
    "orders": "SELECT state FROM orders",
    "lines": "SELECT sku, allocated, backordered, cancelled FROM order_lines ORDER BY 1",
    "parcels": "SELECT warehouse, carrier, state, weight_g, quoted_cents, tracking_status"
    " FROM parcels ORDER BY 1",
    "items": "SELECT sku, quantity FROM parcel_items ORDER BY 1",
    "stock": "SELECT sku, warehouse, on_hand, reserved FROM stock_levels ORDER BY 1, 2",
    "movements": "SELECT sku, kind, quantity FROM stock_movements ORDER BY 1, 2, 3",
    "decisions": "SELECT outcome, cost_cents FROM placement_decisions",
    "labels": "SELECT state FROM labels",
    "history": "SELECT status FROM tracking_events ORDER BY occurred_at",
    "inbox": "SELECT consumer FROM inbox",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event as a subscriber saw it."""

    event_id: str
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class World:
    """The outside of the work: where its messages go and who sells labels."""

    cloud: Cloud
    simulator: Simulator
    config: Config
    crashing: Crashing
    subscriptions: dict[str, str] = field(default_factory=dict)

    def provide(self) -> None:
        """Make the topics and queues; the queues hold their tasks back."""
        for topic in TOPICS:
            self.cloud.publisher.create_topic(request={"name": f"{PROJECT}/topics/{topic}"})
            self.subscriptions[topic] = self.cloud.subscribe(
                f"{PROJECT}/topics/{topic}", enable_message_ordering=True
            )
        parent = LABELS.partition("/queues/")[0]
        for queue in (LABELS, DOCUMENTS):
            self.cloud.tasks.create_queue(request={"parent": parent, "queue": {"name": queue}})
            self.cloud.tasks.pause_queue(request={"name": queue})

    def arrived(self, topic: str, order_id: str) -> list[Arrived]:
        """All that has come to the topic's subscriber about the order, in its order."""
        self.cloud.publish(
            f"{PROJECT}/topics/{topic}",
            {"data": b"", "ordering_key": order_id, "attributes": {"ce-type": END, "ce-id": END}},
        )
        found: list[Arrived] = []
        while not found or found[-1].kind != END:
            for pulled in self.cloud.pull(self.subscriptions[topic]):
                self.cloud.acknowledge(self.subscriptions[topic], pulled.ack_id)
                message = pulled.message
                assert message.ordering_key == order_id
                kind = message.attributes["ce-type"]
                found.append(Arrived(message.attributes["ce-id"], kind, message.data))
        return found[:-1]

    def given_out(self) -> list[str]:
        """The parcels of the labels that were given out to be bought since the last time."""
        tasks = self.cloud.tasks.list_tasks(request={"parent": LABELS, "response_view": "FULL"})
        parcels = sorted(json.loads(task.http_request.body)["parcel_id"] for task in tasks)
        self.cloud.tasks.purge_queue(request={"name": LABELS})
        return parcels


@pytest.fixture(scope="module")
def world(config: Config) -> Iterator[World]:
    process, addresses = start()
    try:
        with running("--step-s", "60") as simulator:
            assert config.database_url is not None
            environment = {
                "database_url": config.database_url.get_secret_value(),
                "pubsub_address": addresses["pubsub"],
                "tasks_address": addresses["tasks"],
                "easypost_api_base": simulator.api_base,
                "easypost_api_key": "EZTK_test",
            }
            own = settings(environment.pop("database_url"), **environment)
            crashing = Crashing(_as_environment(own))
            made = World(connect(addresses), simulator, own, crashing)
            made.provide()
            yield made
            crashing.close()
    finally:
        stop(process)


@pytest.fixture
def worker(world: World, clock: TestClock) -> Iterator[Worker]:
    """Who does the work again."""
    found = Worker(world.config, clock)
    yield found
    found.close()


def _as_environment(config: Config) -> dict[str, str]:
    plain = config.model_dump(exclude_unset=True)
    return {
        f"DISPATCH_{name.upper()}": str(
            value.get_secret_value() if hasattr(value, "get_secret_value") else value
        )
        for name, value in plain.items()
    }


def facts(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {name: given.rows(database, sql) for name, sql in FACTS.items()}


def once(messages: list[Arrived]) -> list[Arrived]:
    """The first arrival of each event."""
    return list({message.event_id: message for message in reversed(messages)}.values())[::-1]


@dataclass(slots=True)
class Scenario:
    """One piece of work: how it comes about, what it tells, and where it may be found standing.

    `prepare` makes all that the work for an order id starts from. `tells` has the types of events
    by topic, in order. `standing` is a query; `seen` has what it found after each kill.
    """

    world: World
    worker: Worker
    clock: TestClock
    prepare: Callable[[str], Job]
    standing: str
    tells: dict[str, list[str]]
    gives_out_labels: bool = False
    seen: list[list[tuple[Any, ...]]] = field(default_factory=list)

    def run_through(self) -> list[str]:
        """Kill the work at each of its moments; returns the moments."""
        job = self._begin("ord_undisturbed")
        moments = self.world.crashing.moments(job, self.clock.now)
        undisturbed = facts(self.worker.database)
        self._check_messages("ord_undisturbed")
        for moment, expected in enumerate(moments):
            order_id = f"ord_killed_{moment}"
            job = self._begin(order_id)

            word = self.world.crashing.kill(job, self.clock.now, moment)

            when = f"killed before {moment}, {word}"
            assert word == expected
            assert given.violations(self.worker.database) == [], when
            self.seen.append(given.rows(self.worker.database, self.standing))
            self._do_again(job)
            assert facts(self.worker.database) == undisturbed, when
            assert given.violations(self.worker.database) == [], when
            self._check_messages(order_id)
        return moments

    def _begin(self, order_id: str) -> Job:
        empty(self.worker.database)
        job = self.prepare(order_id)
        given.silence(self.worker.database)
        return job

    def _do_again(self, job: Job) -> None:
        """What the queue does at once and, where that was too early, once more; then the sweep."""
        try:
            self.worker.do(job)
        except PurchaseUnderWay:
            self.clock.now += PURCHASE_LEASE
            self.worker.do(job)
        self.clock.now += OUTBOX_LEASE + timedelta(microseconds=1)
        self.worker.relay.sweep()
        assert given.rows(self.worker.database, "SELECT count(*) FROM outbox") == [(0,)]

    def _check_messages(self, order_id: str) -> None:
        for topic in TOPICS:
            kinds = [message.kind for message in once(self.world.arrived(topic, order_id))]
            assert kinds == self.tells.get(topic, []), (topic, order_id)
        parcels = given.rows(self.worker.database, "SELECT parcel_id FROM parcels ORDER BY 1")
        wanted = [parcel for (parcel,) in parcels] if self.gives_out_labels else []
        assert self.world.given_out() == wanted, order_id


def steps(scenario: Scenario) -> list[list[tuple[Any, ...]]]:
    """What was seen after the kills, without repetitions in a row."""
    return [found for found, _ in groupby(scenario.seen)]


def test_a_placement_killed_at_any_moment_is_whole_or_not_there_and_is_completed(
    world: World, worker: Worker, clock: TestClock
) -> None:
    def waiting_order(order_id: str) -> Job:
        given.catalogue(worker.database, {"BER": {"MUG": 5}, "LIS": {"PEN": 5}})
        given.order(worker.database, order_id, {"MUG": 1, "PEN": 2})
        return Job("place", order_id, event_id=f"task_{order_id}")

    scenario = Scenario(
        world,
        worker,
        clock,
        waiting_order,
        standing="SELECT state, (SELECT count(*) FROM parcels) FROM orders",
        tells={
            "order-events": ["dispatch.order.placed.v1"],
            "parcel-events": ["dispatch.parcel.planned.v1", "dispatch.parcel.planned.v1"],
        },
        gives_out_labels=True,
    )
    moments = scenario.run_through()

    assert steps(scenario) == [[("waiting", 0)], [("placed", 2)]]
    committed = moments.index("commit")
    sent = [word for word in moments[committed:] if word.startswith(("publish", "add"))]
    assert sent == [
        "publish order-events",
        "publish parcel-events",
        "add to labels-correios",
        "add to labels-correios",
    ]


def test_a_purchase_killed_at_any_moment_buys_one_label(
    world: World, worker: Worker, clock: TestClock
) -> None:
    # Goal: above all the moments around the three calls to the carrier.
    def planned_parcel(order_id: str) -> Job:
        given.catalogue(worker.database, {"BER": {"MUG": 5}})
        given.order(worker.database, order_id, {"MUG": 1})
        given.place(worker.database, order_id)
        (parcel_id,) = parcels_of(worker.database, order_id)
        return Job("buy", parcel_id, event_id=f"task_{order_id}")

    scenario = Scenario(
        world,
        worker,
        clock,
        planned_parcel,
        standing="SELECT parcels.state, labels.state FROM parcels LEFT JOIN labels"
        " USING (parcel_id)",
        tells={"parcel-events": ["dispatch.parcel.labelled.v1"]},
    )
    before = world.simulator.stats()

    moments = scenario.run_through()

    assert steps(scenario) == [
        [("planned", None)],
        [("labelling", "requested")],
        [("labelled", "bought")],
    ]
    calls = [word.split()[0] for word in moments if word.startswith(("GET", "POST"))]
    assert calls == ["GET", "POST", "POST"]
    after = world.simulator.stats()
    # Each run has its label, as the facts say, so none of them has two.
    assert after["labels_bought"] - before["labels_bought"] == 1 + len(moments)


def test_an_update_killed_at_any_moment_is_folded_in_once(
    world: World, worker: Worker, clock: TestClock
) -> None:
    def update_of_a_labelled_parcel(order_id: str) -> Job:
        given.catalogue(worker.database, {"BER": {"MUG": 5}})
        given.order(worker.database, order_id, {"MUG": 2})
        given.place(worker.database, order_id)
        (code,) = labelled(worker.database, order_id)
        way = [("in_transit", clock.now), ("delivered", clock.now + timedelta(hours=20))]
        event = received(worker.database, body(code, way))
        return Job("track", event.update_id, event_id=f"evt_{order_id}", tracking_code=code)

    scenario = Scenario(
        world,
        worker,
        clock,
        update_of_a_labelled_parcel,
        standing="SELECT parcels.state, orders.state, on_hand, (SELECT count(*) FROM inbox)"
        " FROM parcels JOIN orders USING (order_id), stock_levels",
        tells={
            "delivery-events": ["dispatch.delivery.updated.v1"],
            "order-events": ["dispatch.order.closed.v1"],
        },
    )
    scenario.run_through()

    assert steps(scenario) == [
        [("labelled", "placed", 5, 0)],
        [("delivered", "delivered", 3, 1)],
    ]
