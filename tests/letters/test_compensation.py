"""Work that is given up leaves nothing half done, and tells that a person has to look."""

import pytest
from flask import Request
from flask.testing import FlaskClient

from shared.carriers.types import CarrierUnavailable, LabelRequest, RefusedByCarrier
from shared.contracts.base import Cause
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.edge import tasks
from shared.flows.buy_label import buy_label
from shared.flows.cancel_order import cancel_order
from shared.flows.give_up import give_up
from shared.flows.place_order import place_order
from shared.flows.rules import Rules
from shared.kit.errors import Fault, NotYet
from shared.platform.db import Database, Transaction
from shared.platform.dead_letters import LetterState
from tests.edge.serving import Caller, function, served
from tests.flows.doubles import RecordingCarrier, everywhere, labelled, parcels_of
from tests.letters.letters import dead, label_for, only, retry, work_on
from tests.letters.test_story import working
from tests.platform.doubles import RecordingTopics
from tests.support import given

ORDERS = "SELECT state, state_reason FROM orders"
STOCK = "SELECT sum(reserved) FROM stock_levels"


def labelling(caller: Caller, carrier: RecordingCarrier) -> FlaskClient:
    """label_purchase with this carrier."""

    def perform(request: Request) -> object:
        def buy(work: BuyLabel, cause: Cause) -> None:
            buy_label(caller.services.runner(cause), work, everywhere(carrier), Rules())

        return tasks.perform(request, caller.services, {BuyLabel: buy})

    return served(perform)  # type: ignore[arg-type]


def refuse(_request: LabelRequest) -> None:
    raise RefusedByCarrier("no such street", vendor_code="ADDRESS.BAD", field="street1")


def no_answer(_request: LabelRequest) -> None:
    raise CarrierUnavailable("no answer")


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A placed order's parcel."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    given.silence(database)
    (found,) = parcels_of(database, "ord_1")
    return found


def events(topics: RecordingTopics) -> list[tuple[str, str]]:
    return [(topic, key) for topic, key, _ in topics.sent]


