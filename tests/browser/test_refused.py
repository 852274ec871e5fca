"""What was refused, or is no longer one's to see, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from shared import wiring
from shared.flows.note_order import note_order
from shared.people import sessions
from shared.people.types import ActorKind, Person, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.browser.test_shift import hold
from tests.support import given

expect.set_options(timeout=PATIENCE_MS)


def looking(tab: Tab, path: str, email: str) -> Page:
    """A page that looks on."""
    tab.go(path)
    tab.sign_in(email)
    expect(tab.page.get_by_text("Live", exact=True)).to_be_visible()
    return tab.page


def note(database: Database, said: str) -> None:
    """Somebody else leaves a note on the order."""
    person = Person("max@example.org", "a note", ActorKind.USER)
    database.run(lambda tx: note_order(tx, "ord_1", person, said), given.cause())


def test_a_form_that_was_refused_is_not_sent_again_and_what_is_typed_stays(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    page = looking(person(), "/orders/ord_1", ada.email)
    page.get_by_text("Cancel", exact=True).click()
    page.locator("#cancel-reason").fill("ordered twice")
    hold(placed, "the customer calls back")
    expect(page.locator(".head-side .badge").first).to_have_text("review")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("alert")).to_contain_text("placed")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.locator("#cancel-reason").fill("typed anew and at length")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    note(placed, "they have called")

    expect(page.get_by_role("region", name="Notes")).to_contain_text("they have called")
    expect(page.locator("#cancel-reason")).to_have_value("typed anew and at length")
    expect(page.get_by_role("alert")).to_be_visible()
    assert "POST" not in sent


def test_a_list_whose_form_was_refused_goes_on_with_what_was_typed(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    page = looking(person(), "/orders?priority=standard", ada.email)
    page.locator("#many-reason").fill("a long reason")
    page.get_by_role("button", name="Hold the ticked").click()
    expect(page.get_by_text("Tick at least one order.")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))

    hold(placed, "the customer calls back")

    expect(page.locator("tbody .badge").first).to_have_text("review")
    expect(page.locator("#many-reason")).to_have_value("a long reason")
    assert "POST" not in sent


def test_signing_out_elsewhere_sends_no_form_again(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    page = looking(tab, "/orders", ada.email)
    page.get_by_label("Order ord_1").check()
    page.locator("#many-reason").fill("both")
    page.get_by_role("button", name="Hold the ticked").click()
    expect(page.get_by_role("heading", name="1 of 1 held")).to_be_visible()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    other = tab.beside()
    other.go("/")

    other.page.get_by_role("button", name="Sign out", exact=True).click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "POST" not in sent


def test_a_session_that_ended_while_the_browser_was_away_leaves_no_page_standing(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    page = looking(person(), "/orders/ord_1", ada.email)
    page.context.set_offline(True)
    wiring.post().hub.send_away("deaf")
    expect(page.get_by_text("Reconnecting…", exact=True)).to_be_visible()

    placed.run(lambda tx: tx.write(sessions.end_all(ada.user_id)), given.cause())
    page.context.set_offline(False)

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.usefixtures("placed")
def test_a_form_that_is_on_its_way_is_not_sent_again(person: Callable[..., Tab], ada: User) -> None:
    page = looking(person(), "/orders/ord_1", ada.email)
    page.get_by_text("Hold", exact=True).click()
    page.locator("#hold-reason").fill("twice")
    # It stays on its way, for as long as the test looks at it.
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault())")

    page.get_by_role("button", name="Hold it").click()

    expect(page.get_by_role("button", name="Hold it")).to_be_disabled()
