"""Cloud Tasks: work that is done, comes again, or is parked by its last attempt."""

import pytest
from flask.testing import FlaskClient

from shared.contracts.base import Cause
from shared.contracts.work import BuyLabel, PlaceOrder, VoidLabel
from shared.edge import tasks
from shared.kit.errors import Fault, NotYet, Rejected, TooFast, Untried
from shared.platform.db import Database, DatabaseUnavailable, LostRace
from tests.edge.serving import Caller, failing, function, served
from tests.support import given

WORK = PlaceOrder(order_id="ord_1", priority="standard").encode()
LETTERS = "SELECT source, message_id, code, attempts, payload FROM dead_letters"


def that_fails(caller: Caller, error: Exception) -> FlaskClient:
    def perform(request: object) -> object:
        with failing(error) as flow:
            return tasks.perform(request, caller.services, {PlaceOrder: flow})  # type: ignore[arg-type]

    return served(perform)  # type: ignore[arg-type]


def test_work_is_done_and_acknowledged(caller: Caller, database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})

    answer = caller.task(function("placement_worker"), WORK)

    assert answer.status_code == 204
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_work_that_comes_twice_is_done_once(caller: Caller, database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    worker = function("placement_worker")

    answers = [caller.task(worker, WORK).status_code, caller.task(worker, WORK).status_code]

    assert answers == [204, 204]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(2,)]


def test_the_flow_is_told_the_task_and_its_trail(caller: Caller) -> None:
    seen: list[tuple[PlaceOrder, Cause]] = []
    client = served(
        lambda request: tasks.perform(
            request, caller.services, {PlaceOrder: lambda work, cause: seen.append((work, cause))}
        )
    )

    caller.task(client, WORK)

    assert seen == [(PlaceOrder.decode(WORK), Cause("task_1", "evt_origin"))]


def test_work_of_several_kinds_is_told_apart_by_its_type(
    caller: Caller, database: Database
) -> None:
    done: list[object] = []

    def do(work: object, _cause: Cause) -> None:
        done.append(work)

    client = served(
        lambda request: tasks.perform(request, caller.services, {BuyLabel: do, VoidLabel: do})
    )
    body = BuyLabel(parcel_id="par_1", carrier="correios").encode()
    for name, kind in (("task_1", VoidLabel.type), ("task_2", BuyLabel.type), ("task_3", "x.v1")):
        headers = {"X-CloudTasks-TaskName": name, "ce-type": kind}
        assert caller.post(client, "/", body, headers).status_code == 204

    assert done == [VoidLabel.decode(body), BuyLabel.decode(body)]
    assert given.rows(database, "SELECT message_id, code FROM dead_letters") == [
        ("task_3", "unknown_type")
    ]


@pytest.mark.parametrize(
    ("error", "status"), [(NotYet("later"), 409), (Fault("the secret is swordfish"), 500)]
)
def test_what_may_still_succeed_comes_again_without_slowing_the_queue_down(
    caller: Caller, database: Database, error: Exception, status: int
) -> None:
    # Goal: a 429 or 503 would throttle the whole queue; 409 and 500 back off this task alone.
    answer = caller.task(that_fails(caller, error), WORK, retries=1, max_attempts=3)

    assert answer.status_code == status
    assert "swordfish" not in answer.text
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_who_is_asked_too_fast_has_the_whole_queue_slowed_down(caller: Caller) -> None:
    # Goal: Cloud Tasks takes the pause of a 429 for everything that waits in the queue.
    client = that_fails(caller, TooFast("not so fast", retry_after_s=17))

    answer = caller.task(client, WORK, retries=0, max_attempts=3)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "17")


def test_work_that_came_too_fast_is_not_given_up(caller: Caller, database: Database) -> None:
    # Goal: a storm of 429s may last for hours, and says nothing about what waits.
    client = that_fails(caller, TooFast("not so fast", retry_after_s=17))

    answers = [caller.task(client, WORK, retries=n, max_attempts=3) for n in range(9)]

    assert {answer.status_code for answer in answers} == {429}
    assert given.rows(database, LETTERS) == []


@pytest.mark.parametrize("error", [NotYet("later"), Fault("broken")])
def test_the_last_attempt_parks_the_work_itself(
    caller: Caller, database: Database, error: NotYet | Fault
) -> None:
    client = that_fails(caller, error)

    answers = [caller.task(client, WORK, retries=n, max_attempts=3) for n in range(3)]

    assert [answer.status_code == 204 for answer in answers] == [False, False, True]
    assert given.rows(database, LETTERS) == [("placement-standard", "task_1", error.code, 3, WORK)]


