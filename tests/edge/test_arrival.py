"""One trace through every hop, and what is counted of each step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient

from shared import wiring
from shared.contracts.orders import OrderSubmitted
from shared.contracts.work import PlaceOrder
from shared.edge import tasks
from shared.edge.arrival import SECOND_NANO_USD, kept_busy
from shared.edge.hooks import Hook
from shared.kit.errors import Fault, Rejected
from shared.platform import metrics, trace
from shared.platform.db import Database
from shared.platform.metrics import Label, Metric
from shared.platform.signatures import Trust
from shared.tracking.vendors.table import VENDORS
from tests.edge.serving import Caller, failing, function, served
from tests.edge.test_hooks import SECRET, SIGNATURE, VECTOR, send
from tests.platform.doubles import RecordingQueues, RecordingTopics
from tests.support import given
from tests.support.clock import TestClock

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SUBMITTED = {"ce-type": OrderSubmitted.type, "ce-id": "evt_1", "ce-correlationid": "trail_1"}
WORK = PlaceOrder(order_id="ord_1", priority="standard").encode()


@dataclass
class Told:
    """Keeps every figure with its labels."""

    figures: list[tuple[str, float, Mapping[str, Label]]] = field(default_factory=list)

    def add(self, name: str, _metric: Metric, value: float, labels: Mapping[str, Label]) -> None:
        self.figures.append((name, value, labels))

    def of(self, name: str) -> list[tuple[float, Mapping[str, Label]]]:
        return [(value, labels) for found, value, labels in self.figures if found == name]


@pytest.fixture
def told() -> Iterator[Told]:
    found = Told()
    metrics.keep_with(found)
    yield found
    metrics.keep_with(None)


@pytest.fixture
def intake(database: Database) -> FlaskClient:
    given.catalogue(database, {"BER": {"MUG": 5}})
    return function("order_intake")


@pytest.fixture
def body(intake: FlaskClient) -> bytes:
    return given.submitted("ord_1", {"MUG": 2}).encode()


def test_what_an_event_starts_continues_its_trace(
    caller: Caller, intake: FlaskClient, topics: RecordingTopics, body: bytes
) -> None:
    caller.push(intake, body, {**SUBMITTED, "ce-traceparent": PARENT})

    (attributes,) = topics.attributes
    found = trace.parse(attributes["ce-traceparent"])
    assert found is not None
    assert (found.trace_id, found.sampled) == (TRACE, True)
    assert found.header != PARENT  # under a span of its own


def test_an_event_without_a_trace_begins_one(
    caller: Caller, intake: FlaskClient, topics: RecordingTopics, body: bytes
) -> None:
    caller.push(intake, body, {**SUBMITTED, "ce-traceparent": "nonsense"})

    assert trace.parse(topics.attributes[0]["ce-traceparent"]) is not None


def test_an_event_leads_by_way_of_its_work_to_what_that_announces(
    *,
    caller: Caller,
    database: Database,
    intake: FlaskClient,
    topics: RecordingTopics,
    queues: RecordingQueues,
    body: bytes,
) -> None:
    # Goal: one trace from the channel to the parcel: Pub/Sub, Pub/Sub, Cloud Tasks, Pub/Sub.
    caller.push(intake, body, {**SUBMITTED, "ce-traceparent": PARENT})
    _, _, accepted = topics.sent[0]
    caller.push(
        function("order_placement"), accepted, topics.attributes[0], subscription="order_placement"
    )
    ((_, headers, work),) = queues.added.values()
    caller.post(function("placement_worker"), "/", work, headers)

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    traces = {
        attributes["ce-type"]: trace.parse(attributes["ce-traceparent"]).trace_id  # type: ignore[union-attr]
        for attributes in topics.attributes
    }
    assert len(traces) >= 3
    assert set(traces.values()) == {TRACE}
    assert {
        trace.parse(headers["traceparent"]).trace_id  # type: ignore[union-attr]
        for _, headers, _ in queues.added.values()
    } == {TRACE}


def test_a_strangers_trace_is_continued_and_does_not_make_us_record_it(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, topics: RecordingTopics
) -> None:
    hooks = {"easypost": Hook(VENDORS["easypost"], Trust((SECRET,)))}
    monkeypatch.setattr(wiring, "hooks", lambda: hooks)
    webhook = function("tracking_webhook")
    webhook.environ_base["HTTP_TRACEPARENT"] = PARENT

    assert send(webhook, VECTOR, SIGNATURE).status_code == 204

    found = trace.parse(topics.attributes[0]["ce-traceparent"])
    assert found is not None
    assert (found.trace_id, found.sampled) == (TRACE, False)


def test_a_job_that_announces_begins_a_trace(
    caller: Caller, database: Database, queues: RecordingQueues
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    given.appear(database, "BER", {"MUG": 1})

    caller.post(function("housekeeping"), "/wake-backorders", b"{}")

    ((_, headers, _),) = queues.added.values()
    assert trace.parse(headers["traceparent"]) is not None


def test_work_that_is_parked_keeps_its_place_in_the_trace_for_whoever_sends_it_again(
    caller: Caller, database: Database
) -> None:
    client = served(
        lambda request: tasks.perform(
            request, caller.services, {PlaceOrder: lambda _work, _cause: refuse()}
        )
    )
    headers = {"X-CloudTasks-TaskName": "task_1", "traceparent": PARENT}

    assert caller.post(client, "/", WORK, headers).status_code == 204
    assert given.rows(database, "SELECT attributes->>'traceparent' FROM dead_letters") == [
        (PARENT,)
    ]


def refuse() -> None:
    raise Rejected("never")


def test_a_step_tells_its_message_s_age_its_outcome_and_what_it_cost(
    caller: Caller, intake: FlaskClient, clock: TestClock, body: bytes, told: Told
) -> None:
    announced_at = clock.now.isoformat()
    clock.advance(seconds=7)

    caller.push(intake, body, {**SUBMITTED, "ce-time": announced_at}, attempt=2)

    assert told.of("dispatch.event.age") == [(7.0, {"source": "order_intake-orders"})]
    ((_, attempt),) = told.of("dispatch.attempts")
    assert (attempt["outcome"], attempt["attempt"]) == ("done", 2)
    ((cost, _),) = told.of("dispatch.software.cost")
    ((duration_s, _),) = told.of("dispatch.step.duration")
    assert cost == pytest.approx(0.0000004 + duration_s * 0.00002525, abs=1e-9)


def test_what_steps_cost_is_kept_by_day_once_a_minute(
    caller: Caller, intake: FlaskClient, body: bytes, told: Told, database: Database
) -> None:
    # Goal: the same figure for the database as for whoever reads metrics, and no statement a step.
    kept = "SELECT day::text, steps, nano_usd FROM software_costs"
    caller.push(intake, body, SUBMITTED)
    ((cost, _),) = told.of("dispatch.software.cost")
    first = round(cost * 1e9)
    assert given.rows(database, kept) == [("2026-03-02", 1, first)]

    caller.push(intake, body, SUBMITTED)
    assert given.rows(database, kept) == [("2026-03-02", 1, first)]

    caller.services.software_costs.keep(database)
    total = sum(round(cost * 1e9) for cost, _ in told.of("dispatch.software.cost"))
    assert given.rows(database, kept) == [("2026-03-02", 2, total)]


def test_a_step_that_failed_costs_and_waits_for_no_database(
    caller: Caller, database: Database
) -> None:
    def perform(request: object) -> object:
        with failing(Fault("broken")) as flow:
            return tasks.perform(request, caller.services, {PlaceOrder: flow})  # type: ignore[arg-type]

    caller.task(served(perform), WORK)  # type: ignore[arg-type]
    assert given.rows(database, "SELECT steps FROM software_costs") == []

    caller.services.software_costs.keep(database)
    assert given.rows(database, "SELECT steps FROM software_costs") == [(1,)]


def test_answers_that_go_on_cost_as_long_as_they_keep_an_instance(
    caller: Caller, database: Database
) -> None:
    kept_busy(caller.services, "ops_stream", 2.0)

    kept = "SELECT function, steps, nano_usd FROM software_costs"
    assert given.rows(database, kept) == [("ops_stream", 1, 2 * SECOND_NANO_USD)]


def test_what_is_refused_counts_as_parked_by_its_code(
    caller: Caller, intake: FlaskClient, told: Told
) -> None:
    caller.push(intake, b"{", SUBMITTED)

    assert told.of("dispatch.parked") == [
        (1, {"source": "order_intake-orders", "code": "malformed"})
    ]
    assert [labels["outcome"] for _, labels in told.of("dispatch.attempts")] == ["parked"]


def test_an_attempt_that_fails_counts_as_failed_and_the_ninth_as_one_of_many(
    caller: Caller, told: Told
) -> None:
    def perform(request: object) -> object:
        with failing(Fault("broken")) as flow:
            return tasks.perform(request, caller.services, {PlaceOrder: flow})  # type: ignore[arg-type]

    caller.task(served(perform), WORK, retries=8, max_attempts=20)  # type: ignore[arg-type]

    ((_, labels),) = told.of("dispatch.attempts")
    assert (labels["outcome"], labels["attempt"]) == ("failed", 4)


def test_a_message_from_the_future_is_of_no_age(
    caller: Caller, intake: FlaskClient, body: bytes, told: Told
) -> None:
    caller.push(intake, body, {**SUBMITTED, "ce-time": "2030-01-01T00:00:00Z"})

    assert told.of("dispatch.event.age") == [(0.0, {"source": "order_intake-orders"})]
