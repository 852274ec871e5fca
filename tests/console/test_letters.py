"""Dead letters at the console: found, read, tried, and settled, one or many."""

import re

import pytest

from shared.contracts.http_ops_letters import LettersMeant
from shared.edge.console import doing
from shared.edge.console.routes import MOST_AT_ONCE
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.letters.letters import dead, letter, park
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

STATES = "SELECT dead_letter_id, state FROM dead_letters ORDER BY 1"
RETRY = "/letters/1/retry"


def submitted(order_id: str) -> bytes:
    return given.submitted(order_id, {"MUG": 1}).encode()


@pytest.fixture
def parked(placed: Database) -> Database:
    """Letter 1 would succeed, 2 cannot be sent again, 3 is like 1 and about no order."""
    given.apply(placed, park, dead("evt_1", payload=submitted("ord_9")))
    given.apply(placed, park, dead("evt_2", payload=b"\xff", code="malformed"))
    given.apply(placed, park, dead("evt_3", source="stock_intake.stock-updates", payload=b"{}"))
    given.silence(placed)
    return placed


@pytest.fixture
def machine(operator: Browser, parked: Database) -> Machine:
    """An operator's program."""
    return Machine(operator.client, key=people.key(parked, *Action))


def ids(machine: Machine, query: str = "") -> list[int]:
    answer = machine.get(f"/letters{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["letter_id"] for row in answer.get_json()["letters"]]


def test_letters_are_found_by_source_code_order_age_and_state(
    machine: Machine, clock: TestClock
) -> None:
    assert ids(machine) == [3, 2, 1]
    assert ids(machine, "?source=stock_intake.stock-updates") == [3]
    assert ids(machine, "?code=malformed") == [2]
    assert ids(machine, "?order_id=ord_9") == [1]
    assert ids(machine, "?older_than_h=1") == []
    assert ids(machine, "?state=discarded") == []
    clock.advance(hours=2)
    assert ids(machine, "?older_than_h=1") == [3, 2, 1]


def test_what_waits_is_counted_by_source_and_code(machine: Machine) -> None:
    groups = machine.get("/letters").get_json()["groups"]

    assert [(group["source"], group["code"], group["letters"]) for group in groups] == [
        ("order_intake.orders", "malformed", 1),
        ("order_intake.orders", "unknown_sku", 1),
        ("stock_intake.stock-updates", "unknown_sku", 1),
    ]


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "\u0661"])
def test_a_cursor_that_is_none_is_refused(machine: Machine, cursor: str) -> None:
    assert machine.get(f"/letters?cursor={cursor}").status_code == 400


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    operator: Browser, parked: Database
) -> None:
    operator.get("/letters/1?dry_run=true")

    assert "it would be done" in operator.page
    assert re.search(
        r'Orders <span class="mono">ord_9</span> <span class="badge fair">new', operator.page
    )
    assert "dispatch.order.accepted.v1" in operator.page
    assert given.rows(parked, STATES) == [(1, "open"), (2, "open"), (3, "open")]


def test_a_retry_that_would_come_back_says_why(operator: Browser, parked: Database) -> None:
    operator.get("/letters/2?dry_run=true")

    assert "it would come back" in operator.page


def test_a_letter_is_sent_again_with_who_and_why(operator: Browser, parked: Database) -> None:
    operator.get("/letters/1")
    done = operator.post(RETRY, reason="the SKU is there now")

    assert (done.status_code, done.location) == (303, "/letters/1?done=retryLetter")
    operator.get(done.location)
    assert "The letter was sent again." in operator.page
    assert "the SKU is there now" in operator.page
    assert people.trail(parked) == [
        ("ada@example.org", "retry_letter", "1", "the SKU is there now")
    ]


def test_two_people_settle_a_letter_and_the_second_is_told_who_was_first(
    operator: Browser, machine: Machine
) -> None:
    operator.get("/letters/1")
    assert machine.post("/letters/1/discard", {"reason": "old"}).status_code == 200

    refused = operator.post(RETRY, reason="repaired")

    assert refused.status_code == 409
    assert "the letter was discarded by scanner" in operator.page


