"""A letter tells what was refused, why, since when, how often, and about which order."""

from collections.abc import Callable

import pytest
from flask import Request
from flask.testing import FlaskClient

from shared.contracts.orders import OrderSubmitted
from shared.contracts.parcels import CarrierUpdateReceived
from shared.contracts.work import PlaceOrder
from shared.edge import pubsub, tasks
from shared.kit.errors import Fault, NotYet
from shared.platform import failed_attempts
from shared.platform.db import BrokenStatement, Database, DatabaseUnavailable
from shared.platform.failed_attempts import Failed, Failure
from tests.edge.serving import Caller, failing, function, served
from tests.flows.doubles import labelled, parcels_of
from tests.letters.letters import (
    INTAKE,
    SUBMITTED,
    dead,
    label_for,
    only,
    park,
    refuse_unknown_sku,
    work_on,
)
from tests.support import given
from tests.support.clock import TestClock

BODY = given.submitted("ord_1", {"MUG": 1}).encode()
GIVEN_UP = {
    **SUBMITTED,
    "CloudPubSubDeadLetterSourceSubscription": INTAKE,
    "CloudPubSubDeadLetterSourceDeliveryCount": "3",
}
NOTES = "SELECT source, message_id, code, attempts FROM failed_attempts"


def hearing(caller: Caller, error: Exception) -> FlaskClient:
    """order_intake with a flow that fails."""

    def consume(request: Request) -> object:
        with failing(error) as flow:
            return pubsub.consume(
                request, caller.services, {OrderSubmitted: flow}, consumer="order_intake"
            )

    return served(consume)  # type: ignore[arg-type]


def working(caller: Caller, error: Exception) -> FlaskClient:
    """placement_worker with a flow that fails."""

    def perform(request: Request) -> object:
        with failing(error) as flow:
            return tasks.perform(request, caller.services, {PlaceOrder: flow})

    return served(perform)  # type: ignore[arg-type]


def push(caller: Caller, client: FlaskClient, attempt: int) -> int:
    return caller.push(client, BODY, SUBMITTED, attempt=attempt, subscription=INTAKE).status_code


def test_a_refusal_keeps_what_kind_it_is_and_which_order_it_is_about(
    caller: Caller, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    refuse_unknown_sku(caller)

    letter = only(database)
    assert letter.why == Failed(
        Failure.REJECTED,
        "unknown_sku",
        "lines.0.sku: GHOST is not in the catalogue",
        {"field": "lines.0.sku", "order_id": "ord_1"},
    )
    assert (letter.order_id, letter.state, letter.history) == ("ord_1", "open", [])
    assert letter.first_failed_at == letter.last_failed_at == letter.parked_at == database.now()


def test_what_pubsub_gives_up_keeps_the_reason_of_its_last_attempt(
    caller: Caller, database: Database, clock: TestClock
) -> None:
    # Goal: Pub/Sub tells how often it tried, and nothing else.
    first_at = clock.now
    push(caller, hearing(caller, NotYet("no such order yet", order_id="ord_1")), 1)
    clock.advance(minutes=1)
    push(caller, hearing(caller, NotYet("no such order yet", order_id="ord_1")), 2)
    clock.advance(minutes=1)
    last_at = clock.now
    push(caller, hearing(caller, Fault("the books do not balance")), 3)
    clock.advance(minutes=1)

    caller.push(function("dead_letter"), BODY, GIVEN_UP, subscription="dead_letter.dead-letters")

    letter = only(database)
    assert letter.why == Failed(Failure.FAULT, "fault", "the books do not balance", {})
    assert (letter.source, letter.message_id, letter.attempts) == (INTAKE, "evt_1", 3)
    assert (letter.first_failed_at, letter.last_failed_at) == (first_at, last_at)
    assert (letter.parked_at, letter.order_id) == (clock.now, "ord_1")
    assert given.rows(database, NOTES) == []


def test_what_is_given_up_keeps_its_reason_when_it_is_forwarded_twice(
    caller: Caller, database: Database, clock: TestClock
) -> None:
    # Goal: the dead-letter topic delivers at least once too, and the note is gone after the first.
    push(caller, hearing(caller, NotYet("no such order yet", order_id="ord_1")), 3)
    dead_letter = function("dead_letter")
    caller.push(dead_letter, BODY, GIVEN_UP, subscription="dead_letter.dead-letters")
    first = only(database)
    clock.advance(minutes=1)

    caller.push(dead_letter, BODY, GIVEN_UP, subscription="dead_letter.dead-letters")

    assert only(database) == first
    assert first.why.code == "not_yet"


def test_what_nobody_could_say_anything_about_is_undeliverable(
    caller: Caller, database: Database
) -> None:
    # Goal: a function that never answers, or whose database is away, leaves no note.
    push(caller, hearing(caller, DatabaseUnavailable("no connection to the database")), 1)
    assert given.rows(database, NOTES) == []

    caller.push(function("dead_letter"), BODY, GIVEN_UP, subscription="dead_letter.dead-letters")

    assert only(database).why == Failed(
        Failure.FAULT, "undeliverable", f"given up after 3 deliveries to {INTAKE}", {}
    )


def test_work_that_is_given_up_knows_since_when_it_failed(
    caller: Caller, database: Database, clock: TestClock
) -> None:
    first_at = clock.now
    caller.task(working(caller, NotYet("busy")), work_on("ord_1"), retries=0, max_attempts=2)
    assert given.rows(database, NOTES) == [("placement-standard", "task_1", "not_yet", 1)]
    clock.advance(minutes=1)

    caller.task(working(caller, RuntimeError("x")), work_on("ord_1"), retries=1, max_attempts=2)

    letter = only(database)
    assert letter.why == Failed(Failure.FAULT, "fault", "RuntimeError", {})
    assert (letter.first_failed_at, letter.last_failed_at) == (first_at, clock.now)
    assert (letter.attempts, letter.correlation_id) == (2, "evt_origin")
    assert given.rows(database, NOTES) == []


def test_what_succeeds_after_all_is_forgotten(caller: Caller, database: Database) -> None:
    # Goal: the table says what is failing now, and does not grow with every hiccup.
    given.catalogue(database, {"BER": {"MUG": 5}})
    push(caller, hearing(caller, NotYet("not yet")), 1)
    caller.task(working(caller, NotYet("not yet")), work_on("ord_1"), max_attempts=3)
    assert len(given.rows(database, NOTES)) == 2

    push(caller, function("order_intake"), 2)
    caller.task(function("placement_worker"), work_on("ord_1"), retries=1)

    assert given.rows(database, NOTES) == []
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]


