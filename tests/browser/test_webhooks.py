"""An admin lets somebody have webhooks and sends what they missed again, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import Role
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.people import given as people
from tests.subscribers.given import Subscriber, deliver, fails, state, told

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_admin_adds_somebody_and_sends_what_they_missed_again(
    person: Callable[..., Tab], placed: Database, scheme: str
) -> None:
    ben = people.user(placed, "ben@example.org", Role.ADMIN)
    tab = person(scheme)
    tab.go("/webhooks")
    tab.sign_in(ben.email)
    page = tab.page

    page.get_by_text("Add somebody", exact=True).click()
    tab.check()
    page.get_by_label("Name").fill("shop")
    page.get_by_label("Address").fill("https://shop.test/hooks")
    page.get_by_label("dispatch.parcel.labelled.v1").check()
    page.locator("#add-reason").fill("they asked for it")
    page.get_by_role("button", name="Add them").click()
    expect(page.locator("code.secret")).to_contain_text("whsec_")
    tab.check()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()

    (delivery_id,) = told(placed)
    server = Subscriber(500)
    fails(placed, delivery_id, server)
    row = page.locator(f"tr[data-key='{delivery_id}']")
    expect(row).to_contain_text("500")  # by itself: the page looks on
    server.status = 200
    deliver(placed, delivery_id, server)
    expect(row).to_contain_text("delivered")
    tab.check()

    row.get_by_role("checkbox").check()
    page.locator("#many-reason").fill("they have lost it")
    page.get_by_role("button", name="Send the ticked again").click()
    expect(page.get_by_role("status")).to_contain_text("All of them are sent again")
    assert state(placed, delivery_id) == "waiting"
    deliver(placed, delivery_id, server)
    page.get_by_role("link", name=delivery_id).click()
    expect(page.get_by_role("region", name="Every attempt")).to_contain_text("500")
    tab.check()
    assert [len(set(server.ids)), len(server.ids)] == [1, 3]
