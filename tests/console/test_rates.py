"""An admin brings new prices from a file to where they hold; nobody else does."""

import io
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.costing.types import Step, Zone, ZoneRule
from shared.people.types import Role
from shared.platform.db import Database
from shared.platform.sql import text
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

DRAFT = "/rates/draft"
CHECK = f"{DRAFT}/check"
PUBLISH = f"{DRAFT}/publish"
HEADER = "row,carrier,service,currency,handling_cents,zone,max_weight_g,price_cents\n"
ZONES = (Zone("all", (ZoneRule(),), (Step(30_000, 700),)),)
CARDS = "SELECT rate_card_id FROM rate_cards ORDER BY version"


def prices(price_cents: int, service: str = "standard", carrier: str = "correios") -> str:
    """A service that goes everywhere."""
    return HEADER + "".join(
        f"{line}\n"
        for line in (
            f"card,{carrier},{service},EUR,90,,,",
            f"zone,{carrier},{service},,,all,,",
            f"price,{carrier},{service},,,all,30000,{price_cents}",
        )
    )


def file(rows: str | bytes, name: str = "prices.csv") -> dict[str, Any]:
    return {"rows": (io.BytesIO(rows.encode() if isinstance(rows, str) else rows), name)}


@pytest.fixture
def admin(browser: Browser, placed: Database) -> Browser:
    """The browser of an admin, at the page for new prices."""
    browser.carry(people.session(placed, people.user(placed, "root@example.org", Role.ADMIN)))
    browser.get(DRAFT)
    return browser


def test_a_file_is_checked_tried_on_yesterday_and_published(
    admin: Browser, database: Database, clock: TestClock
) -> None:
    clock.advance(minutes=5)
    checked = admin.post(CHECK, file(prices(300)))

    assert (checked.status_code, checked.location) == (303, f"{DRAFT}?done=checkRates")
    admin.get(DRAFT)
    assert "All 1 decisions" in admin.page
    assert "BER · correios standard" in admin.page
    assert 'it would follow <span class="mono">correios-1</span>' in admin.page
    assert given.rows(database, CARDS) == [("correios-1",)], "a draft is no version"

    token = _token(admin)
    done = admin.post(PUBLISH, reason="the new contract")

    assert done.status_code == 303
    assert given.rows(database, CARDS) == [("correios-1",), ("correios-2",)]
    assert people.trail(database) == [
        ("root@example.org", "publish_rates", "correios-2", "the new contract")
    ]
    ((before, after),) = given.rows(database, "SELECT before, after FROM audit_log")
    assert after["zone all: to 30 kg"] == "3.00"
    assert before["zone any-distance: to 1 kg"] == "9.00"
    admin.get("/rates/correios/standard?version=2")
    assert "the new contract" in admin.page
    again = admin.post(PUBLISH, {"token": token, "key": "another"}, reason="once more")
    assert again.status_code == 409, "the draft is gone"


def test_every_wrong_row_is_shown_as_it_was_sent_with_what_is_wrong(
    admin: Browser, database: Database
) -> None:
    bad = prices(300).replace("EUR", "eur").replace("30000", "heavy")

    assert admin.post(CHECK, file(bad)).status_code == 303

    admin.get(DRAFT)
    assert "3 rows of" in admin.page
    assert "card,correios,standard,eur,90,,," in admin.page
    assert "&#39;eur&#39; is not a currency like EUR" in admin.page
    assert "&#39;heavy&#39; is not a whole number" in admin.page
    assert "all has no price" in admin.page
    assert f'action="{PUBLISH}"' not in admin.page
    refused = admin.post(PUBLISH, {"token": _token(admin), "key": "k"}, reason="all the same")
    assert refused.status_code == 409
    assert given.rows(database, CARDS) == [("correios-1",)]


def test_a_row_in_which_heavier_is_cheaper_is_shown_and_can_be_published(
    admin: Browser, database: Database
) -> None:
    lighter = "price,correios,standard,,,all,10000,900"

    admin.post(CHECK, file(f"{prices(300)}{lighter}\n"))
    admin.get(DRAFT)

    assert "1 row to look at" in admin.page
    assert "price,correios,standard,,,all,30000,300" in admin.page
    assert "300 for 30000 g is less than 900 for 10000 g in all" in admin.page
    assert admin.post(PUBLISH, reason="as published").status_code == 303
    assert given.rows(database, CARDS) == [("correios-1",), ("correios-2",)]


@pytest.mark.parametrize("nothing", [b"", b"\xff\xfe\x00", b"\x00"])
def test_what_is_no_text_is_refused_beside_its_field(admin: Browser, nothing: bytes) -> None:
    refused = admin.post(CHECK, file(nothing))

    assert refused.status_code == 400
    assert 'id="check-rows-error-1"' in admin.page


