"""Orders over HTTP: taken, shown and cancelled by the flows of the events."""

import json

import pytest

from shared.contracts.orders import OrderSubmitted
from shared.contracts.parcels import ParcelPlanned
from shared.costing.book import Bookshelf
from shared.edge.api import MAX_BODY_BYTES
from shared.flows.accept_order import accept_order
from shared.flows.charge_parcel import charge_parcel
from shared.platform.db import Database
from tests.api.machine import PAGES_URL, Machine, order
from tests.flows import doubles
from tests.platform.doubles import RecordingTopics
from tests.support import given


def test_an_order_is_taken_announced_and_found_where_the_answer_says(
    shop: Machine, topics: RecordingTopics
) -> None:
    answer = shop.post("/orders", order())

    assert answer.status_code == 201
    assert answer.headers["Location"] == "/orders/ord_1"
    assert answer.get_json() == {
        "order_id": "ord_1",
        "revision": 1,
        "state": "waiting",
        "priority": "standard",
        "return_wanted_at": None,
    }
    assert [(topic, key) for topic, key, _ in topics.sent] == [("order-events", "ord_1")]
    assert shop.get(answer.headers["Location"]).get_json()["state"] == "waiting"


def test_what_was_made_is_told_once_in_the_log_for_a_restore_that_lost_it(
    shop: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        shop.post("/orders", order(), key="once")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["location"] for line in lines if line["message"] == "api.made"] == [
        "/orders/ord_1"
    ]


def test_an_order_that_came_as_an_event_is_the_same_order(
    shop: Machine, database: Database
) -> None:
    # Goal: one validation and one flow behind both doors.
    given.apply(database, accept_order, OrderSubmitted.decode(json.dumps(order()).encode()))

    answer = shop.post("/orders", order())

    assert (answer.status_code, answer.headers["Location"]) == (200, "/orders/ord_1")
    assert given.rows(database, "SELECT count(*) FROM orders") == [(1,)]


def test_a_known_order_with_another_body_is_a_conflict_that_tells_both_fingerprints(
    shop: Machine,
) -> None:
    shop.post("/orders", order())

    answer = shop.post("/orders", order(channel="market"))

    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "order_conflict")
    assert problem["known_fingerprint"] != problem["fingerprint"]


def test_every_wrong_field_is_named(shop: Machine, database: Database) -> None:
    body = order(currency="eur", promised_at="tomorrow")
    body["lines"] += [{**body["lines"][0], "line_no": 2, "quantity": 0}]
    del body["destination"]["city"]

    answer = shop.post("/orders", body)

    problem = answer.get_json()
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert problem["code"] == "malformed"
    assert [fault["field"] for fault in problem["errors"]] == [
        "promised_at",
        "currency",
        "destination.city",
        "lines.1.quantity",
    ]
    assert problem["field"] == "promised_at"
    assert all(fault["detail"] for fault in problem["errors"])
    assert given.rows(database, "SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_every_unknown_sku_is_named(shop: Machine, database: Database) -> None:
    lines = given.submitted("ord_1", {"CUP": 1, "MUG": 1, "PEN": 1}).lines
    body = order(lines=[line.model_dump() for line in lines])

    answer = shop.post("/orders", body)

    assert answer.status_code == 422
    problem = answer.get_json()
    assert problem["code"] == "unknown_sku"
    assert [fault["field"] for fault in problem["errors"]] == ["lines.0.sku", "lines.2.sku"]
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]


def test_an_order_is_shown_with_its_language_and_the_link_for_its_customer(
    shop: Machine, topics: RecordingTopics
) -> None:
    shop.post("/orders", order(language="pt-BR"))
    ((_, _, accepted),) = topics.sent
    announced = json.loads(accepted)["tracking_url"]

    shown = shop.get("/orders/ord_1").get_json()

    assert shown["language"] == "pt-BR"
    assert shown["tracking_url"] == announced
    assert shown["tracking_url"].startswith(f"{PAGES_URL}/")


@pytest.mark.parametrize("language", ["", "p", "pt_BR", "pt-", "portuguese", 7])
def test_a_language_that_is_no_tag_is_refused_by_its_name(shop: Machine, language: object) -> None:
    answer = shop.post("/orders", order(language=language))

    assert (answer.status_code, answer.get_json()["field"]) == (400, "language")


def test_an_order_is_shown_with_its_lines_parcels_and_charges(
    shop: Machine, database: Database
) -> None:
    shop.post("/orders", order(shipping_cents=590))
    given.place(database, "ord_1")
    ((planned,),) = given.rows(
        database, "SELECT body FROM outbox WHERE attributes->>'ce-type' LIKE '%parcel.planned%'"
    )
    event = ParcelPlanned.decode(planned.encode())
    database.run(lambda tx: charge_parcel(tx, event, Bookshelf()), given.cause())

    shown = shop.get("/orders/ord_1").get_json()

    assert (shown["state"], shown["channel"], shown["currency"]) == ("placed", "web", "EUR")
    assert shown["destination"] == order()["destination"]
    assert [(line["sku"], line["quantity"], line["allocated"]) for line in shown["lines"]] == [
        ("MUG", 2, 2)
    ]
    (parcel,) = shown["parcels"]
    assert (parcel["state"], parcel["tracking_status"]) == ("planned", "pending")
    assert (parcel["service"], shown["shipping_cents"]) == ("standard", 590)
    assert parcel["items"] == [{"line_no": 1, "sku": "MUG", "quantity": 2}]
    assert {(charge["kind"], charge["amount_cents"]) for charge in shown["charges"]} == {
        ("handling", 90),
        ("freight", 400),
    }