@pytest.mark.parametrize("error", [NotYet("busy"), Fault("broken"), RuntimeError("x")])
def test_an_order_whose_placing_is_given_up_waits_for_a_person(
    *, caller: Caller, database: Database, topics: RecordingTopics, error: Exception
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.silence(database)

    caller.task(working(caller, error), work_on("ord_1"), max_attempts=1)

    code = only(database).why.code
    assert given.rows(database, ORDERS) == [("review", f"placing it was given up: {code}")]
    assert events(topics) == [("order-events", "ord_1")]
    assert b"placing it was given up" in topics.sent[0][2]
    assert given.violations(database) == []


def test_what_a_given_up_placement_had_reserved_is_free(caller: Caller, database: Database) -> None:
    # Goal: whatever fails after the reservation takes the reservation with it.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})

    def reserve_and_fail(tx: Transaction, work: PlaceOrder) -> None:
        place_order(tx, work, Rules())
        raise Fault("after the reservation")

    def perform(request: Request) -> object:
        return tasks.perform(
            request,
            caller.services,
            {
                PlaceOrder: lambda work, cause: caller.services.run(
                    lambda tx: reserve_and_fail(tx, work), cause
                )
            },
        )

    caller.task(served(perform), work_on("ord_1"), max_attempts=1)  # type: ignore[arg-type]

    assert given.rows(database, STOCK) == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM parcels") == [(0,)]
    assert given.rows(database, "SELECT state FROM orders") == [("review",)]
    assert given.violations(database) == []


def test_a_backorder_whose_placing_is_given_up_waits_for_a_person_too(
    caller: Caller, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    caller.task(working(caller, Fault("broken")), work_on("ord_1"), max_attempts=1)

    assert given.rows(database, "SELECT state FROM orders") == [("review",)]
    assert given.violations(database) == []


def test_an_order_that_another_attempt_placed_stays_placed(
    caller: Caller, database: Database, topics: RecordingTopics, parcel_id: str
) -> None:
    caller.task(working(caller, NotYet("busy")), work_on("ord_1"), max_attempts=1)

    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert parcels_of(database, "ord_1") == [parcel_id]
    assert only(database).order_id == "ord_1", "parked with its order, not by the way out"
    assert topics.sent == []


@pytest.mark.parametrize(
    ("trouble", "most", "code", "parcel"),
    [
        (refuse, 3, "refused_by_carrier", "planned"),
        (no_answer, 1, "carrier_unavailable", "labelling"),
    ],
)
def test_a_label_that_is_not_to_be_had_marks_the_order_and_keeps_its_goods(
    *,
    caller: Caller,
    database: Database,
    topics: RecordingTopics,
    parcel_id: str,
    trouble: object,
    most: int,
    code: str,
    parcel: str,
) -> None:
    # Goal: the order stands where its units stand; what a person has to look at is its open letter.
    carrier = RecordingCarrier(before=trouble)  # type: ignore[arg-type]

    caller.task(labelling(caller, carrier), label_for(parcel_id), max_attempts=most)

    letter = only(database)
    assert (letter.order_id, letter.why.code, letter.state) == ("ord_1", code, LetterState.OPEN)
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.rows(database, "SELECT state FROM parcels") == [(parcel,)]
    assert given.rows(database, STOCK) == [(2,)]
    assert events(topics) == [("order-events", "ord_1")]
    assert f"parcel {parcel_id} has no label: {code}".encode() in topics.sent[0][2]
    assert given.violations(database) == []


def test_after_a_repair_the_label_is_bought_by_a_retry(
    caller: Caller, database: Database, parcel_id: str
) -> None:
    carrier = RecordingCarrier(before=no_answer)
    client = labelling(caller, carrier)
    caller.task(client, label_for(parcel_id), max_attempts=1)
    retry(caller, only(database).letter_id)
    carrier.before = lambda _request: None

    caller.task(client, label_for(parcel_id), name="task_new")

    assert given.rows(database, "SELECT state FROM parcels") == [("labelled",)]
    assert only(database).state is LetterState.RETRIED
    assert len({request.label_id for request in carrier.asked}) == 1
    assert given.violations(database) == []


def test_an_order_with_a_refused_label_can_still_be_cancelled(
    caller: Caller, database: Database, parcel_id: str
) -> None:
    caller.task(labelling(caller, RecordingCarrier(before=refuse)), label_for(parcel_id))

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    assert given.rows(database, STOCK) == [(0,)]
    assert given.violations(database) == []


def test_a_parcel_that_has_its_label_by_now_needs_nobody(
    caller: Caller, database: Database, topics: RecordingTopics, parcel_id: str
) -> None:
    labelled(database, "ord_1")
    given.silence(database)

    def late(_work: BuyLabel, _cause: Cause) -> None:
        raise NotYet("another attempt is buying it")

    client = served(lambda request: tasks.perform(request, caller.services, {BuyLabel: late}))
    caller.task(client, label_for(parcel_id), max_attempts=1)

    assert topics.sent == []


@pytest.mark.parametrize("work", ["place", "label"])
def test_what_is_told_belongs_to_the_trail_of_the_order(
    database: Database, parcel_id: str, work: str
) -> None:
    # Goal: new stock or a person may have started the work; the order's own trail goes on.
    given.order(database, "ord_2", {"MUG": 1})
    given.silence(database)
    order_id, given_up = {
        "place": ("ord_2", PlaceOrder(order_id="ord_2", priority="standard")),
        "label": ("ord_1", BuyLabel(parcel_id=parcel_id, carrier="correios")),
    }[work]
    letter = dead(payload=given_up.encode(), attributes={"ce-type": given_up.type})

    database.run(lambda tx: give_up(tx, letter, given_up), given.cause())

    assert given.rows(database, "SELECT attributes->>'ce-correlationid' FROM outbox") == given.rows(
        database, f"SELECT correlation_id FROM orders WHERE order_id = '{order_id}'"
    )


def test_work_that_is_given_up_twice_is_told_once(
    caller: Caller, database: Database, topics: RecordingTopics, parcel_id: str
) -> None:
    # Goal: the last attempt's answer may be lost, and the attempt come again.
    client = labelling(caller, RecordingCarrier(before=refuse))

    for _ in range(2):
        caller.task(client, label_for(parcel_id))
    assert len(topics.sent) == 1

    retry(caller, only(database).letter_id)
    caller.task(client, label_for(parcel_id))
    assert len(topics.sent) == 2, "it was open, was sent again, and is open anew"


@pytest.mark.parametrize("body", [b"", b"{}", work_on("ord_none")])
def test_work_that_names_no_order_of_ours_is_parked_and_nothing_else(
    caller: Caller, database: Database, topics: RecordingTopics, body: bytes
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    assert caller.task(function("placement_worker"), body).status_code == 204

    assert only(database).payload == body
    assert topics.sent == []


def test_a_compensation_that_fails_does_not_lose_the_work(
    caller: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: this was the last attempt; what is not parked now is gone.
    def broken(*_args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("shared.flows.give_up.give_up", broken)

    answer = caller.task(working(caller, Fault("x")), work_on("ord_1"), max_attempts=1)

    assert answer.status_code == 204
    assert only(database).message_id == "task_1"
