"""An admin's day: new prices with a mistake in them, then without, then published."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shared.people.types import Role, User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

expect.set_options(timeout=PATIENCE_MS)
ROWS = """\
row,carrier,service,currency,handling_cents,zone,max_weight_g,price_cents
card,correios,standard,EUR,90,,,
zone,correios,standard,,,all,,
price,correios,standard,,,all,30000,{price}
"""


@pytest.fixture
def root(placed: Database) -> User:
    return people.user(placed, "root@example.org", Role.ADMIN)


def file(folder: Path, price: str) -> Path:
    path = folder / "prices.csv"
    path.write_text(ROWS.format(price=price))
    return path


def test_an_admin_publishes_prices_once_the_file_is_right(
    person: Callable[..., Tab], placed: Database, clock: TestClock, root: User, tmp_path: Path
) -> None:
    clock.advance(minutes=5)
    tab = person()
    tab.go("/rates")
    tab.sign_in(root.email)
    page = tab.page

    page.get_by_role("link", name="New prices from a file").click()
    page.get_by_label("CSV or JSON").set_input_files(file(tmp_path, "3,00"))
    page.get_by_role("button", name="Check the file").click()
    wrong = page.get_by_role("region", name="Rows that are wrong")
    expect(wrong).to_contain_text("9 cells under 8 columns")
    tab.check()
    page.get_by_label("CSV or JSON").set_input_files(file(tmp_path, "300"))
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("region", name="What it would have done")).to_contain_text("−1.00 EUR")
    tab.check()
    page.get_by_label("Reason").fill("the new contract")
    page.get_by_role("button", name="Publish 1 rate card").click()

    expect(page.get_by_role("status")).to_contain_text("The rate cards are published.")
    assert given.rows(placed, "SELECT count(*) FROM rate_cards") == [(2,)]
    assert people.trail(placed)[-1] == (
        root.email,
        "publish_rates",
        "correios-2",
        "the new contract",
    )
    page.get_by_role("link", name="All rate cards").click()
    page.get_by_role("link", name="version 2").click()
    expect(page.get_by_role("region", name="Freight by weight and zone")).to_contain_text("3.00")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_anybodys_way_there(
    person: Callable[..., Tab], placed: Database, root: User, scheme: str
) -> None:
    tab = person(scheme)
    tab.go("/carriers")
    tab.sign_in(root.email)
    for path in (
        "/carriers",
        "/carriers/correios",
        "/rates",
        "/rates/correios/standard",
        "/rates/draft",
        "/policies",
        "/policies/version/web-1",
        "/policies/draft",
        "/reports",
        "/reports?by=order",
        "/reports/placements",
        "/reports/promises",
        "/reports/refusals",
    ):
        tab.go(path)
        tab.check()
