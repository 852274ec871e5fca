"""Who sells a carrier's labels, seen and changed at the console."""

import pytest

from shared.people.permissions import Action
from shared.people.types import Role
from shared.placement import placement_policies
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support import given

PAGE = "/carriers/correios"
WISH = {
    "vendor": "shippo",
    "name_at_vendor": "correios_br",
    "account": "acc_7",
    "label_format": "zpl",
    "is_enabled": "true",
}


@pytest.fixture
def admin(browser: Browser, placed: Database) -> Browser:
    ben = people.user(placed, "ben@example.org", Role.ADMIN)
    browser.carry(people.session(placed, ben))
    return browser


@pytest.fixture
def machine(browser: Browser, placed: Database) -> Machine:
    return Machine(browser.client, key=people.key(placed, *Action))


def test_an_admin_says_who_sells_its_labels(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    admin.get(PAGE)
    done = admin.post(f"{PAGE}/seller", WISH, reason="cheaper there")

    assert (done.status_code, done.location) == (303, f"{PAGE}?done=setSeller")
    assert machine.get(PAGE).get_json()["seller"] == {
        "vendor": "shippo",
        "name_at_vendor": "correios_br",
        "account": "acc_7",
        "label_format": "zpl",
        "is_enabled": True,
        "has_manifests": True,
    }
    assert people.trail(placed) == [
        ("ben@example.org", "set_carrier_account", "correios", "cheaper there")
    ]
    admin.get("/audit")
    assert f'href="{PAGE}"' in admin.page


def test_it_is_switched_off_and_on(admin: Browser, machine: Machine) -> None:
    for is_enabled in ("false", "true"):
        admin.get(PAGE)
        admin.post(f"{PAGE}/seller", {**WISH, "is_enabled": is_enabled}, reason="a strike")
        admin.get(PAGE)
        assert ("correios is switched off" in admin.page) is (is_enabled == "false")


def test_of_two_admins_the_second_sees_what_the_first_said(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    admin.get(PAGE)
    machine.post(f"{PAGE}/seller", {"vendor": "shippo", "is_enabled": False, "reason": "first"})

    refused = admin.post(f"{PAGE}/seller", WISH, reason="second")

    assert refused.status_code == 409
    assert "how its labels are bought has changed since you looked" in admin.page
    assert 'value="acc_7"' in admin.page, "what was typed is kept"
    kept = "SELECT vendor_account, is_enabled FROM carrier_accounts"
    assert given.rows(placed, kept) == [(None, False)]


def test_a_vendor_that_nobody_knows_is_told_with_its_field(
    machine: Machine, placed: Database
) -> None:
    wish = {"vendor": "pigeon", "is_enabled": True, "reason": "x"}

    refused = machine.post(f"{PAGE}/seller", wish)

    assert refused.status_code == 400
    assert refused.get_json()["field"] == "vendor"
    unknown = machine.post("/carriers/corrieos/seller", {**wish, "vendor": "shippo"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_carrier")
    assert given.rows(placed, "SELECT count(*) FROM carrier_accounts") == [(0,)]


def test_who_takes_over_and_what_is_kept_out_is_shown_with_its_policy(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    policy = {
        "channel": "shop",
        "excluded_services": ["correios/standard"],
        "fallbacks": [{"carrier": "correios", "zone": "near", "to": ["jadlog"]}],
    }
    placed.run(
        lambda tx: placement_policies.publish(
            tx, policy, channel="shop", valid_from=tx.now, by="test", reason="because"
        ),
        given.cause(),
    )

    shown = machine.get(PAGE).get_json()

    assert shown["fallbacks"] == [
        {"policy_id": "shop-1", "channel": "shop", "zone": "near", "to": ["jadlog"]}
    ]
    assert shown["services"][0]["kept_out_by"] == ["shop-1"]
    admin.get(PAGE)
    assert "kept out by shop-1" in admin.page
    assert admin.get("/policies/version/shop-1").status_code == 200


def test_others_see_it_and_have_no_form(operator: Browser, placed: Database) -> None:
    operator.get(PAGE)
    assert "Who sells its labels" in operator.page
    assert "/seller" not in operator.page


def test_it_is_said_that_its_vendor_makes_no_manifests(
    admin: Browser, machine: Machine, placed: Database
) -> None:
    admin.get(PAGE)
    admin.post(f"{PAGE}/seller", {**WISH, "has_manifests": "false"}, reason="Shippo has none")

    admin.get(PAGE)
    assert "shippo makes none of it" in admin.page
    admin.get("/parcels/manifests")
    assert f'No manifest is asked for of <a href="{PAGE}">correios</a> (shippo makes none)' in (
        admin.page
    )
    listed = machine.get("/parcels/manifests").get_json()
    assert listed["without"] == [{"carrier": "correios", "vendor": "shippo"}]
    wish = {"warehouse": "BER", "carrier": "correios", "reason": "the driver is here"}
    refused = machine.post("/parcels/manifests/ask", wish)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "no_manifests_made")
    # A machine that knows nothing of it leaves it as it is.
    machine.post(f"{PAGE}/seller", {"vendor": "shippo", "is_enabled": True, "reason": "on"})
    assert machine.get(PAGE).get_json()["seller"]["has_manifests"] is False
