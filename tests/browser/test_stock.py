"""A shift in a warehouse at the console, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import Role, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.console import stocked
from tests.people import given as people
from tests.support import given

expect.set_options(timeout=PATIENCE_MS)


def test_somebody_finds_what_runs_low_counts_it_and_has_more_sent(
    person: Callable[..., Tab], placed: Database, ada: User
) -> None:
    given.order(placed, "ord_2", {"MUG": 30})
    given.place(placed, "ord_2")
    tab = person()
    tab.go("/stock?at_most=0&backordered=true")
    tab.sign_in(ada.email)
    page = tab.page

    page.get_by_role("link", name="MUG").click()
    expect(page.get_by_role("region", name="Backorders")).to_contain_text("ord_2")
    page.get_by_text("Count", exact=True).click()
    page.locator("#count-warehouse").select_option("LIS")
    page.locator("#count-on_hand").fill("2")
    page.locator("#count-reason").fill("the shelf looks empty")
    page.get_by_role("button", name="This is on the shelf").click()
    expect(page.get_by_role("status")).to_contain_text("fenced off where more is promised")
    expect(page.get_by_text("fenced off", exact=True).first).to_be_visible()
    expect(page.get_by_role("table").last).to_contain_text("promised to order ord_2 (5)")

    page.get_by_text("Count", exact=True).click()
    page.locator("#count-warehouse").select_option("LIS")
    page.locator("#count-on_hand").fill("9")
    page.locator("#count-reason").fill("some lay behind")
    page.get_by_role("button", name="This is on the shelf").click()
    expect(page.get_by_text("fenced off", exact=True)).to_have_count(0)
    expect(page.locator("section", has_text="Done by hand").last).to_contain_text("on hand 5 → 9")

    page.get_by_role("link", name="Transfers").click()
    page.get_by_text("Ask for a transfer", exact=True).click()
    page.locator("#request-origin").select_option("LIS")
    page.locator("#request-warehouse").select_option("BER")
    page.locator("#request-expected_on").fill("2026-03-04")
    page.get_by_label("SKU of line 1").fill("MUG")
    page.get_by_label("Units of line 1").fill("99")
    page.locator("#request-reason").fill("Berlin sells more of them")
    page.get_by_role("button", name="Keep the units for it").click()
    expect(page.get_by_text("99 of MUG are asked for").last).to_be_visible()
    assert [row[1] for row in people.trail(placed)] == ["sign_in", "count_stock", "count_stock"]
    assert given.violations(placed) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_stock_is_in_anybodys_way(
    person: Callable[..., Tab], placed: Database, ada: User, scheme: str
) -> None:
    stocked.hold(placed, "cart_1", "LIS", {"MUG": 1})
    stocked.transfer(placed, "trf_1", "LIS", "BER", {"MUG": 1})
    tab = person(scheme)
    tab.go("/stock")
    tab.sign_in(ada.email)
    for path in (
        "/stock",
        "/stock?q=nothing",
        "/stock/skus/MUG",
        "/stock/skus/MUG/movements",
        "/stock/warehouses",
        "/stock/warehouses/BER",
        "/stock/transfers",
        "/stock/transfers/trf_1",
        "/stock/drifts",
    ):
        tab.go(path)
        tab.check()
    for path, act in (("/stock/skus/MUG", "Adjust"), ("/stock/transfers/trf_1", "Receive")):
        tab.go(path)
        tab.page.get_by_text(act, exact=True).click()
        tab.check()


def test_a_viewer_of_one_warehouse_sees_it_and_touches_nothing(
    person: Callable[..., Tab], placed: Database
) -> None:
    eve = people.user(placed, "eve@example.org", Role.VIEWER, frozenset({"LIS"}))
    tab = person()
    tab.go("/stock/skus/MUG")
    tab.sign_in(eve.email)

    expect(tab.page.get_by_role("region", name="Balances")).to_contain_text("LIS")
    expect(tab.page.get_by_text("BER")).to_have_count(0)
    expect(tab.page.locator("form")).to_have_count(1)  # to sign out
