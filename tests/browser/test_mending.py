"""Whoever mends what went wrong: letters, parcels, people, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import Role, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.flows import doubles
from tests.letters.letters import dead, park
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

expect.set_options(timeout=PATIENCE_MS)
PATHS = (
    "/letters",
    "/letters?state=discarded",
    "/letters/1?dry_run=true",
    "/letters/2",
    "/parcels",
    "/parcels?q=nothing",
    "/parcels/standing-still",
    "/parcels/thresholds",
    "/parcels/par_1",
    "/audit",
    "/people",
    "/people/keys",
    "/people/usr_cleo.example.org",
    "/me",
    "/me/second-factor",
)


@pytest.fixture
def broken(placed: Database, clock: TestClock) -> Database:
    """Two letters, a parcel that stands still, and a key."""
    good = given.submitted("ord_2", {"MUG": 1}).encode()
    given.apply(placed, park, dead("evt_1", payload=good))
    given.apply(placed, park, dead("evt_2", payload=b"\xff", code="malformed"))
    doubles.labelled(placed, "ord_1")
    clock.advance(days=10)
    people.key(placed, days=30)
    return placed


@pytest.fixture
def cleo(broken: Database) -> User:
    return people.user(broken, "cleo@example.org", Role.ADMIN)


def test_many_letters_are_sent_again_and_each_says_what_became_of_it(
    person: Callable[..., Tab], broken: Database, ada: User
) -> None:
    tab = person()
    tab.go("/letters")
    tab.sign_in(ada.email)
    page = tab.page

    page.get_by_role("link", name="1", exact=True).click()
    page.get_by_role("link", name="Try what a retry would do").click()
    expect(page.get_by_role("region", name="Changes of orders ord_2")).to_contain_text("waiting")
    tab.go("/letters")
    page.get_by_label("All on this page").check()
    page.locator("#many-reason").fill("the SKU is there now")
    page.get_by_role("button", name="Retry the ticked").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 sent again")
    expect(page.get_by_role("region", name="What became of each")).to_contain_text("no way back")
    tab.check()
    assert people.trail(broken)[-1][:3] == (ada.email, "retry_letter", "1")


def test_an_admin_invites_somebody_who_chooses_a_password(
    person: Callable[..., Tab], cleo: User
) -> None:
    tab = person()
    tab.go("/people")
    tab.sign_in(cleo.email)
    page = tab.page

    page.get_by_text("Invite somebody").click()
    page.get_by_label("E-mail").fill("bea@example.org")
    page.get_by_label("Name").fill("Bea")
    page.get_by_label("all of them").check()
    page.locator("#invite-reason").fill("she is new")
    page.get_by_role("button", name="Make the account").click()
    password = page.locator(".secret").inner_text()
    tab.check()

    other = person()
    other.go("/")
    other.page.get_by_label("E-mail").fill("bea@example.org")
    other.page.get_by_label("Password").fill(password)
    other.page.get_by_role("button", name="Sign in").click()
    expect(other.page.get_by_text("Choose a password of your own first")).to_be_visible()
    other.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_the_way_of_whoever_mends(
    person: Callable[..., Tab], cleo: User, scheme: str
) -> None:
    tab = person(scheme)
    tab.go("/")
    tab.sign_in(cleo.email)
    for path in PATHS:
        tab.go(path)
        tab.check()
