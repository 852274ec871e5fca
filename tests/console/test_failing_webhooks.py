"""Webhooks that fail, at the console: what is known of the next attempt, and who is cut off."""

import pytest

from shared.kit.breaker import FIRST_PAUSE, OPENS_AFTER
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.subscribers import given as webhooks
from tests.subscribers.given import Subscriber, deliver, fails, told
from tests.support.clock import TestClock

PAGE = "/webhooks/shop"


@pytest.fixture
def admin(browser: Browser, placed: Database) -> Browser:
    ben = people.user(placed, "ben@example.org", Role.ADMIN)
    browser.carry(people.session(placed, ben))
    return browser


@pytest.fixture
def machine(browser: Browser, placed: Database) -> Machine:
    return Machine(browser.client, key=people.key(placed, *Action))


def test_of_the_next_attempt_is_told_what_is_known(
    admin: Browser, machine: Machine, placed: Database, clock: TestClock
) -> None:
    # Goal: nobody waits before a page for a moment that it has guessed.
    webhooks.subscriber(placed)
    delivery_id, other = (told(placed)[0] for _ in range(2))

    def known() -> tuple[str, bool]:
        row = machine.get(f"{PAGE}/{delivery_id}").get_json()["webhook"]
        return row["tried_next"], row["not_before"] is not None

    seen = []

    def look() -> None:
        seen.append(known())

    assert known() == ("within_the_hour", False)
    fails(placed, delivery_id, Subscriber(503, before=look))
    assert seen == [("now", False)]
    for _ in range(OPENS_AFTER - 1):
        fails(placed, other, Subscriber(503))
    assert known() == ("when_called_again", True)
    shown = machine.get(PAGE).get_json()
    assert {row["not_before"] for row in shown["deliveries"]} == {
        shown["subscriber"]["next_probe_at"]
    }
    clock.advance(seconds=FIRST_PAUSE.total_seconds())
    assert known() == ("when_called_again", False)  # one call tries, and which one is not known
    deliver(placed, other, Subscriber(410))
    assert known() == ("when_enabled", False)
    admin.get(f"{PAGE}/{delivery_id}")
    assert "when it is enabled" in admin.page


def test_one_that_is_left_disabled_for_the_reason_that_stands_there_is_no_alarm_any_more(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    # Goal: a person has seen it and said so, whatever words they took.
    webhooks.subscriber(placed)
    (delivery_id,) = told(placed)
    deliver(placed, delivery_id, Subscriber(410))
    because = machine.get(PAGE).get_json()["subscriber"]["disabled_because"]
    admin.get(PAGE)

    for _ in range(2):
        admin.post(f"{PAGE}/disable", reason=because)

    assert machine.get("/overview").get_json()["cut_off"] == []
    assert "disable" not in machine.get(PAGE).get_json()["acts"]
    assert people.trail(placed)[-1] == ("ben@example.org", "disable_subscriber", "shop", because)
    assert len([one for one in people.trail(placed) if one[1] == "disable_subscriber"]) == 1


def test_one_that_failed_for_good_can_be_left_disabled_for_a_reason_that_is_shown_as_it_was_given(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    webhooks.subscriber(placed)
    (delivery_id,) = told(placed)
    deliver(placed, delivery_id, Subscriber(410))
    assert "disable" in machine.get(PAGE).get_json()["acts"]
    admin.get(PAGE)
    assert "Leave disabled" in admin.page

    admin.post(f"{PAGE}/disable", reason="They use Pub/Sub now")

    admin.get(PAGE)
    assert "They use Pub/Sub now." in admin.page
    assert "disable" not in machine.get(PAGE).get_json()["acts"]
