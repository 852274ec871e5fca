"""Idempotency keys: one effect and one answer, whatever is repeated, crossed or cut off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from shared.edge import order_operations
from shared.kit.errors import Fault
from shared.orders.types import UnknownOrder
from shared.platform import idempotency
from shared.platform.config import Config
from shared.platform.db import Database, DatabaseUnavailable
from shared.platform.driver import Asked
from shared.platform.pool import pool_for
from shared.platform.sql import text
from tests.api.machine import MACHINES, Machine, order
from tests.platform.doubles import RecordingTopics
from tests.support import given
from tests.support.clock import TestClock

KEYS = "SELECT count(*) FROM idempotency_keys"


@contextmanager
def somebody_at_work(config: Config, key: str) -> Iterator[None]:
    """A first request that has not come to its end; at the end it dies without a trace."""
    locks = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:name AS text), 0))")
    with closing(pool_for(config)) as pool, pool.session() as session:
        session.run([Asked(*locks.bound({"name": f"{MACHINES[0]} {key}"}))])
        yield


def test_the_same_request_again_gets_the_first_answer_and_has_no_effect(
    shop: Machine, database: Database, topics: RecordingTopics
) -> None:
    first = shop.post("/orders", order(), key="k1")
    given.place(database, "ord_1")  # the state that the answer told has passed
    given.silence(database)

    again = shop.post("/orders", order(), key="k1")

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(topics.sent) == 1


def test_a_key_with_another_body_is_a_conflict_that_tells_both_fingerprints(
    shop: Machine, database: Database
) -> None:
    shop.post("/orders", order(), key="k1")

    answer = shop.post("/orders", order("ord_2"), key="k1")

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "key_reused")
    assert given.rows(database, "SELECT fingerprint FROM idempotency_keys") == [
        (problem["known_fingerprint"],)
    ]
    assert problem["fingerprint"] not in {problem["known_fingerprint"], None}
    assert given.rows(database, "SELECT order_id FROM orders") == [("ord_1",)]


def test_a_key_belongs_to_one_operation_on_one_order(shop: Machine) -> None:
    for order_id in ("ord_1", "ord_2"):
        shop.post("/orders", order(order_id))
    shop.post("/orders/ord_1/cancel", {"reason": "no"}, key="k1")

    answer = shop.post("/orders/ord_2/cancel", {"reason": "no"}, key="k1")

    assert (answer.status_code, answer.get_json()["code"]) == (409, "key_reused")


def test_two_callers_may_choose_the_same_key(shop: Machine, other_shop: Machine) -> None:
    assert shop.post("/orders", order("ord_1"), key="k1").status_code == 201
    assert other_shop.post("/orders", order("ord_2"), key="k1").status_code == 201


def test_a_refusal_is_kept_as_its_answer(shop: Machine, database: Database) -> None:
    # Goal: the same key gets the same answer even when the world has changed since.
    refused = shop.post("/orders/ord_1/cancel", {"reason": "no"}, key="k1")
    shop.post("/orders", order())

    again = shop.post("/orders/ord_1/cancel", {"reason": "no"}, key="k1")

    assert (refused.status_code, again.status_code) == (404, 404)
    assert (again.data, again.content_type) == (refused.data, "application/problem+json")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.post("/orders/ord_1/cancel", {"reason": "no"}, key="k2").status_code == 200


def test_a_refusal_takes_back_what_was_written_before_it(
    shop: Machine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: the answer is committed although the step failed, and nothing else of it is.
    def half_done(tx: object, order_id: str) -> None:
        raise UnknownOrder("gone", order_id=order_id)

    monkeypatch.setattr(order_operations, "_receipt", half_done)

    assert shop.post("/orders", order(), key="k1").status_code == 422
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM outbox") == [(0,)]
    assert given.rows(database, KEYS) == [(1,)]


def test_a_first_request_that_still_runs_is_not_waited_for(
    shop: Machine, config: Config, database: Database
) -> None:
    with somebody_at_work(config, "k1"):
        answer = shop.post("/orders", order(), key="k1")
        other = shop.post("/orders", order("ord_2"), key="k2")

    assert (answer.status_code, answer.get_json()["code"]) == (409, "still_running")
    assert answer.headers["Retry-After"] == "1"
    assert other.status_code == 201


def test_a_first_request_that_died_blocks_nobody(shop: Machine, config: Config) -> None:
    with somebody_at_work(config, "k1"):
        pass

    assert shop.post("/orders", order(), key="k1").status_code == 201


@pytest.mark.parametrize(
    ("error", "status"),
    [(Fault("x"), 500), (RuntimeError("x"), 500), (DatabaseUnavailable("x"), 503)],
)
def test_what_failed_leaves_no_trace_and_may_be_tried_again(
    shop: Machine,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
) -> None:
    def fail(*_args: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(order_operations, "_receipt", fail)
        failed = shop.post("/orders", order(), key="k1")

    assert failed.status_code == status
    assert given.rows(database, KEYS) == [(0,)]
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]
    assert shop.post("/orders", order(), key="k1").status_code == 201


@pytest.mark.slow
def test_of_many_at_once_one_has_the_effect_and_all_get_its_answer_or_are_told_to_wait(
    shop: Machine, database: Database, topics: RecordingTopics
) -> None:
    # Goal: eight threads send the same request; those who were told to wait ask again.
    def send(_number: int) -> tuple[int, bytes]:
        machine = Machine(shop.client.application.test_client(), shop.token)
        for _ in range(1_000):
            answer = machine.post("/orders", order(), key="k1")
            if answer.status_code != 409:
                return answer.status_code, answer.data
        raise AssertionError("it never ended")

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = set(pool.map(send, range(8)))

    assert {status for status, _ in answers} == {201}
    assert len(answers) == 1
    assert len(topics.sent) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 201])
def test_a_key_is_needed_and_has_a_form(shop: Machine, key: str) -> None:
    answer = shop.client.post(
        "/orders",
        json=order(),
        headers={"Authorization": f"Bearer {shop.token}", "Idempotency-Key": key},
    )

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (400, "malformed")
    assert [fault["field"] for fault in problem["errors"]] == ["Idempotency-Key"]


def test_a_malformed_request_does_not_use_its_key_up(shop: Machine) -> None:
    assert shop.post("/orders", order(currency="eur"), key="k1").status_code == 400
    assert shop.post("/orders", order(), key="k1").status_code == 201


def test_a_key_is_forgotten_when_nobody_will_repeat_it_any_more(
    shop: Machine, database: Database, clock: TestClock
) -> None:
    shop.post("/orders", order(), key="old")
    clock.advance(seconds=(idempotency.KEPT + timedelta(seconds=1)).total_seconds())

    forgotten = database.run(lambda tx: idempotency.forget(tx, 10), given.cause())

    assert forgotten == 1
    assert given.rows(database, KEYS) == [(0,)]