def test_what_is_about_persons_is_read_by_those_who_may(browser: Browser, parked: Database) -> None:
    given.apply(parked, park, dead("evt_4", payload=submitted("ord_4")))
    for email, role, sees in (("eve@x.org", Role.VIEWER, False), ("bo@x.org", Role.OPERATOR, True)):
        browser.carry(people.session(parked, people.user(parked, email, role)))
        browser.get("/letters/4")
        assert ("&#34;street&#34;" in browser.page) is sees
        assert "ord_4" in browser.page
        browser.get("/letters/2")
        assert ("\\xff" in browser.page) is sees


def test_many_are_settled_each_by_itself(operator: Browser, parked: Database) -> None:
    operator.get("/letters")
    operator.post("/letters/retry?", letter_ids=["1", "2", "9"], reason="repaired")

    assert "<h1>1 of 3 sent again</h1>" in operator.page
    assert "no way back" in operator.page
    assert "unknown letter" in operator.page
    assert given.rows(parked, STATES) == [(1, "retried"), (2, "open"), (3, "open")]


def test_everything_that_fits_is_settled_and_nothing_else(
    machine: Machine, parked: Database
) -> None:
    meant = {"everything": True, "code": "unknown_sku", "reason": "a test shop"}

    first = machine.post("/letters/discard", meant, key="k1")
    again = machine.post("/letters/discard", meant, key="k1")

    assert first.get_json()["done"] == 2
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert given.rows(parked, STATES) == [(1, "discarded"), (2, "open"), (3, "discarded")]
    assert len(people.trail(parked)) == 2


def test_nothing_is_settled_by_leaving_a_word_out(operator: Browser, parked: Database) -> None:
    operator.get("/letters")
    refused = operator.post("/letters/retry?", reason="all?")

    assert refused.status_code == 400
    assert "Tick at least one letter" in operator.page
    operator.get("/letters")
    assert operator.post("/letters/retry?", letter_ids=["1"]).status_code == 400
    assert 'aria-invalid="true"' in operator.page
    assert re.search(r'value="1" aria-label="Letter 1" checked', operator.page)
    assert given.rows(parked, STATES) == [(1, "open"), (2, "open"), (3, "open")]


def test_a_key_of_many_is_good_for_one_request(machine: Machine) -> None:
    machine.post("/letters/discard", {"letter_ids": [1], "reason": "x"}, key="k1")
    other = machine.post("/letters/discard", {"letter_ids": [3], "reason": "x"}, key="k1")

    assert (other.status_code, other.get_json()["code"]) == (409, "key_reused")


def test_as_many_are_done_at_once_as_take_some_seconds(
    machine: Machine, parked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doing, "MOST_AT_ONCE", 1)
    answer = machine.post("/letters/discard", {"letter_ids": [1, 3], "reason": "x"})

    assert (answer.get_json()["done"], answer.get_json()["are_more"]) == (1, True)
    assert given.rows(parked, STATES) == [(1, "discarded"), (2, "open"), (3, "open")]
    longest = LettersMeant.model_fields["letter_ids"].metadata
    assert any(getattr(one, "max_length", None) == MOST_AT_ONCE for one in longest)


def test_a_letter_about_elsewhere_is_not_there_for_them(browser: Browser, parked: Database) -> None:
    given.apply(parked, park, dead("evt_4", payload=submitted("ord_1")))
    lis = people.user(parked, "lis@example.org", warehouses=frozenset({"LIS"}))
    browser.carry(people.session(parked, lis))

    browser.get("/letters")
    assert "/letters/3" in browser.page
    assert "/letters/4" not in browser.page
    assert browser.get("/letters/4").status_code == 404
    browser.get("/letters")
    browser.post("/letters/retry?", letter_ids=["3", "4"], reason="mine?")
    assert "<h1>1 of 2 sent again</h1>" in browser.page
    assert [letter(parked, n).state for n in (3, 4)] == ["retried", "open"]