def test_json_is_checked_as_well(admin: Browser) -> None:
    rows = b'[{"row": "card", "carrier": "dhl", "service": "Paket", "currency": "Euro"}]'

    admin.post(CHECK, file(rows, "prices.json"))
    admin.get(DRAFT)

    assert "&#39;Euro&#39; is not a currency" in admin.page
    assert "a service needs a zone" in admin.page


def test_a_file_may_be_larger_than_other_forms_and_not_without_end(
    admin: Browser, client: FlaskClient
) -> None:
    row = "zone,correios,standard,,,all,,"
    large = "\n".join([*prices(300).splitlines(), *([row] * 12_000)])

    assert admin.post(CHECK, file(large)).status_code == 303
    cookie = client.get_cookie("dispatch_session")
    machine = Machine(client, session=cookie.value if cookie else "")
    assert machine.post(CHECK, {"rows": "x" * 13_000_000}).status_code == 413


def test_another_draft_than_was_seen_is_not_published(admin: Browser, database: Database) -> None:
    admin.post(CHECK, file(prices(300)))
    admin.get(DRAFT)
    looked_at = admin.page
    admin.post(CHECK, file(prices(900)))
    admin.page = looked_at

    refused = admin.post(PUBLISH, reason="three euros")

    assert refused.status_code == 409
    assert "your draft is another one than you looked at" in admin.page
    assert given.rows(database, CARDS) == [("correios-1",)]


def test_what_was_published_since_the_check_is_told(
    admin: Browser, database: Database, clock: TestClock
) -> None:
    admin.post(CHECK, file(prices(300)))
    admin.get(DRAFT)
    later = clock.now + timedelta(hours=1)
    database.run(lambda tx: given.rates(tx, valid_from=later, zones=ZONES), given.cause())

    refused = admin.post(PUBLISH, reason="three euros")

    assert refused.status_code == 409
    assert "<td>correios-1</td><td>correios-2</td>" in admin.page


def test_a_draft_is_kept_for_a_day_and_is_nobody_elses(
    admin: Browser, client: FlaskClient, database: Database, clock: TestClock
) -> None:
    admin.post(CHECK, file(prices(300)))
    other = people.user(database, "eve@example.org", Role.ADMIN)
    machine = Machine(client, session=people.session(database, other))
    assert machine.get(DRAFT).get_json()["draft"] is None
    clock.advance(hours=24)
    root = people.user(database, "own@example.org", Role.ADMIN)
    database.statement(text("UPDATE drafts SET owner = 'user:own@example.org'"))

    own = Machine(client, session=people.session(database, root))

    assert own.get(DRAFT).get_json()["draft"] is None


def test_an_admin_of_one_warehouse_decides_for_none_of_the_others(
    client: FlaskClient, placed: Database
) -> None:
    ber = people.user(placed, "ber@example.org", Role.ADMIN, frozenset({"BER"}))
    machine = Machine(client, session=people.session(placed, ber))

    answer = machine.post(CHECK, {"rows": prices(300)})

    assert answer.status_code == 403
    assert "holds for every warehouse" in answer.get_json()["detail"]
    assert machine.get("/rates").get_json()["acts"] == []


def test_a_machine_does_the_same(client: FlaskClient, placed: Database, clock: TestClock) -> None:
    clock.advance(minutes=5)
    machine = Machine(client, session=people.session(placed, people.user(placed, role=Role.ADMIN)))

    checked = machine.post(CHECK, {"rows": prices(300), "rows_name": "prices.csv"})

    document = checked.get_json()
    assert document["draft"]["cards"][0]["follows"] == "correios-1"
    assert document["draft"]["effect"]["sums"] == [
        {"currency": "EUR", "before_cents": 490, "after_cents": 390}
    ]
    stale = machine.post(PUBLISH, {"reason": "x"}, headers={"If-Match": '"another"'})
    assert stale.status_code == 409
    version = {"If-Match": checked.headers["ETag"]}
    early = {"reason": "x", "valid_from": "2020-01-01T00:00"}
    refused = machine.post(PUBLISH, early, headers=version)
    assert (refused.status_code, refused.get_json()["field"]) == (422, "valid_from")
    assert machine.post(PUBLISH, {"reason": "x"}, headers=version).status_code == 200
    assert [
        one["rate_card_id"]
        for one in machine.get("/rates/correios/standard").get_json()["versions"]
    ] == ["correios-2", "correios-1"]


def _token(browser: Browser) -> str:
    return browser.page.split('name="token" value="')[1].split('"')[0]
