"""An admin brings a policy from a text to where it holds, and sees before what it would do."""

import json

import pytest
from flask.testing import FlaskClient

from shared.people.types import Role
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

DRAFT = "/policies/draft"
CHECK = f"{DRAFT}/check"
PUBLISH = f"{DRAFT}/publish"
POLICIES = "SELECT policy_id FROM placement_policies ORDER BY 1"


@pytest.fixture
def admin(browser: Browser, placed: Database) -> Browser:
    """The browser of an admin, at the page for a new policy."""
    browser.carry(people.session(placed, people.user(placed, "root@example.org", Role.ADMIN)))
    browser.get(f"{DRAFT}?like=web-1")
    return browser


def test_a_policy_is_checked_tried_on_yesterday_and_published(
    admin: Browser, database: Database, clock: TestClock
) -> None:
    # Goal: without Berlin the order of yesterday would have gone from Lisbon, and cost more.
    clock.advance(minutes=5)
    assert "&#34;late_day_cents&#34;: 5000" in admin.page, "one starts from the version before"
    wanted = {"channel": "web", "excluded_warehouses": ["BER"]}

    checked = admin.post(CHECK, document=json.dumps(wanted))

    assert (checked.status_code, checked.location) == (303, f"{DRAFT}?done=checkPolicy")
    admin.get(DRAFT)
    assert "BER · correios standard" in admin.page
    assert "LIS · correios standard" in admin.page
    assert 'What it changes of <span class="mono">web-1</span>' in admin.page
    assert given.rows(database, POLICIES) == [("web-1",)]
    assert admin.post(PUBLISH, reason="Berlin moves house").status_code == 303
    assert given.rows(database, POLICIES) == [("web-1",), ("web-2",)]
    assert people.trail(database) == [
        ("root@example.org", "publish_policy", "web-2", "Berlin moves house")
    ]
    ((before, after),) = given.rows(database, "SELECT before, after FROM audit_log")
    assert (before["late_day_cents"], after) == (5_000, wanted)
    admin.get("/policies/version/web-2")
    assert "Berlin moves house" in admin.page


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("{", 400, "this is not JSON"),
        ('{"late_day_cents": -1}', 400, '<span class="mono">late_day_cents</span>'),
        ('{"latte_day_cents": 1}', 400, '<span class="mono">latte_day_cents</span>'),
        ('{"excluded_warehouses": ["MARS"]}', 422, '<span class="mono">excluded_warehouses.MARS'),
    ],
)
def test_what_is_wrong_is_told_beside_the_text_that_stays(
    admin: Browser, text: str, status: int, told: str
) -> None:
    refused = admin.post(CHECK, document=text)

    assert refused.status_code == status
    assert told in admin.page
    assert text.replace('"', "&#34;") in admin.page, "what was typed is not lost"


def test_what_was_published_since_the_check_is_told(
    admin: Browser, client: FlaskClient, database: Database, clock: TestClock
) -> None:
    admin.post(CHECK, document='{"channel": "web"}')
    admin.get(DRAFT)
    clock.advance(minutes=5)
    other = people.user(database, "eve@example.org", Role.ADMIN)
    machine = Machine(client, session=people.session(database, other))
    theirs = {"document": {"channel": "web", "split_cents": 90}}
    version = machine.post(CHECK, theirs).headers["ETag"]
    assert machine.post(PUBLISH, {"reason": "x"}, headers={"If-Match": version}).status_code == 200
    people_before = people.trail(database)
    admin.carry(people.session(database, people.user(database, "third@example.org", Role.ADMIN)))
    database_owner = "UPDATE drafts SET owner = 'user:third@example.org' WHERE kind = 'policy'"
    given.rows(database, database_owner + " RETURNING 1")
    admin.get(DRAFT)

    refused = admin.post(PUBLISH, reason="mine")

    assert refused.status_code == 409
    assert "<td>web-1</td><td>web-2</td>" in admin.page
    assert people.trail(database) == people_before


def test_without_an_order_yesterday_it_says_so(
    admin: Browser, database: Database, clock: TestClock
) -> None:
    clock.advance(days=3)
    admin.carry(people.session(database, people.user(database, "late@example.org", Role.ADMIN)))
    admin.get(DRAFT)

    admin.post(CHECK, document="{}")
    admin.get(DRAFT)

    assert "Nothing to try it on" in admin.page