def test_work_for_a_paused_carrier_waits_as_long_as_it_takes(
    caller: Caller, database: Database
) -> None:
    # Goal: a carrier may be away for a day. What waits for it is neither given up meanwhile, nor
    # has it fewer attempts afterwards.
    broken = that_fails(caller, NotYet("later"))
    paused = that_fails(caller, Untried("correios does not answer"))
    assert caller.task(broken, WORK, retries=0, max_attempts=2).status_code == 409
    for n in (*range(1, 6), *range(tasks.UNANSWERED, tasks.UNANSWERED + 6)):
        assert caller.task(paused, WORK, retries=n, max_attempts=2).status_code == 409
        assert given.rows(database, "SELECT count(*) FROM failed_attempts") == [(0,)]

    assert caller.task(broken, WORK, retries=9, max_attempts=2).status_code == 409


def test_after_an_outage_work_still_has_all_of_its_attempts(
    caller: Caller, database: Database
) -> None:
    # Goal: minutes without a database use up Cloud Tasks' own count. What then only loses a race
    # is not given up for it.
    away = that_fails(caller, DatabaseUnavailable("no connection to the database"))
    for n in range(10):
        assert caller.task(away, WORK, retries=n, max_attempts=3).status_code == 409

    lost = caller.task(that_fails(caller, LostRace("lost")), WORK, retries=10, max_attempts=3)

    assert lost.status_code == 409
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_work_that_kills_whoever_does_it_is_given_up_in_the_end(
    caller: Caller, database: Database
) -> None:
    # Goal: who is killed by the time limit cannot count the attempt; it is not made for ever.
    def die(_work: PlaceOrder, _cause: Cause) -> None:
        raise SystemExit  # as if the process ended: nothing after it runs

    client = served(lambda request: tasks.perform(request, caller.services, {PlaceOrder: die}))
    for retries in range(tasks.UNANSWERED, tasks.UNANSWERED + 3):
        with pytest.raises(SystemExit):
            caller.task(client, WORK, retries=retries, max_attempts=3)

    answer = caller.task(client, WORK, retries=tasks.UNANSWERED + 3, max_attempts=3)

    assert answer.status_code == 204
    assert given.rows(database, "SELECT code FROM dead_letters") == [("never_answered",)]


@pytest.mark.parametrize("max_attempts", [None, 0])
def test_without_a_limit_no_attempt_is_the_last(
    caller: Caller, database: Database, max_attempts: int | None
) -> None:
    client = that_fails(caller, NotYet("later"))

    answer = caller.task(client, WORK, retries=99, max_attempts=max_attempts)

    assert answer.status_code == 409
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_a_refusal_is_parked_by_the_first_attempt(caller: Caller, database: Database) -> None:
    answer = caller.task(that_fails(caller, Rejected("never")), WORK)

    assert answer.status_code == 204
    assert given.rows(database, LETTERS) == [("placement-standard", "task_1", "rejected", 1, WORK)]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"order_id": 7}'])
def test_malformed_work_is_parked(caller: Caller, database: Database, body: bytes) -> None:
    answer = caller.task(function("placement_worker"), body)

    assert answer.status_code == 204
    assert given.rows(database, LETTERS) == [("placement-standard", "task_1", "malformed", 1, body)]


def test_work_for_an_order_that_does_not_exist_is_parked(
    caller: Caller, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    assert caller.task(function("placement_worker"), WORK).status_code == 204
    assert given.rows(database, "SELECT code FROM dead_letters") == [("unknown_order",)]


@pytest.mark.parametrize("header", ["", "-1", "x", "1.5"])
def test_a_retry_count_that_is_no_number_counts_as_the_first_attempt(
    caller: Caller, header: str
) -> None:
    client = that_fails(caller, NotYet("later"))
    headers = {"X-CloudTasks-TaskRetryCount": header, "X-Dispatch-Max-Attempts": "2"}

    assert caller.post(client, "/", WORK, headers).status_code == 409


def test_without_a_token_nothing_is_done_or_parked(caller: Caller, database: Database) -> None:
    stranger = Caller(caller.services, "Bearer nonsense")

    answer = stranger.task(function("placement_worker"), b"{", retries=9)

    assert answer.status_code == 401
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]
