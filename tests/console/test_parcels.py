"""Parcels at the console: found, read, asked about, and given another label."""

import json

import pytest

from shared.flows.receive_carrier_update import receive_carrier_update
from shared.people.permissions import Action
from shared.people.types import Role, User
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.flows import doubles
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

PAGE = "/parcels/par_1"
HOURS = {
    "not_handed_over_hours": 24,
    "silent_hours": 48,
    "not_collected_hours": 120,
    "overdue_hours": 12,
    "poll_after_hours": 12,
    "poll_every_hours": 12,
}


@pytest.fixture
def labelled(placed: Database, clock: TestClock) -> Database:
    """The parcel par_1 has its label for a minute."""
    doubles.labelled(placed, "ord_1")
    clock.advance(minutes=1)
    given.silence(placed)
    return placed


@pytest.fixture
def machine(operator: Browser, labelled: Database) -> Machine:
    return Machine(operator.client, key=people.key(labelled, *Action))


def code(database: Database) -> str:
    ((found,),) = given.rows(
        database, "SELECT tracking_code FROM parcels WHERE parcel_id = 'par_1'"
    )
    return str(found)


def test_a_list_of_one_warehouse_looks_on_there_if_that_is_theirs(
    browser: Browser, placed: Database
) -> None:
    eve = people.user(placed, "eve@example.org", Role.VIEWER, frozenset({"LIS"}))
    browser.carry(people.session(placed, eve))

    for path in ("/parcels", "/orders", "/stock", "/stock/drifts"):
        browser.get(f"{path}?warehouse=LIS")
        assert "room=warehouse%3ALIS&" in browser.page
        browser.get(f"{path}?warehouse=BER")
        assert "room=warehouse" not in browser.page
        assert 'data-stream="/live?room=' in browser.page


def test_the_order_leads_to_another_label_until_the_parcel_is_picked(
    operator: Browser, machine: Machine, labelled: Database
) -> None:
    link = 'href="/parcels/par_1#relabel-reason"'
    operator.get("/orders/ord_1")
    assert link in operator.page
    operator.get(PAGE)
    assert 'id="relabel-reason"' in operator.page

    doubles.picked(labelled, "par_1")

    operator.get("/orders/ord_1")
    assert link not in operator.page
    assert machine.get("/orders/ord_1").get_json()["relabel"] == []


def test_a_parcel_is_found_by_whatever_names_it(machine: Machine, labelled: Database) -> None:
    for word in ("par_1", "ord_1", code(labelled)):
        found = machine.get(f"/parcels?q={word}").get_json()["parcels"]
        assert [parcel["parcel_id"] for parcel in found] == ["par_1"]
    assert machine.get("/parcels?q=par_").get_json()["parcels"] == []


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("", True),
        ("state=labelled", True),
        ("state=shipped", False),
        ("status=pending", True),
        ("status=delivered", False),
        ("carrier=correios", True),
        ("carrier=jadlog", False),
        ("warehouse=BER", True),
        ("warehouse=LIS", False),
        ("q=ord_1&state=shipped", False),
    ],
)
def test_parcels_are_filtered(machine: Machine, query: str, *, is_found: bool) -> None:
    assert bool(machine.get(f"/parcels?{query}").get_json()["parcels"]) is is_found


