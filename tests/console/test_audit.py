"""The audit trail at the console: who did what to what, when, and what changed."""

import re

import pytest

from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support.clock import TestClock


@pytest.fixture
def machine(operator: Browser, placed: Database, clock: TestClock) -> Machine:
    """The order was held by a machine, and released by Ada an hour later."""
    made = Machine(operator.client, key=people.key(placed, *Action))
    made.post("/orders/ord_1/hold", {"reason": "damaged"})
    clock.advance(minutes=50)
    operator.get("/orders/ord_1")
    assert operator.post("/orders/ord_1/release", reason="repaired").status_code == 303
    return made


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("", ["release_order", "hold_order"]),
        ("actor=scanner", ["hold_order"]),
        ("action=release_order", ["release_order"]),
        ("action=release%20order", ["release_order"]),
        ("subject_id=ord_1", ["release_order", "hold_order"]),
        ("subject_kind=order&subject_id=ord_2", []),
        ("since=2026-03-02T12:30:00Z", ["release_order"]),
        ("until=2026-03-02T12:30:00Z", ["hold_order"]),
    ],
)
def test_the_trail_is_searched_by_who_what_and_when(
    machine: Machine, query: str, actions: list[str]
) -> None:
    found = machine.get(f"/audit?{query}").get_json()["entries"]

    assert [entry["action"] for entry in found] == actions


def test_what_changed_is_shown_before_and_after(operator: Browser, machine: Machine) -> None:
    operator.get("/audit?action=hold_order")

    row = r'orders ord_1: state</th><td class="was">placed</td><td class="is">review</td>'
    assert re.search(row, operator.page)
    assert "damaged" in operator.page


def test_the_trail_goes_on_behind_a_cursor(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ops.audit_list.PAGE", 1)

    first = machine.get("/audit").get_json()
    second = machine.get(f"/audit?cursor={first['next']}").get_json()

    assert [page["entries"][0]["action"] for page in (first, second)] == [
        "release_order",
        "hold_order",
    ]
    assert second["next"] is None
    assert machine.get("/audit?cursor=x").status_code == 400
    assert machine.get("/audit?since=yesterday").status_code == 400


def test_whoever_is_there_for_elsewhere_sees_none_of_it(
    browser: Browser, machine: Machine, placed: Database
) -> None:
    lis = people.user(placed, "lis@example.org", Role.OPERATOR, frozenset({"LIS"}))
    browser.carry(people.session(placed, lis))

    browser.get("/audit")

    assert "ord_1" not in browser.page
