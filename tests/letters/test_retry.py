"""Sending a letter again: the way it came, once, and back to open when it is refused again."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.contracts.work import PlaceOrder
from shared.flows.each_letter import Result, each_letter
from shared.flows.retry_letter import retry_letter
from shared.kit.errors import Fault, Malformed
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.dead_letters import DeadLetter, LetterState
from shared.platform.letters import LetterSettled, NoWayBack, UnknownLetter
from tests.edge.serving import Caller, function
from tests.letters.letters import (
    INTAKE,
    SUBMITTED,
    dead,
    letter,
    only,
    park,
    refuse_unknown_sku,
    retry,
    work_on,
)
from tests.letters.test_story import working
from tests.platform.doubles import RecordingQueues, RecordingTopics, down
from tests.subscribers import given as webhooks
from tests.subscribers.given import LABELLED
from tests.support import given
from tests.support.clock import TestClock


@pytest.mark.parametrize("source", [INTAKE, f"{INTAKE}.express"])
def test_an_event_is_published_as_it_was_under_its_own_id(
    caller: Caller, database: Database, topics: RecordingTopics, source: str
) -> None:
    # Goal: what came by a lane goes to the topic, as everything does; nothing is called like both.
    given.apply(database, park, dead(source=source, ordering_key="ord_1"))
    parked = only(database)

    retry(caller, parked.letter_id)

    assert topics.sent == [("orders", "ord_1", parked.payload)]
    assert topics.ids == ["evt_1"]
    assert given.rows(database, "SELECT count(*) FROM outbox") == [(0,)]
    settled = only(database)
    assert (settled.state, settled.settled_at) == (LetterState.RETRIED, database.now())
    assert (settled.settled_by, settled.settled_why) == ("ada", "the SKU is there now")


def test_what_pubsub_wrote_on_a_given_up_event_does_not_travel_again(
    caller: Caller, database: Database
) -> None:
    given.apply(
        database,
        park,
        dead(attributes={**SUBMITTED, "CloudPubSubDeadLetterSourceSubscription": INTAKE}),
    )
    letter_id = only(database).letter_id

    database.run(lambda tx: retry_letter(tx, letter_id, Person("ada", "again")), given.cause())

    ((attributes,),) = given.rows(database, "SELECT attributes FROM outbox")
    assert attributes == {**SUBMITTED, "ce-correlationid": only(database).correlation_id}


def test_once_its_cause_is_repaired_the_event_is_applied(
    caller: Caller, database: Database
) -> None:
    refuse_unknown_sku(caller)
    parked = only(database)
    given.catalogue(database, {"BER": {"GHOST": 5}})

    retry(caller, parked.letter_id)
    refuse_unknown_sku(caller)  # what was sent again arrives, under the same event id
    refuse_unknown_sku(caller)  # and once more, as Pub/Sub may

    assert only(database).state is LetterState.RETRIED
    assert given.rows(database, "SELECT order_id, correlation_id FROM orders") == [
        ("ord_1", "trail_1")
    ]
    assert given.rows(
        database, "SELECT consumer, event_id FROM inbox WHERE event_id = 'evt_1'"
    ) == [("order_intake", "evt_1")]


def test_a_letter_of_the_webhooks_tells_its_subscribers_once_after_a_retry(
    caller: Caller, database: Database, topics: RecordingTopics
) -> None:
    subscription = "webhook_events.parcel-events"
    attributes = {**SUBMITTED, "ce-type": LABELLED.type}
    webhooks.subscriber(database)
    letter = dead(source=subscription, attributes=attributes, payload=LABELLED.encode())
    given.apply(database, park, letter)

    retry(caller, only(database).letter_id)
    assert topics.sent == [("parcel-events", "", LABELLED.encode())]
    for _ in range(2):  # as it arrives, and as Pub/Sub may send it once more
        answer = caller.push(
            function("webhook_events"), LABELLED.encode(), attributes, subscription=subscription
        )
        assert answer.status_code == 204

    assert only(database).state is LetterState.RETRIED
    assert given.rows(database, "SELECT event_id, event_type FROM webhook_deliveries") == [
        ("evt_1", LABELLED.type)
    ]


def test_a_letter_that_is_refused_again_is_open_again_with_the_new_reason_and_its_history(
    caller: Caller, database: Database, clock: TestClock
) -> None:
    refuse_unknown_sku(caller)
    first = only(database)
    retry(caller, first.letter_id)
    clock.advance(minutes=5)

    caller.push(
        function("order_intake"), b"{}", SUBMITTED, subscription=INTAKE, message_id="another"
    )

    again = only(database)
    assert (again.state, again.why.code) == (LetterState.OPEN, "malformed")
    assert (again.first_failed_at, again.last_failed_at) == (first.first_failed_at, clock.now)
    assert (again.settled_at, again.settled_by, again.settled_why) == (None, None, None)
    (past,) = again.history
    assert {key: past[key] for key in ("state", "by", "why", "code")} == {
        "state": "retried",
        "by": "ada",
        "why": "the SKU is there now",
        "code": "unknown_sku",
    }
    assert again.attempts == 2


def test_work_is_enqueued_under_a_new_name_and_its_own_event_id(
    caller: Caller, database: Database, queues: RecordingQueues
) -> None:
    # Goal: Cloud Tasks takes and forgets a name that it has seen within the last hours.
    caller.task(function("placement_worker"), work_on("ord_none"))
    parked = only(database)

    retry(caller, parked.letter_id)

    ((name, (queue, headers, body)),) = queues.added.items()
    assert name not in {"", "task_1"}
    assert (queue, body) == ("placement-standard", parked.payload)
    assert headers == {
        "ce-type": PlaceOrder.type,
        "ce-id": "task_1",
        "ce-correlationid": "evt_origin",
    }


def test_work_that_fails_again_is_the_same_letter(caller: Caller, database: Database) -> None:
    caller.task(function("placement_worker"), work_on("ord_none"))
    parked = only(database)
    retry(caller, parked.letter_id)
    headers = {
        "X-CloudTasks-TaskName": "task_new",
        "X-CloudTasks-QueueName": "placement-standard",
        "ce-id": "task_1",
        "ce-correlationid": "evt_origin",
    }

    caller.post(function("placement_worker"), "/", parked.payload, headers)

    again = only(database)
    assert (again.letter_id, again.state) == (parked.letter_id, LetterState.OPEN)
    assert again.correlation_id == "evt_origin"


def test_an_order_whose_placing_was_given_up_is_placed_after_a_retry(
    caller: Caller, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    caller.task(working(caller, Fault("broken")), work_on("ord_1"), max_attempts=1)
    assert given.rows(database, "SELECT state FROM orders") == [("review",)]

    retry(caller, only(database).letter_id)
    assert given.rows(database, "SELECT state, state_reason FROM orders") == [("waiting", "")]
    caller.task(function("placement_worker"), work_on("ord_1"), name="task_new")

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_an_event_without_a_usable_id_gets_one_and_stays_the_same_letter(
    caller: Caller, database: Database, topics: RecordingTopics
) -> None:
    body = given.submitted("ord_1", {"MUG": 1}).encode()
    attributes = {"ce-type": SUBMITTED["ce-type"]}
    caller.push(function("order_intake"), body, attributes, message_id="m_1", subscription=INTAKE)

    retry(caller, only(database).letter_id)

    assert topics.ids == ["m_1"]


def test_a_topic_that_is_down_loses_no_retry(
    caller: Caller, database: Database, topics: RecordingTopics
) -> None:
    given.apply(database, park, dead())
    topics.before = down("orders")

    retry(caller, only(database).letter_id)

    assert given.rows(database, "SELECT destination, event_id FROM outbox") == [("orders", "evt_1")]


@pytest.mark.parametrize(
    "parked",
    [
        dead(payload=b"\xff"),
        dead(payload=b'{"a": "\0"}'),
        dead(source="nowhere"),
    ],
    ids=["no text", "a NUL", "no way"],
)
def test_what_cannot_be_sent_again_stays_open(database: Database, parked: DeadLetter) -> None:
    given.apply(database, park, parked)
    letter_id = only(database).letter_id

    with pytest.raises(NoWayBack):
        database.run(lambda tx: retry_letter(tx, letter_id, Person("ada", "again")), given.cause())

    assert only(database).state is LetterState.OPEN
    assert given.told(database) == []


def test_a_letter_is_retried_once(caller: Caller, database: Database) -> None:
    given.apply(database, park, dead())
    letter_id = only(database).letter_id
    retry(caller, letter_id)

    with pytest.raises(LetterSettled, match="retried by ada"):
        retry(caller, letter_id)
    with pytest.raises(UnknownLetter):
        retry(caller, letter_id + 1)


@pytest.mark.parametrize(("by", "why"), [("", "because"), ("ada", " "), ("ada", "\0")])
def test_who_and_why_are_said(database: Database, by: str, why: str) -> None:
    given.apply(database, park, dead())
    letter_id = only(database).letter_id

    with pytest.raises(Malformed):
        database.run(lambda tx: retry_letter(tx, letter_id, Person(by, why)), given.cause())

    assert only(database).state is LetterState.OPEN


def test_of_two_people_who_retry_at_once_one_does(
    caller: Caller, database: Database, topics: RecordingTopics
) -> None:
    given.apply(database, park, dead())
    letter_id = only(database).letter_id
    start = Barrier(2)

    def attempt(_number: int) -> bool:
        start.wait(timeout=10)
        try:
            retry(caller, letter_id)
        except LetterSettled:
            return False
        return True

    with ThreadPoolExecutor(max_workers=2) as pool:
        done = sorted(pool.map(attempt, range(2)))

    assert done == [False, True]
    assert topics.ids == ["evt_1"]


def test_of_many_letters_each_has_its_own_result(caller: Caller, database: Database) -> None:
    for name in ("evt_1", "evt_2", "evt_3"):
        given.apply(database, park, dead(name, payload=b"\xff" if name == "evt_2" else b"{}"))

    results = each_letter([1, 2, 99, 3], lambda letter_id: retry(caller, letter_id))

    assert [(r.letter_id, r.done, r.code) for r in results] == [
        (1, True, ""),
        (2, False, "no_way_back"),
        (99, False, "unknown_letter"),
        (3, True, ""),
    ]
    assert results[1] == Result(2, False, "no_way_back", "the payload is not text")
    assert [letter(database, n).state for n in (1, 2, 3)] == ["retried", "open", "retried"]
