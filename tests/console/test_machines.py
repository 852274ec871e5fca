"""The console for machines: the same acts, once for each key, and only to what was seen."""

import pytest
from flask.testing import FlaskClient

from shared.people.permissions import Action
from shared.people.types import User
from shared.platform.db import Database
from tests.console.browser import Machine
from tests.people import given as people
from tests.support import given

HOLD = "/orders/ord_1/hold"


@pytest.fixture
def machine(client: FlaskClient, placed: Database) -> Machine:
    return Machine(client, key=people.key(placed, Action.SEE_ORDERS, Action.HOLD_ORDERS))


def test_an_act_answers_how_it_stands_then_and_again_the_same(
    machine: Machine, placed: Database
) -> None:
    first = machine.post(HOLD, {"reason": "damaged"}, key="k1")
    second = machine.post(HOLD, {"reason": "damaged"}, key="k1")
    other = machine.post(HOLD, {"reason": "other"}, key="k1")

    assert first.get_json()["order"]["state"] == "review"
    assert (second.status_code, second.data) == (200, first.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.get_json()["code"]) == (409, "key_reused")
    assert people.trail(placed) == [("scanner", "hold_order", "ord_1", "damaged")]


def test_what_was_seen_is_what_is_changed(machine: Machine, placed: Database) -> None:
    seen = machine.get("/orders/ord_1").headers["ETag"]
    machine.post(HOLD, {"reason": "damaged"})

    refused = machine.post("/orders/ord_1/release", {"reason": "x"}, headers={"If-Match": seen})

    assert refused.status_code == 409
    problem = refused.get_json()
    assert problem["code"] == "stale"
    assert {"field": "state", "was": "placed", "now": "review"} in problem["changed"]
    fresh = machine.get("/orders/ord_1").headers["ETag"]
    done = machine.post("/orders/ord_1/release", {"reason": "x"}, headers={"If-Match": fresh})
    assert done.status_code == 200


@pytest.mark.parametrize("seen", ['"nonsense"', '"e30"', '""'])
def test_a_version_that_is_none_is_refused(machine: Machine, placed: Database, seen: str) -> None:
    answer = machine.post(HOLD, {"reason": "x"}, headers={"If-Match": seen})

    assert answer.status_code in {400, 409}
    assert given.rows(placed, "SELECT state FROM orders") == [("placed",)]


def test_a_wrong_body_names_every_field(machine: Machine) -> None:
    answer = machine.post(HOLD, {"reason": ""})

    assert (answer.status_code, answer.get_json()["field"]) == (400, "reason")
    assert (
        machine.client.post(
            f"/api/v1{HOLD}", data="{}", headers={"Authorization": f"Bearer {machine.key}"}
        ).status_code
        == 415
    )


def test_a_page_of_a_session_may_use_it_with_the_token_of_its_forms(
    client: FlaskClient, placed: Database, ada: User
) -> None:
    token = people.session(placed, ada)
    session = Machine(client, session=token)

    client.set_cookie("dispatch_session", token)
    bare = client.post(
        f"/api/v1{HOLD}",
        json={"reason": "x"},
        headers={"Idempotency-Key": "k1"},
    )

    assert (bare.status_code, bare.get_json()["code"]) == (403, "foreign_form")
    assert session.post(HOLD, {"reason": "x"}).status_code == 200


def test_what_is_not_there_is_told_to_who_is_known(machine: Machine) -> None:
    assert machine.get("/nowhere").status_code == 404
    assert machine.get("/orders/ord_9").status_code == 404
    assert machine.post("/orders", {}).status_code == 405
    assert machine.get("/orders?state=nonsense").status_code == 400
    assert machine.get("/orders?cursor=nonsense").status_code == 400
