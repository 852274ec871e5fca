"""An admin switches a carrier off, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import Role
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.people import given as people
from tests.support import given

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_admin_has_no_label_bought_of_a_carrier(
    person: Callable[..., Tab], placed: Database, scheme: str
) -> None:
    ben = people.user(placed, "ben@example.org", Role.ADMIN)
    tab = person(scheme)
    tab.go("/carriers/correios")
    tab.sign_in(ben.email)
    page = tab.page

    page.get_by_text("Change who sells its labels", exact=True).click()
    tab.check()
    page.get_by_label("Labels of it").select_option("are not: switched off")
    page.get_by_label("Vendor").select_option("shippo")
    page.locator("#seller-reason").fill("a strike")
    page.get_by_role("button", name="Let it count from now on").click()

    expect(page.get_by_role("status")).to_contain_text("It counts for every label")
    expect(page.get_by_text("correios is switched off.")).to_be_visible()
    kept = "SELECT vendor, is_enabled FROM carrier_accounts"
    assert given.rows(placed, kept) == [("shippo", False)]