def test_a_list_goes_on_behind_its_cursor(
    machine: Machine, labelled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ops.parcel_list.PAGE", 1)
    given.order(labelled, "ord_2", {"MUG": 1})
    given.place(labelled, "ord_2")

    first = machine.get("/parcels").get_json()
    second = machine.get(f"/parcels?cursor={first['next']}").get_json()

    seen = [one["order_id"] for page in (first, second) for one in page["parcels"]]
    assert sorted(seen) == ["ord_1", "ord_2"]
    assert second["next"] is None
    assert machine.get("/parcels?cursor=nonsense").status_code == 400


def test_what_a_carrier_sent_is_read_as_it_sent_it_by_those_who_may(
    browser: Browser, labelled: Database
) -> None:
    body = json.dumps({"result": {"status": "in_transit", "signed_by": "Grace"}}).encode()
    labelled.run(
        lambda tx: receive_carrier_update(tx, "easypost", code(labelled), body), given.cause()
    )
    for email, role, sees in (("eve@x.org", Role.VIEWER, False), ("bo@x.org", Role.OPERATOR, True)):
        browser.carry(people.session(labelled, people.user(labelled, email, role)))
        browser.get(PAGE)
        assert ("signed_by" in browser.page) is sees
        assert ("your role does not read it" in browser.page) is not sees


def test_another_label_is_given_with_who_and_why(operator: Browser, labelled: Database) -> None:
    operator.get(PAGE)
    done = operator.post(f"{PAGE}/relabel", reason="wrong service")

    assert (done.status_code, done.location) == (303, f"{PAGE}?done=relabelParcel")
    operator.get(done.location)
    assert "Other parcels of the order" in operator.page
    assert "wrong service" in operator.page
    assert given.rows(labelled, "SELECT state FROM parcels ORDER BY planned_at, state") == [
        ("cancelled",),
        ("planned",),
    ]
    assert given.violations(labelled) == []


def test_what_has_changed_since_is_shown(
    operator: Browser, machine: Machine, labelled: Database
) -> None:
    operator.get(PAGE)
    machine.post(f"{PAGE}/relabel", {"reason": "first"})

    refused = operator.post(f"{PAGE}/relabel", reason="second")

    assert refused.status_code == 409
    assert "the order has changed since you looked" in operator.page
    assert given.rows(labelled, "SELECT count(*) FROM parcels") == [(2,)]


def test_its_carrier_is_asked_at_once(operator: Browser, labelled: Database) -> None:
    operator.get(PAGE)
    assert operator.post(f"{PAGE}/ask", reason="the customer calls").status_code == 303

    assert given.rows(labelled, "SELECT parcel_id, times FROM parcel_polls") == [("par_1", 1)]
    assert people.trail(labelled) == [
        ("ada@example.org", "ask_carrier", "par_1", "the customer calls")
    ]
    operator.get(PAGE)
    assert "no answer yet" in operator.page


def test_a_carrier_has_nothing_to_tell_of_what_it_does_not_have(
    operator: Browser, placed: Database
) -> None:
    machine = Machine(operator.client, key=people.key(placed, *Action))

    refused = machine.post(f"{PAGE}/ask", {"reason": "x"})

    assert (refused.status_code, refused.get_json()["code"]) == (409, "nothing_to_ask")


def test_what_stands_still_is_listed_by_kind_and_warehouse(
    machine: Machine, labelled: Database, clock: TestClock
) -> None:
    clock.advance(days=10)
    key = people.key(labelled, *Action, name="lis", warehouses=frozenset({"LIS"}), days=30)
    others = Machine(machine.client, key=key)
    mine = Machine(machine.client, key=people.key(labelled, *Action, name="all", days=30))

    def kinds(of: Machine, query: str = "") -> list[str]:
        found = of.get(f"/parcels/standing-still{query}").get_json()["parcels"]
        return [one["kind"] for one in found]

    assert kinds(mine) == ["not_handed_over", "overdue"]
    assert kinds(mine, "?kind=overdue") == ["overdue"]
    assert kinds(mine, "?carrier=jadlog") == []
    assert kinds(others) == []


def test_those_that_stand_still_go_on_behind_a_cursor(
    machine: Machine, labelled: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.flows.show_standing.PAGE", 1)
    clock.advance(days=10)
    mine = Machine(machine.client, key=people.key(labelled, *Action, name="all", days=30))

    first = mine.get("/parcels/standing-still").get_json()
    second = mine.get(f"/parcels/standing-still?cursor={first['next']}").get_json()

    assert [one["kind"] for page in (first, second) for one in page["parcels"]] == [
        "not_handed_over",
        "overdue",
    ]
    assert second["next"] is None


@pytest.fixture
def admin(browser: Browser, labelled: Database) -> User:
    """An admin is at the browser."""
    ben = people.user(labelled, "ben@example.org", Role.ADMIN)
    browser.carry(people.session(labelled, ben))
    return ben


def test_an_admin_says_how_long_parcels_may_stand(
    browser: Browser, labelled: Database, admin: User
) -> None:
    browser.get("/parcels/thresholds")
    done = browser.post(
        "/parcels/thresholds/set", HOURS, carrier="correios", service="*", reason="it is slower"
    )

    assert done.status_code == 303
    browser.get("/parcels/thresholds")
    assert "correios, any service" in browser.page
    assert people.trail(labelled) == [(admin.email, "set_thresholds", "correios *", "it is slower")]


def test_of_two_admins_the_second_sees_what_the_first_said(
    browser: Browser, machine: Machine, admin: User, database: Database
) -> None:
    given.rated(database, "correios", "pac")
    given.rated(database, "jadlog", "express")
    browser.get("/parcels/thresholds")
    wish = {**HOURS, "carrier": "correios", "service": "*"}
    machine.post("/parcels/thresholds/set", {**wish, "silent_hours": 96, "reason": "first"})

    refused = browser.post("/parcels/thresholds/set", wish, reason="second")

    assert refused.status_code == 409
    assert "silent_hours" in browser.page
    other = browser.post("/parcels/thresholds/set", {**wish, "carrier": "jadlog"}, reason="other")
    assert other.status_code == 303, "another carrier is another row"


def test_hours_that_make_no_sense_are_told_beside_the_field(browser: Browser, admin: User) -> None:
    browser.get("/parcels/thresholds")
    wish = {**HOURS, "silent_hours": 0, "carrier": "correios"}

    refused = browser.post("/parcels/thresholds/set", wish, reason="never")

    assert refused.status_code == 400
    assert "silent_hours: must be 1 to 8760" in browser.page
