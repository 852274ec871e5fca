"""Pages that change by themselves, and what somebody was doing on them, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from shared.flows.note_order import note_order
from shared.people.types import ActorKind, Person, Role, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.browser.test_shift import hold
from tests.console import stocked
from tests.flows import doubles
from tests.letters.letters import dead, park
from tests.people import given as people
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given

expect.set_options(timeout=PATIENCE_MS)


def sent(database: Database) -> None:
    """The relay sends what is left."""
    relay(database, RecordingTopics(), RecordingQueues()).sweep()


def look(tab: Tab, path: str) -> Page:
    """Look on at a page, until it hears what happens."""
    tab.go(path)
    expect(tab.page.get_by_text("Live", exact=True)).to_be_visible()
    return tab.page


def test_every_page_of_what_changes_changes_by_itself(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    given.silence(placed)
    tab = person()
    tab.go("/")
    tab.sign_in(ada.email)

    page = look(tab, "/stock")
    stocked.hold(placed, "cart_1", "LIS", {"MUG": 1})
    expect(page.locator("tr[data-key=MUG] [data-label=Held]")).to_have_text("1")

    page = look(tab, "/stock/skus/MUG")
    stocked.hold(placed, "cart_2", "LIS", {"MUG": 2})
    expect(page.get_by_role("region", name="Holds")).to_contain_text("cart_2")

    page = look(tab, "/stock/warehouses/LIS")
    given.receive(placed, "LIS", {"MUG": 40})
    sent(placed)
    expect(page.locator(".tile").first).to_contain_text("45")

    page = look(tab, "/stock/transfers")
    stocked.transfer(placed, "trf_1", "LIS", "BER", {"MUG": 1})
    sent(placed)
    expect(page.get_by_role("link", name="trf_1")).to_be_visible()

    page = look(tab, "/letters")
    given.apply(placed, park, dead())
    expect(page.get_by_role("row", name="Letter 1")).to_be_visible()

    page = look(tab, "/parcels")
    doubles.labelled(placed, "ord_1")
    sent(placed)
    expect(page.locator("tr[data-key=par_1] .badge")).to_have_text("labelled")

    page = look(tab, "/carriers")
    given.order(placed, "ord_2", {"MUG": 1})
    given.place(placed, "ord_2")
    sent(placed)
    expect(page.locator("tr[data-key=correios] [data-label=Wait]")).to_contain_text("1")

    page = look(tab, "/parcels/par_1")
    doubles.picked(placed, "par_1")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("picked")


def test_what_somebody_else_does_by_hand_shows_on_the_same_page_and_in_the_audit_trail(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    bob = people.user(placed, "bob@example.org", Role.OPERATOR)
    watching, acting = person(), person()
    watching.go("/")
    watching.sign_in(ada.email)
    acting.go("/stock/skus/MUG")
    acting.sign_in(bob.email)
    page, trail = look(watching, "/stock/skus/MUG"), watching.beside()

    acting.page.locator("summary", has_text="Set safety").click()
    acting.page.locator("#safety-units").fill("2")
    acting.page.locator("#safety-reason").fill("they break easily")
    acting.page.get_by_role("button", name="Keep so many back").click()

    expect(page.get_by_text("they break easily")).to_be_visible()
    page = look(trail, "/audit")
    acting.page.locator("summary", has_text="Set safety").click()
    acting.page.locator("#safety-units").fill("1")
    acting.page.locator("#safety-reason").fill("one is enough")
    acting.page.get_by_role("button", name="Keep so many back").click()
    expect(page.get_by_text("one is enough")).to_be_visible()


def test_nothing_that_somebody_typed_or_looks_at_is_lost(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    given.apply(placed, park, dead("evt_1"))
    given.apply(placed, park, dead("evt_2"))
    tab = person()
    tab.go("/letters")
    tab.sign_in(ada.email)
    page = look(tab, "/letters")
    page.locator("#filter-source").fill("order_int")
    page.locator("#many-reason").fill("the SKU is")
    page.get_by_role("link", name="1", exact=True).focus()

    given.apply(placed, park, dead("evt_3"))
    expect(page.get_by_role("link", name="3", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="1", exact=True)).to_be_focused()
    expect(page.locator("#filter-source")).to_have_value("order_int")
    expect(page.locator("#many-reason")).to_have_value("the SKU is")

    page.get_by_label("Letter 2").check()
    given.apply(placed, park, dead("evt_4"))
    expect(page.get_by_text("Stands still while you choose")).to_be_visible()
    expect(page.get_by_label("Letter 2")).to_be_checked()
    page.get_by_label("Letter 2").uncheck()
    expect(page.get_by_role("link", name="4", exact=True)).to_be_visible()


def test_a_form_that_was_refused_is_not_sent_again_when_its_page_changes(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    tab = person()
    tab.go("/orders/ord_1")
    tab.sign_in(ada.email)
    page = tab.page
    posted: list[str] = []
    page.on("request", lambda sent: posted.append(sent.url) if sent.method == "POST" else None)
    page.get_by_text("Cancel", exact=True).click()
    page.locator("#cancel-reason").fill("ordered twice")
    hold(placed, "the customer calls back")
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    caller = Person("max@example.org", "a note on the order", ActorKind.USER)
    placed.run(lambda tx: note_order(tx, "ord_1", caller, "they called again"), given.cause())

    expect(page.get_by_text("they called again")).to_be_visible()
    expect(page.locator("#cancel-reason")).to_have_value("ordered twice")
    assert len(posted) == 1
