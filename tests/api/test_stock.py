"""Stock over HTTP: held, renewed, released and looked at."""

from typing import Any

import pytest

from shared.orders import store as orders
from shared.platform.db import Database
from shared.stock import warehouses
from tests.api.machine import Machine, order
from tests.platform.doubles import RecordingTopics
from tests.support import given
from tests.support.clock import TestClock


def cart(hold_id: str = "cart_1", **changes: object) -> dict[str, Any]:
    """The body of a hold of two mugs, with other fields in place of some."""
    return {"hold_id": hold_id, "lines": [{"sku": "MUG", "quantity": 2}], **changes}


def test_units_are_held_and_found_where_the_answer_says(
    stock_shop: Machine, clock: TestClock
) -> None:
    answer = stock_shop.post("/holds", cart("web/1", channel="web"))

    assert answer.status_code == 201
    assert answer.headers["Location"] == "/holds/web%2F1"
    assert answer.get_json() == {
        "hold_id": "web/1",
        "purpose": "cart",
        "reference": "web/1",
        "channel": "web",
        "sale": None,
        "state": "open",
        "created_at": "2026-03-02T12:00:00Z",
        "expires_at": "2026-03-02T12:15:00Z",
        "items": [{"sku": "MUG", "warehouse": "BER", "quantity": 2}],
    }
    assert stock_shop.get(answer.headers["Location"]).get_json() == answer.get_json()


def test_the_same_hold_under_another_key_is_known_and_with_other_contents_a_conflict(
    stock_shop: Machine,
) -> None:
    first = stock_shop.post("/holds", cart())

    again = stock_shop.post("/holds", cart())
    other = stock_shop.post("/holds", cart(channel="market"))

    assert (again.status_code, again.get_json()) == (200, first.get_json())
    problem = other.get_json()
    assert (other.status_code, problem["code"]) == (409, "hold_conflict")
    assert problem["known_fingerprint"] != problem["fingerprint"]


def test_the_same_request_with_the_same_key_gets_the_first_answer_again(
    stock_shop: Machine, database: Database
) -> None:
    first, again = (stock_shop.post("/holds", cart(), key="k1") for _ in range(2))

    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert given.rows(database, "SELECT held FROM stock_levels") == [(2,)]


def test_a_shortage_names_the_lines_and_what_is_missing_of_each_sku(
    stock_shop: Machine, database: Database
) -> None:
    lines = [{"sku": "MUG", "quantity": 4}, {"sku": "MUG", "quantity": 3}]

    answer = stock_shop.post("/holds", cart(lines=lines))

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "not_enough_stock")
    assert problem["missing"] == {"MUG": 2}
    named = [fault["field"] for fault in problem["errors"]]
    assert named == ["lines.0.quantity", "lines.1.quantity"]
    assert given.rows(database, "SELECT held FROM stock_levels") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"lines": [{"sku": "CUP", "quantity": 1}]}, 422, "lines.0.sku"),
        ({"lines": [{"sku": "MUG", "quantity": 0}]}, 400, "lines.0.quantity"),
        ({"lines": []}, 400, "lines"),
        ({"warehouse": "ROM"}, 422, "warehouse"),
        ({"destination": {"lat": 91, "lon": 0}}, 400, "destination.lat"),
        ({"purpose": "quarantine"}, 400, "purpose"),
    ],
)
def test_what_is_wrong_is_named(
    stock_shop: Machine, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = stock_shop.post("/holds", cart(**changes))

    assert (answer.status_code, answer.get_json()["field"]) == (status, field)


def test_a_hold_is_renewed_and_released_and_then_it_has_ended(
    stock_shop: Machine, database: Database, clock: TestClock, topics: RecordingTopics
) -> None:
    stock_shop.post("/holds", cart())
    clock.advance(minutes=10)

    renewed = stock_shop.post("/holds/cart_1/renew", {})
    released = stock_shop.post("/holds/cart_1/release", {})
    again = stock_shop.post("/holds/cart_1/release", {})
    late = stock_shop.post("/holds/cart_1/renew", {})

    assert renewed.get_json()["expires_at"] == "2026-03-02T12:25:00Z"
    assert (released.status_code, released.get_json()["state"]) == (200, "released")
    assert again.get_json() == released.get_json()
    assert (late.status_code, late.get_json()["code"]) == (409, "hold_ended")
    assert [topic for topic, _, _ in topics.sent] == ["stock-events"]
    assert given.violations(database) == []


def test_an_order_that_names_the_hold_has_its_units(
    shop: Machine, stock_shop: Machine, database: Database
) -> None:
    stock_shop.post("/holds", cart(lines=[{"sku": "MUG", "quantity": 5}]))
    lines = [{**order()["lines"][0], "quantity": 5}]
    shop.post("/orders", order(lines=lines, hold_id="cart_1"))
    given.place(database, "ord_1")

    assert shop.get("/orders/ord_1").get_json()["state"] == "placed"
    assert stock_shop.get("/holds/cart_1").get_json()["state"] == "consumed"
    assert stock_shop.post("/holds/cart_1/release", {}).status_code == 409


def test_a_hold_that_nobody_knows_is_not_found(stock_shop: Machine) -> None:
    answers = [
        stock_shop.get("/holds/cart_9"),
        stock_shop.post("/holds/cart_9/renew", {}),
        stock_shop.post("/holds/cart_9/release", {}),
    ]

    assert {(a.status_code, a.get_json()["code"]) for a in answers} == {(404, "unknown_hold")}


def test_what_can_be_promised_is_told_for_a_channel_and_some_warehouses(
    stock_shop: Machine, database: Database
) -> None:
    database.run(lambda tx: warehouses.put(tx, "LIS", given.ADDRESS, given.LISBON), given.cause())
    given.receive(database, "LIS", {"MUG": 3})  # from where the channel does not sell
    database.run(lambda tx: orders.set_scope(tx, "market", {"BER": 60}), given.cause())
    stock_shop.post("/holds", cart(channel="market"))
    query = "sku=MUG&channel=market&warehouse=BER&warehouse=LIS"

    answer = stock_shop.get(f"/availability?{query}")

    assert answer.status_code == 200
    assert answer.get_json() == {"skus": [{"sku": "MUG", "available": 1, "warehouses": {"BER": 1}}]}


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "sku"),
        ("sku=MUG&sku=CUP", 422, "sku.1"),
        ("sku=a%20b", 400, "sku.0"),
        ("sku=MUG&channel=a&channel=b", 400, "channel"),
        ("sku=MUG&warehouse=BER&warehouse=BRE", 422, "warehouse.1"),
    ],
)
def test_a_wrong_question_is_named(
    stock_shop: Machine, query: str, status: int, field: str
) -> None:
    answer = stock_shop.get(f"/availability?{query}")

    assert (answer.status_code, answer.get_json()["field"]) == (status, field)