def test_a_first_attempt_that_succeeds_asks_for_no_note(
    caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: the usual message costs no round trip for a story that it will never have.
    def asked(*_args: object) -> None:
        raise AssertionError

    given.catalogue(database, {"BER": {"MUG": 5}})
    monkeypatch.setattr(failed_attempts, "forget", asked)

    answers = (
        push(caller, function("order_intake"), 1),
        caller.task(function("placement_worker"), work_on("ord_1")).status_code,
    )

    assert answers == (204, 204)


def broken(*_args: object) -> None:
    raise BrokenStatement("the database refused a statement")


@pytest.mark.parametrize(("attempt", "error", "status"), [(1, NotYet("x"), 503), (2, None, 204)])
def test_a_note_that_fails_changes_no_answer(
    *,
    caller: Caller,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    attempt: int,
    error: NotYet | None,
    status: int,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    monkeypatch.setattr(failed_attempts, "note", broken)
    monkeypatch.setattr(failed_attempts, "forget", broken)
    client = hearing(caller, error) if error else function("order_intake")

    assert push(caller, client, attempt) == status


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"\0",
        b"[" * 100_000,
        b"7",
        b'{"order_id": 7}',
        b'{"order_id": "a\\u0000b"}',
        b'{"parcel_id": "par_none"}',
        b'{"tracking_code": "none"}',
    ],
    ids=repr,
)
def test_any_bytes_are_parked_even_if_they_name_no_order(
    database: Database, payload: bytes
) -> None:
    given.apply(database, park, dead(payload=payload, ordering_key="a\0b"))

    letter = only(database)
    assert (letter.payload, letter.order_id) == (payload, None)


def placed(database: Database) -> str:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    (parcel_id,) = parcels_of(database, "ord_1")
    return parcel_id


def by_parcel(database: Database) -> bytes:
    return label_for(placed(database))


def by_tracking_code(database: Database) -> bytes:
    placed(database)
    (code,) = labelled(database, "ord_1")
    return CarrierUpdateReceived(update_id="upd_1", vendor="easypost", tracking_code=code).encode()


@pytest.mark.parametrize("naming", [by_parcel, by_tracking_code])
def test_a_letter_about_a_parcel_is_found_under_its_order(
    database: Database, naming: Callable[[Database], bytes]
) -> None:
    payload = naming(database)

    given.apply(database, park, dead(payload=payload))

    assert only(database).order_id == "ord_1"
