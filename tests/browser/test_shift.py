"""A shift at the console, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.flows.override_placement import hold_order
from shared.people import sessions
from shared.people.types import ActorKind, Person, Role, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.people import given as people
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given
from tests.support.clock import TestClock

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def late(placed: Database, clock: TestClock) -> Database:
    """The order has not left, and its promise has passed."""
    clock.advance(days=5)
    return placed


def hold(database: Database, reason: str) -> None:
    """Somebody else holds the order, in a process whose relay sends what that announces."""
    sender = relay(database, RecordingTopics(), RecordingQueues())
    sender.run(
        lambda tx: hold_order(tx, "ord_1", Person("max@example.org", reason, ActorKind.USER)),
        given.cause(),
    )


def test_an_operator_finds_a_late_order_sees_why_and_has_it_sent_from_elsewhere(
    person: Callable[..., Tab], late: Database, ada: User
) -> None:
    tab = person()
    tab.go("/")
    tab.sign_in(ada.email)
    page = tab.page

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("link", name="Late, not with a carrier").click()
    page.get_by_role("link", name="ord_1").click()
    expect(page.get_by_role("region", name="Each warehouse alone")).to_contain_text("LIS")
    expect(page.get_by_text("Nothing is cheaper.")).to_be_visible()
    page.get_by_text("Assign", exact=True).click()
    page.get_by_label("LIS", exact=True).check()
    page.locator("#assign-reason").fill("Berlin cannot pack it today")
    page.get_by_role("button", name="Send it from there").click()

    expect(page.get_by_role("status")).to_have_text("The order goes from where you said.")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text(
        "Berlin cannot pack it today"
    )
    live = "SELECT warehouse FROM parcels WHERE state <> 'cancelled'"
    assert given.rows(late, live) == [("LIS",)]
    assert people.trail(late)[-1][:3] == (ada.email, "override_placement", "ord_1")
    assert given.violations(late) == []


def test_signing_out_in_one_tab_ends_the_other(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    first = person()
    first.go("/orders")
    first.sign_in(ada.email)
    expect(first.page.get_by_role("link", name="ord_1")).to_be_visible()
    second = first.beside()
    second.go("/orders/ord_1")
    expect(second.page.get_by_text("Ada Lovelace")).to_be_visible()

    first.page.get_by_role("button", name="Sign out", exact=True).click()

    expect(first.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(second.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(second.page.get_by_text("Ada Lovelace")).to_have_count(0)


def test_an_operator_watches_a_page_change_by_itself(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    tab.go("/orders/ord_1")
    tab.sign_in(ada.email)
    page = tab.page
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("link", name="Orders").focus()

    hold(placed, "the customer calls back")

    expect(page.locator(".head-side .badge").first).to_have_text("review")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("the customer calls back")
    expect(page.get_by_role("link", name="Orders")).to_be_focused()
    page.get_by_text("Release", exact=True).click()
    page.locator("#release-reason").fill("they have called")
    page.get_by_role("button", name="Release it").click()
    expect(page.get_by_role("status")).to_contain_text("The order is released")


def test_who_is_filling_in_a_form_is_not_disturbed_and_told_what_has_changed(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    tab.go("/orders/ord_1")
    tab.sign_in(ada.email)
    page = tab.page
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_text("Cancel", exact=True).click()
    page.locator("#cancel-reason").fill("ordered twice")

    hold(placed, "the customer calls back")

    expect(page.locator(".head-side .badge").first).to_have_text("review")
    expect(page.locator("#cancel-reason")).to_have_value("ordered twice")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("alert")).to_contain_text("placed")
    expect(page.locator("#cancel-reason")).to_have_value("ordered twice")


def test_a_session_that_ends_ends_the_stream_of_every_page(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    tab.go("/orders")
    tab.sign_in(ada.email)
    expect(tab.page.get_by_text("Live", exact=True)).to_be_visible()

    placed.run(lambda tx: tx.write(sessions.end_all(ada.user_id)), given.cause())

    expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_viewer_may_look_and_has_nothing_to_touch(
    person: Callable[..., Tab], placed: Database
) -> None:
    eve = people.user(placed, "eve@example.org", Role.VIEWER)
    tab = person()
    tab.go("/orders/ord_1")
    tab.sign_in(eve.email)

    expect(tab.page.get_by_role("heading", name="Order ord_1")).to_be_visible()
    expect(tab.page.locator("form")).to_have_count(1)  # to sign out


def test_whoever_uses_keys_finds_their_way(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    tab.go("/")
    tab.sign_in(ada.email)
    expect(tab.page.get_by_role("heading", name="Overview")).to_be_visible()

    tab.page.keyboard.press("g")
    tab.page.keyboard.press("o")
    expect(tab.page.get_by_role("heading", name="Orders")).to_be_visible()
    tab.page.keyboard.press("/")
    tab.page.keyboard.type("10117")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**q=10117**")
    tab.page.keyboard.press("j")
    tab.page.keyboard.press("Enter")

    expect(tab.page.get_by_role("heading", name="Order ord_1")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_anybodys_way(
    person: Callable[..., Tab], late: Database, ada: User, scheme: str
) -> None:
    tab = person(scheme)
    tab.go("/")
    tab.check()
    tab.sign_in(ada.email)
    for path in ("/", "/orders", "/orders?q=nothing", "/orders/ord_1", "/nowhere"):
        tab.go(path)
        tab.check()
    tab.go("/orders/ord_1")
    tab.page.get_by_text("Split", exact=True).click()
    tab.check()
