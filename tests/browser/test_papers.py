"""Somebody prints a label and its manifest, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.contracts.work import CloseManifest
from shared.flows.close_manifest import close_manifest
from shared.people.types import User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.console import stocked
from tests.flows import papers
from tests.flows.doubles import RecordingCarrier, buy, everywhere
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
    listed = page.get_by_role("region", name="Manifests")
    expect(listed).to_contain_text("correios")
    page.get_by_text("Ask for one now", exact=True).click()
    tab.check()
    page.locator("#ask-warehouse").fill("BER")
    page.locator("#ask-carrier").fill("correios")
    page.locator("#ask-reason").fill("the driver comes early")
    page.get_by_role("button", name="Ask its carrier").click()
    expect(page.get_by_text("every label of correios")).to_be_visible()

    stocked.manifest(placed, "man_empty", "LIS")
    tab.go("/parcels/manifests")
    expect(listed).to_contain_text("requested")
    work = CloseManifest(manifest_id="man_empty", carrier="correios")
    close_manifest(papers.runner(placed), work, everywhere(carrier), cabinet)
    expect(listed).to_contain_text("dropped")  # by itself: the page looks on
    tab.check()
