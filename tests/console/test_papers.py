"""Labels and manifests at the console: printed by those who may, as their vendor made them."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.carriers import manifests
from shared.carriers.types import Handover, RefusedByCarrier
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import CloseManifest, KeepLabelDocument
from shared.flows.cancel_order import cancel_order
from shared.flows.close_manifest import close_manifest
from shared.flows.keep_label_document import keep_label_document
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.console.browser import Browser, Machine
from tests.flows import doubles, papers
from tests.flows.doubles import RecordingCarrier, buy, everywhere
from tests.flows.papers import Cabinet
from tests.people import given as people
from tests.support import given

LABEL = "/parcels/par_1/label"


@pytest.fixture
def carrier() -> RecordingCarrier:
    return RecordingCarrier()


@pytest.fixture
def labelled(placed: Database, carrier: RecordingCarrier) -> Database:
    """The parcel par_1 has its label, whose document nobody has fetched."""
    buy(placed, "par_1", carrier)
    return placed


@pytest.fixture
def kept(labelled: Database, carrier: RecordingCarrier, cabinet: Cabinet) -> Database:
    """The document of the label is kept."""
    papers.keep(labelled, carrier, cabinet)
    given.silence(labelled)
    return labelled


@pytest.fixture
def machine(operator: Browser, placed: Database) -> Machine:
    return Machine(operator.client, key=people.key(placed, *Action))


def content(cabinet: Cabinet) -> bytes:
    (stored,) = cabinet.kept.values()
    return stored.content


def test_a_label_is_printed_from_the_order_the_parcel_and_the_api(
    operator: Browser, machine: Machine, kept: Database, cabinet: Cabinet
) -> None:
    for path in ("/orders/ord_1", "/parcels/par_1"):
        operator.get(path)
        assert f'href="{LABEL}"' in operator.page

    for given_there in (operator.client.get(LABEL, headers=operator.headers), machine.get(LABEL)):
        assert given_there.status_code == 200
        assert given_there.content_type == "application/pdf"
        assert given_there.data == content(cabinet)
        shown = given_there.headers["Content-Disposition"]
        assert shown == 'inline; filename="label-par_1.pdf"'
        assert given_there.headers["Cache-Control"] == "no-store"
        assert given_there.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_printer_takes_is_given_as_what_it_is(
    machine: Machine, kept: Database, cabinet: Cabinet
) -> None:
    cabinet.kept.clear()
    cabinet.put("labels/zebra.zpl", b"^XA^XZ", "application/zpl")
    kept.statement(text("UPDATE labels SET document_key = 'labels/zebra.zpl'"))

    given_there = machine.get(LABEL)

    assert (given_there.content_type, given_there.data) == ("application/zpl", b"^XA^XZ")
    assert 'filename="label-par_1.zpl"' in given_there.headers["Content-Disposition"]


def test_a_label_is_fetched_anew_with_who_and_why(
    operator: Browser,
    machine: Machine,
    kept: Database,
    carrier: RecordingCarrier,
    cabinet: Cabinet,
) -> None:
    (key,) = cabinet.kept
    cabinet.put(key, b"%PDF-smudged", "application/pdf")
    operator.get("/parcels/par_1")
    done = operator.post(f"{LABEL}/fetch", reason="it was smudged")

    assert done.status_code == 303
    assert people.trail(kept) == [("ada@example.org", "fetch_label", "par_1", "it was smudged")]
    meanwhile = machine.get(LABEL)
    assert (meanwhile.status_code, meanwhile.get_json()["code"]) == (409, "label_not_fetched_yet")
    ((label_id,),) = given.rows(kept, "SELECT label_id FROM labels")
    task = KeepLabelDocument(label_id=label_id, parcel_id="par_1", carrier="correios")
    keep_label_document(papers.runner(kept), task, everywhere(carrier), cabinet)
    assert machine.get(LABEL).data == content(cabinet) != b"%PDF-smudged"
    assert given.violations(kept) == []


def test_before_it_is_fetched_the_page_offers_to_have_it_fetched(
    operator: Browser, labelled: Database
) -> None:
    operator.get("/parcels/par_1")
    assert f'href="{LABEL}"' not in operator.page
    assert "Fetch the label" in operator.page


def test_a_label_that_is_given_back_or_lost_is_not_printed(
    operator: Browser, machine: Machine, kept: Database, cabinet: Cabinet
) -> None:
    # Goal: nothing leaves the house with a label that nobody pays for.
    cabinet.kept.clear()
    lost = machine.get(LABEL)
    assert (lost.status_code, lost.get_json()["code"]) == (409, "document_gone")

    given.apply(kept, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    refused = machine.get(LABEL)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "label_given_back")
    operator.get("/parcels/par_1")
    assert LABEL not in operator.page
    assert machine.post(f"{LABEL}/fetch", {"reason": "x"}).status_code == 409
    assert machine.get("/parcels/par_none/label").status_code == 404


def test_a_viewer_and_those_of_elsewhere_do_not_print(browser: Browser, kept: Database) -> None:
    for email, role, places, status in (
        ("eve@x.org", Role.VIEWER, None, 403),
        ("lis@x.org", Role.OPERATOR, frozenset({"LIS"}), 404),
        ("ber@x.org", Role.OPERATOR, frozenset({"BER"}), 200),
    ):
        browser.carry(people.session(kept, people.user(kept, email, role, places)))
        answer = browser.client.get(LABEL, headers=browser.headers)
        assert answer.status_code == status, email
        assert (b"%PDF" in answer.data) is (status == 200)
    browser.carry(people.session(kept, people.user(kept, "una@x.org", Role.VIEWER)))
    for path in ("/orders/ord_1", "/parcels/par_1"):
        browser.get(path)
        assert LABEL not in browser.page


@pytest.fixture
def closed(kept: Database, carrier: RecordingCarrier, cabinet: Cabinet) -> str:
    """The id of the manifest that the parcel is on, closed."""
    manifest_id = papers.ask_by_hand(kept)
    papers.close(kept, carrier, cabinet)
    return manifest_id


def test_the_days_manifest_is_printed_from_the_parcel_the_list_and_the_api(
    operator: Browser, machine: Machine, closed: str, cabinet: Cabinet
) -> None:
    path = f"/parcels/manifests/{closed}"
    for page in ("/parcels/par_1", "/parcels/manifests", "/parcels/manifests?warehouse=BER"):
        operator.get(page)
        assert f'href="{path}"' in operator.page

    printed = machine.get(path)

    assert (printed.status_code, printed.content_type) == (200, "application/pdf")
    assert printed.data == b"%PDF-" + closed.encode()
    assert printed.headers["Content-Disposition"].startswith('inline; filename="manifest-correios')
    (listed,) = machine.get("/parcels/manifests").get_json()["manifests"]
    assert (listed["manifest_id"], listed["state"], listed["labels"]) == (closed, "closed", 1)
    for query in ("warehouse=LIS", "carrier=jadlog", "ship_on=2020-01-01"):
        assert machine.get(f"/parcels/manifests?{query}").get_json()["manifests"] == []


def test_a_manifest_that_its_carrier_refused_is_asked_for_once_more_with_who_and_why(
    operator: Browser, machine: Machine, kept: Database, carrier: RecordingCarrier, cabinet: Cabinet
) -> None:
    # Goal: nobody needs a terminal for what the flow leaves to a person.
    def refuse(_request: object) -> None:
        raise RefusedByCarrier("no such account", vendor_code="SCAN_FORM")

    carrier.before_paper = refuse
    refused = papers.ask_by_hand(kept)
    with pytest.raises(RefusedByCarrier):
        papers.close(kept, carrier, cabinet)
    carrier.before_paper = doubles.nothing
    page = "/parcels/manifests"
    operator.get(page)

    wish: dict[str, Any] = {
        "warehouse": "BER",
        "carrier": "correios",
        "reason": "the account is mended",
    }
    done = operator.post(f"{page}/ask", **wish)

    assert (done.status_code, done.location) == (303, f"{page}?done=askForManifest")
    newest, before = machine.get(page).get_json()["manifests"]
    assert (newest["state"], newest["number"], newest["labels"]) == ("requested", 2, 1)
    work = CloseManifest(manifest_id=newest["manifest_id"], carrier="correios")
    close_manifest(papers.runner(kept), work, everywhere(carrier), cabinet)
    assert machine.get(page).get_json()["manifests"][0]["state"] == "closed"
    assert (before["manifest_id"], before["state"]) == (refused, "refused")
    who = ("ada@example.org", "ask_for_manifest", newest["manifest_id"], wish["reason"])
    assert people.trail(kept)[-1] == who
    assert machine.post(f"{page}/ask", wish).get_json()["code"] == "nothing_to_manifest"
    for wrong in ({"warehouse": "MARS"}, {"carrier": "jadlgo"}):
        answer = machine.post(f"{page}/ask", {**wish, **wrong})
        assert (answer.status_code, answer.get_json()["field"]) == (400, *wrong)
    assert given.violations(kept) == []


def test_the_pages_together_have_each_manifest_once_the_newest_day_first(
    machine: Machine, placed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.flows.show_manifests.PAGE", 2)
    today = placed.now().date()
    handovers = [
        (Handover(carrier, warehouse, today - timedelta(days=days)), number)
        for days in (0, 1)
        for warehouse in ("BER", "LIS")
        for carrier in ("correios", "jadlog")
        for number in (2, 1)
    ]
    names = [f"man_{place}" for place in range(len(handovers))]
    for name, (of, number) in reversed(list(zip(names, handovers, strict=True))):
        placed.run(partial(requested, name, of, number), given.cause())

    assert pages(machine, "/parcels/manifests?") == names
    filtered = pages(machine, "/parcels/manifests?warehouse=LIS&carrier=jadlog&")
    assert filtered == ["man_6", "man_7", "man_14", "man_15"]
    refused = machine.get("/parcels/manifests?cursor=man_none")
    assert (refused.status_code, refused.get_json()["field"]) == (400, "cursor")


def requested(manifest_id: str, of: Handover, number: int, tx: Transaction) -> None:
    tx.write(manifests.request(tx, manifest_id, of, number))


def pages(machine: Machine, path: str) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = machine.get(f"{path}cursor={cursor}").get_json()
        found += [row["manifest_id"] for row in page["manifests"]]
        cursor = page["next"]
    return found


def test_manifests_of_elsewhere_are_not_there(
    browser: Browser, kept: Database, closed: str
) -> None:
    lis = people.user(kept, "lis@x.org", Role.OPERATOR, frozenset({"LIS"}))
    there = Machine(browser.client, session=people.session(kept, lis))

    assert there.get("/parcels/manifests").get_json()["manifests"] == []
    assert there.get(f"/parcels/manifests/{closed}").status_code == 404
    assert there.get("/parcels/manifests/man_none").status_code == 404
