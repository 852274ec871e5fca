"""Somebody sends a parcel by another service, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from shared.people.types import User
from shared.platform.db import Database
from tests.browser.conftest import PATIENCE_MS, Tab
from tests.flows.rerouting import offer
from tests.people import given as people
from tests.support import given

pytestmark = pytest.mark.slow
expect.set_options(timeout=PATIENCE_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_has_a_parcel_go_by_a_faster_service(
    person: Callable[..., Tab], placed: Database, ada: User, scheme: str
) -> None:
    offer(placed, "jadlog", 800, service="express")
    offer(placed, "jadlog", 100, service="light", max_weight_g=1)
    tab = person(scheme)
    tab.go("/orders/ord_1")
    tab.sign_in(ada.email)
    page = tab.page

    page.get_by_role("link", name="Another service for par_1").click()
    expect(page.get_by_role("region", name="Services by which it cannot go")).to_contain_text(
        "the rate card does not go that heavy"
    )
    tab.check()
    page.get_by_label("jadlog express").check()
    page.get_by_label("Reason").fill("the customer pays for it")
    page.get_by_role("button", name="Send it by this service").click()

    expect(page.get_by_role("status")).to_contain_text("It goes by the service that you chose.")
    live = "SELECT carrier, service FROM parcels WHERE state <> 'cancelled'"
    assert given.rows(placed, live) == [("jadlog", "express")]
    assert people.trail(placed)[-1][:3] == (ada.email, "choose_service", "ord_1")
