"""Somebody prints a label and its manifest, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.flows import papers
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.papers import Cabinet

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_prints_what_goes_with_a_parcel(
    person: Callable[..., Tab], placed: Database, ada: User, cabinet: Cabinet, scheme: str
) -> None:
    carrier = RecordingCarrier()
    buy(placed, "par_1", carrier)
    papers.keep(placed, carrier, cabinet)
    papers.ask_by_hand(placed)
    papers.close(placed, carrier, cabinet)
    tab = person(scheme)
    tab.go("/parcels/par_1")
    tab.sign_in(ada.email)
    page = tab.page

    tab.check()
    printed = [
        page.request.get(tab.address + str(link.get_attribute("href")))
        for link in page.get_by_role("link", name="Print the").all()
    ]
    assert [answer.headers["content-type"] for answer in printed] == ["application/pdf"] * 2
    assert sorted(answer.body() for answer in printed) == sorted(
        stored.content for stored in cabinet.kept.values()
    )
    page.get_by_text("Fetch the label anew", exact=True).click()
    page.locator("#fetch-reason").fill("it was smudged")
    page.get_by_role("button", name="Have it fetched").click()
    expect(page.get_by_role("status")).to_have_text("It is fetched. In a moment it can be printed.")

    page.get_by_role("link", name="Parcels").click()
    page.get_by_role("link", name="Manifests").click()
    expect(page.get_by_role("region", name="Manifests")).to_contain_text("correios")
    tab.check()