def test_an_order_is_cancelled_and_its_units_are_free_again(
    shop: Machine, database: Database
) -> None:
    shop.post("/orders", order())
    given.place(database, "ord_1")

    answer = shop.post("/orders/ord_1/cancel", {"reason": "changed my mind"})

    assert (answer.status_code, answer.get_json()["state"]) == (200, "cancelled")
    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("cancelled", "changed my mind")
    ]
    assert given.rows(database, "SELECT reserved FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


def test_an_order_that_is_picked_is_expected_back_when_it_is_cancelled(
    shop: Machine, database: Database
) -> None:
    shop.post("/orders", order())
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    doubles.picked(database, parcel_id)

    answer = shop.post("/orders/ord_1/cancel", {"reason": "no"})
    shown = shop.get("/orders/ord_1").get_json()

    receipt = answer.get_json()
    assert (answer.status_code, receipt["state"]) == (200, "placed")
    assert shown["return_wanted_at"] == receipt["return_wanted_at"] is not None
    assert shown["parcels"][0]["picked_at"] is not None


def test_while_a_label_is_being_bought_a_cancellation_is_not_yet(
    shop: Machine, database: Database
) -> None:
    shop.post("/orders", order())
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    answers = []

    def cancel_meanwhile(_request: object) -> None:
        answers.append(shop.post("/orders/ord_1/cancel", {"reason": "no"}))

    doubles.buy(database, parcel_id, doubles.RecordingCarrier(before=cancel_meanwhile))

    assert [answer.status_code for answer in answers] == [503]
    assert shop.post("/orders/ord_1/cancel", {"reason": "no"}).get_json()["state"] == "cancelled"


def test_an_order_that_nobody_knows_is_not_found(shop: Machine, database: Database) -> None:
    answers = [shop.get("/orders/ord_9"), shop.post("/orders/ord_9/cancel", {"reason": "no"})]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.get_json()["code"] for answer in answers} == {"unknown_order"}
    assert given.rows(database, "SELECT count(*) FROM early_changes") == [(0,)]


@pytest.mark.parametrize("path", ["/", "/order", "/orders/", "/orders/a b", "/orders/%00", "/v1"])
def test_a_path_that_leads_nowhere_is_not_found(shop: Machine, path: str) -> None:
    answer = shop.get(path)

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_an_order_id_may_hold_a_slash(shop: Machine) -> None:
    answer = shop.post("/orders", order("web/2026/1"))

    assert answer.headers["Location"] == "/orders/web%2F2026%2F1"
    assert shop.get("/orders/web%2F2026%2F1").get_json()["order_id"] == "web/2026/1"
    assert shop.post("/orders/web%2F2026%2F1/cancel", {"reason": "no"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/orders", "POST"),
        ("DELETE", "/orders/ord_1", "GET"),
        ("PUT", "/orders/ord_1/cancel", "GET, POST"),
        ("OPTIONS", "/orders", "POST"),
    ],
)
def test_another_method_is_told_which_there_are(
    shop: Machine, method: str, path: str, allowed: str
) -> None:
    answer = shop.client.open(
        path, method=method, headers={"Authorization": f"Bearer {shop.token}"}
    )

    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.get_json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(shop: Machine, kind: str) -> None:
    answer = shop.post("/orders", order(), headers={"Content-Type": kind})

    assert (answer.status_code, answer.content_type) == (415, "application/problem+json")


def test_a_huge_body_is_refused_before_it_is_read(shop: Machine) -> None:
    answer = shop.post("/orders", b" " * (MAX_BODY_BYTES + 1))

    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")


def test_the_largest_order_that_fits_its_contract_is_taken(shop: Machine) -> None:
    # Goal: the limit on bytes must never refuse what the contract allows.
    body = order(lines=[
        {"line_no": n, "sku": "M" * 64, "quantity": 10_000, "unit_price_cents": 10**9}
        for n in range(9_800, 10_000)
    ])  # fmt: skip
    body["destination"] |= {
        name: "\U0001f600" * size
        for name, size in (("name", 120), ("street", 200), ("city", 120), ("state", 60))
    }

    answer = shop.post("/orders", body)

    assert len(json.dumps(body)) < MAX_BODY_BYTES
    assert answer.get_json()["code"] == "unknown_sku"


def test_strangers_and_the_callers_of_other_functions_are_turned_away(
    shop: Machine, pubsub: Machine, database: Database
) -> None:
    # Goal: who may push an event may not use the API, and nobody learns what there is.
    strangers = [Machine(shop.client, token) for token in ("", "nonsense")]
    answers = [
        answer
        for caller in (*strangers, pubsub)
        for answer in (caller.post("/orders", order()), caller.get("/nowhere"))
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]
