"""A write is done once, by a page of the session that sends it, and to what was seen."""

import re
from typing import Any

import pytest

from shared.platform.db import Database
from shared.platform.sql import text
from tests.console.browser import Browser
from tests.people import given as people
from tests.support import given

PAGE = "/orders/ord_1"
HOLD = f"{PAGE}/hold"
STATE = "SELECT state FROM orders"


@pytest.fixture
def page(operator: Browser, placed: Database) -> Browser:
    """An operator looks at the order."""
    assert operator.get(PAGE).status_code == 200
    return operator


def test_an_act_is_done_told_and_kept(page: Browser, database: Database) -> None:
    done = page.post(HOLD, reason="the customer has called")

    assert (done.status_code, done.location) == (303, f"{PAGE}?done=holdOrder")
    assert given.rows(database, STATE) == [("review",)]
    assert people.trail(database) == [
        ("ada@example.org", "hold_order", "ord_1", "the customer has called")
    ]
    page.get(done.location)
    assert "The order is held; nothing of it is sent." in page.page
    assert "the customer has called" in page.page


def test_a_form_that_is_sent_twice_does_it_once(page: Browser, database: Database) -> None:
    before = page.page
    for _ in range(2):
        page.page = before
        assert page.post(f"{PAGE}/again", reason="try").status_code == 303

    assert len(people.trail(database)) == 1


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "0" * 64}, {}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
    ],
)
def test_a_form_from_elsewhere_does_nothing(
    page: Browser, database: Database, fields: dict[str, Any], headers: dict[str, str]
) -> None:
    page.headers |= headers

    refused = page.post(HOLD, fields, reason="evil")

    assert refused.status_code == 403
    assert "not from a page of yours" in page.page
    assert given.rows(database, STATE) == [("placed",)]


def test_a_form_of_another_session_does_nothing(page: Browser, database: Database) -> None:
    bob = people.user(database, "bob@example.org")
    page.carry(people.session(database, bob))

    assert page.post(HOLD, reason="mine?").status_code == 403
    assert given.rows(database, STATE) == [("placed",)]


def test_a_wrong_field_is_told_beside_it_and_what_was_typed_stays(page: Browser) -> None:
    refused = page.post(f"{PAGE}/assign", reason="because & so", warehouses="MARS")

    assert refused.status_code == 422
    assert "Nothing was changed." in page.page
    assert "there is no MARS" in page.page
    assert 'value="because &amp; so"' in page.page
    assert re.search(r'<details class="act[^>]*name="act" open>\s*<summary>Assign', page.page)

    assert page.post(f"{PAGE}/assign", warehouses="LIS").status_code == 400
    assert 'aria-invalid="true"' in page.page


def test_what_changed_since_is_shown_and_nothing_is_done(page: Browser, database: Database) -> None:
    database.statement(text("UPDATE orders SET revision = 2"))

    refused = page.post(f"{PAGE}/assign", reason="LIS is nearer", warehouses="LIS")

    assert refused.status_code == 409
    assert re.search(r"<th scope=\"row\">revision</th><td>1</td><td>2</td>", page.page)
    assert given.rows(database, "SELECT warehouse FROM parcels") == [("BER",)]
    again = page.post(f"{PAGE}/assign", reason="LIS is nearer", warehouses="LIS")
    assert again.status_code == 303, "the page that told it has the new version"


def test_a_split_is_read_from_what_is_filled_in(page: Browser, database: Database) -> None:
    fields = {
        "units.0.warehouse": "BER",
        "units.0.sku": "MUG",
        "units.0.quantity": "1",
        "units.1.warehouse": "LIS",
        "units.1.sku": "MUG",
        "units.1.quantity": "1",
        "units.2.warehouse": "LIS",
        "units.2.sku": "MUG",
        "units.2.quantity": "0",
    }

    assert page.post(f"{PAGE}/split", fields, reason="half and half").status_code == 303
    live = "SELECT warehouse FROM parcels WHERE state = 'planned' ORDER BY 1"
    assert given.rows(database, live) == [("BER",), ("LIS",)]


def test_what_customers_write_is_shown_and_does_not_run(page: Browser, database: Database) -> None:
    evil = "<script>alert(1)</script>"
    database.statement(
        text("""
            UPDATE orders SET destination = destination
                || jsonb_build_object('name', CAST(:evil AS text))
        """),
        evil=evil,
    )

    page.get(PAGE)

    assert evil not in page.page
    assert "&lt;script&gt;alert(1)" in page.page


def test_a_form_that_is_too_large_is_refused(page: Browser) -> None:
    assert page.post(HOLD, reason="x" * 300_000).status_code == 413


def test_a_search_says_only_what_is_filled_in(operator: Browser, placed: Database) -> None:
    # Goal: a form sends its empty fields as well, and an empty state is no state.
    answer = operator.get("/orders?q=ord_1&state=&priority=&channel=&warehouse=")

    assert answer.status_code == 200
    assert "/orders/ord_1" in operator.page
    assert operator.get("/orders?state=nonsense").status_code == 400
