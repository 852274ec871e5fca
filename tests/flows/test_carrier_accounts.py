"""Who sells a carrier's labels is data: what is sold, given back, printed and asked follows it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier

import pytest

from shared.carriers import carrier_accounts
from shared.carriers import store as labels
from shared.carriers.store import LEASE
from shared.carriers.types import (
    Carrier,
    CarrierAccount,
    CarrierPaused,
    CarrierUnavailable,
    Dimensions,
    LabelFormat,
    UnknownVendor,
)
from shared.carriers.vendor_notes import VendorNotes
from shared.carriers.vendors import VENDORS, Sellers
from shared.contracts.catalogue import Catalogue
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import (
    BuyLabel,
    KeepLabelDocument,
    PollParcels,
    VoidAbandonedLabel,
    VoidLabel,
)
from shared.flows.ask_carrier import ask_carrier
from shared.flows.buy_label import buy_label
from shared.flows.cancel_order import cancel_order
from shared.flows.keep_label_document import keep_label_document
from shared.flows.load_catalogue import load_catalogue
from shared.flows.quote_parcel import quote_parcel
from shared.flows.rules import Rules
from shared.flows.set_carrier_account import (
    SetCarrierAccount,
    facts_of,
    set_carrier_account,
)
from shared.flows.versions import version
from shared.kit.errors import Malformed, Stale
from shared.platform.db import Database, Transaction
from shared.platform.documents import Stored
from tests.flows import polled
from tests.flows.doubles import RecordingCarrier, nothing, parcels_of
from tests.flows.rerouting import books_are_right, offer, open_breaker, parcel_id, work
from tests.flows.sellers import ANA, Vendors, lost, sold_by
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

__all__ = ["books_are_right", "parcel_id"]


@pytest.fixture
def vendors(database: Database) -> Vendors:
    return Vendors(database)


def test_a_carrier_without_an_account_is_sold_as_it_was_before_there_were_any(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    vendors.buy(parcel_id)

    (request,) = vendors.easypost.asked
    assert (request.carrier, request.vendor_account) == ("correios", None)
    assert vendors.shippo.asked == []
    assert given.rows(database, "SELECT vendor FROM labels") == [("easypost",)]


def test_what_is_asked_is_what_the_account_says(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    sold_by(
        database,
        "shippo",
        vendor_carrier="Correios BR",
        vendor_account="ca_1",
        label_format=LabelFormat.ZPL,
    )

    vendors.buy(parcel_id)

    (request,) = vendors.shippo.asked
    assert (request.carrier, request.vendor_account) == ("Correios BR", "ca_1")
    assert request.label_format is LabelFormat.ZPL
    # Two mugs of a litre: as long as a mug, and wide enough for both.
    assert request.dimensions_mm == Dimensions(100, 142, 142)
    assert given.rows(database, "SELECT carrier, vendor FROM labels") == [("correios", "shippo")]


def test_whoever_sells_now_a_label_is_given_back_and_printed_where_it_was_sold(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    sold_by(database, "shippo")
    vendors.buy(parcel_id)
    (label_id,) = vendors.shippo.sold
    sold_by(database, "easypost")
    cause = given.cause()
    kept: dict[str, bytes] = {}

    class Folder:
        def put(self, key: str, content: bytes, media_type: str) -> None:
            kept[key] = content

        def get(self, key: str) -> Stored | None:
            return None

    keep_label_document(
        lambda step: database.run(step, cause),
        KeepLabelDocument(label_id=label_id, parcel_id=parcel_id, carrier="correios"),
        vendors.port,
        Folder(),
    )
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    vendors.void(VoidLabel(parcel_id=parcel_id, carrier="correios"))

    assert vendors.shippo.reprinted == [label_id]
    assert list(kept) == [f"labels/{label_id}.pdf"]
    assert vendors.shippo.voided == {label_id}
    assert vendors.easypost.void_asked == []


def test_a_label_that_may_have_been_sold_before_the_account_moved_is_given_back(
    database: Database, clock: TestClock, vendors: Vendors, parcel_id: str
) -> None:
    # Goal: one live label. The first vendor sold it, and its answer was lost.
    vendors.easypost.after = lost
    with pytest.raises(CarrierUnavailable):
        vendors.buy(parcel_id)
    (lost_id,) = vendors.easypost.sold
    sold_by(database, "shippo")

    vendors.buy(parcel_id)
    (to_void,) = work(database, VoidAbandonedLabel)
    clock.now += LEASE
    vendors.void(to_void)

    (kept_id,) = vendors.shippo.sold
    assert kept_id != lost_id
    assert vendors.easypost.voided == {lost_id}
    assert vendors.shippo.void_asked == []
    assert given.rows(database, "SELECT label_id, vendor, state FROM labels") == [
        (kept_id, "shippo", "bought")
    ]
    assert given.rows(database, "SELECT label_id, vendor, state FROM abandoned_labels") == [
        (lost_id, "easypost", "voided")
    ]


@pytest.mark.parametrize("has_arrived", [False, True])
def test_an_answer_that_comes_after_the_account_moved_is_given_back(
    database: Database, clock: TestClock, vendors: Vendors, parcel_id: str, *, has_arrived: bool
) -> None:
    # Goal: a call that outlives its lease. Meanwhile another vendor sold the label, or is about to,
    # and the void found nothing to give back.
    def overtaken(_request: object) -> None:
        vendors.easypost.before = nothing
        clock.now += LEASE
        sold_by(database, "shippo")
        vendors.shippo.after = nothing if has_arrived else lost
        with nullcontext() if has_arrived else pytest.raises(CarrierUnavailable):
            vendors.buy(parcel_id)
        clock.now += LEASE
        vendors.void(work(database, VoidAbandonedLabel)[0])
        given.silence(database)

    vendors.easypost.before = overtaken

    vendors.buy(parcel_id)

    (late_id,) = vendors.easypost.sold
    (late,) = work(database, VoidAbandonedLabel)
    vendors.void(late)
    assert late.label_id == late_id
    assert vendors.easypost.voided == {late_id}
    vendors.shippo.after = nothing
    vendors.buy(parcel_id)
    (kept_id,) = vendors.shippo.sold
    assert given.rows(database, "SELECT label_id, state FROM labels") == [(kept_id, "bought")]


def test_nobody_is_rerouted_to_a_carrier_that_is_switched_off(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    sold_by(database, "shippo", "jadlog", is_enabled=False)
    open_breaker(database)

    with pytest.raises(CarrierPaused):
        vendors.buy(parcel_id)

    sold_by(database, "shippo", "jadlog")
    vendors.buy(parcel_id)
    assert given.rows(database, "SELECT carrier FROM parcels") == [("jadlog",)]


def test_a_vendor_that_this_version_does_not_know_is_a_fault_and_gives_the_lease_back(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    sold_by(database, "shippo")
    cause = given.cause()
    only = Sellers({"easypost": lambda: vendors.easypost})
    with pytest.raises(UnknownVendor, match="shippo"):
        buy_label(
            lambda step: database.run(step, cause),
            BuyLabel(parcel_id=parcel_id, carrier="correios"),
            only,
            Rules(),
        )

    vendors.buy(parcel_id)
    assert len(vendors.shippo.sold) == 1


def test_who_sells_a_carriers_labels_says_what_they_would_cost(
    database: Database, vendors: Vendors, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    sold_by(database, "shippo", "jadlog", vendor_carrier="JADLOG BR")
    cause = given.cause()

    (quote,) = quote_parcel(
        lambda step: database.run(step, cause), parcel_id, vendors.port, "jadlog"
    )

    assert quote.carrier == "JADLOG BR"


def test_parcels_are_asked_about_where_their_labels_were_sold(
    database: Database, clock: TestClock, vendors: Vendors
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    for order_id, vendor in (("ord_1", "easypost"), ("ord_2", "shippo"), ("ord_3", "shippo")):
        given.order(database, order_id, {"MUG": 1})
        given.place(database, order_id)
        sold_by(database, vendor)
        vendors.buy(*parcels_of(database, order_id))
    given.silence(database)
    clock.advance(hours=12)
    polled.poll(database)
    (question,) = polled.work(database)
    cause = given.cause()
    codes = {
        name: {label.tracking_code for label in double.sold.values()}
        for name, double in vendors.by_name.items()
    }

    ask_carrier(lambda step: database.run(step, cause), question, vendors.port)
    parts = work(database, PollParcels)
    for part in parts:
        ask_carrier(lambda step: database.run(step, cause), part, vendors.port)

    assert len(parts) == 2
    for name, double in vendors.by_name.items():
        assert [set(found) for _, found in double.track_asked] == [codes[name]]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (CarrierAccount("correios", "pigeon"), "vendor"),
        (CarrierAccount("corrieos", "shippo"), "carrier"),
    ],
)
def test_what_nobody_knows_is_refused_with_its_field(
    database: Database, parcel_id: str, wanted: CarrierAccount, field: str
) -> None:
    with pytest.raises(Malformed, match=f"^{field}: .*(easypost, shippo|correios)") as caught:
        database.run(
            lambda tx: set_carrier_account(tx, SetCarrierAccount(wanted, ANA)), given.cause()
        )

    assert caught.value.field == field
    assert given.rows(database, "SELECT carrier FROM carrier_accounts") == []


def test_who_changed_what_and_why_is_kept_and_no_change_leaves_nothing(
    database: Database, parcel_id: str
) -> None:
    for _ in range(2):
        sold_by(database, "shippo", vendor_account="acc_7")

    assert people.trail(database) == [("ana", "set_carrier_account", "correios", "cheaper there")]
    ((before, after),) = given.rows(database, "SELECT before, after FROM audit_log")
    assert before == {"vendor": "easypost", "account": "whichever it takes"}
    assert after == {"vendor": "shippo", "account": "acc_7"}


@pytest.mark.parametrize("is_there", [False, True])
def test_of_two_who_change_it_at_once_as_they_saw_it_one_is_told(
    database: Database, parcel_id: str, *, is_there: bool
) -> None:
    # Goal: also the first to say anything about a carrier, of whom there is no row to lock.
    if is_there:
        sold_by(database, "easypost", vendor_account="acc_1")
    usual = database.run(lambda tx: carrier_accounts.find(tx, "correios"), given.cause())
    seen, start = version(facts_of(usual)), Barrier(2)

    def change(account: str) -> str:
        wish = SetCarrierAccount(CarrierAccount("correios", "shippo", "", account), ANA, seen)

        def step(tx: Transaction) -> None:
            if account not in met:  # a step that lost runs anew, and meets nobody
                met.add(account)
                start.wait()
            set_carrier_account(tx, wish)

        try:
            database.run(step, given.cause())
        except Stale as stale:
            return str(stale)
        return ""

    met: set[str] = set()
    with ThreadPoolExecutor(max_workers=2) as pool:
        told = sorted(pool.map(change, ("acc_7", "acc_8")))

    assert told[0] == ""
    assert "vendor was easypost, is shippo" in told[1]


def test_accounts_come_with_the_catalogue_and_a_wrong_one_is_named(
    database: Database, parcel_id: str
) -> None:
    def load(*accounts: Mapping[str, object]) -> None:
        document = Catalogue.model_validate(
            {"skus": [], "warehouses": [], "rate_cards": [], "carrier_accounts": accounts}
        )
        database.run(lambda tx: load_catalogue(tx, document), given.cause())

    right = {"carrier": "correios", "vendor": "shippo", "label_format": "png"}
    load(right)
    with pytest.raises(Malformed) as caught:
        load({**right, "label_format": "zpl"}, {**right, "vendor": "pigeon"})

    assert caught.value.field == "carrier_accounts.1.vendor"
    assert database.run(lambda tx: carrier_accounts.find(tx, "correios"), given.cause()) == (
        CarrierAccount("correios", "shippo", "correios", None, LabelFormat.PNG)
    )
    assert given.rows(database, "SELECT changed_by FROM carrier_accounts") == [("catalogue",)]


def test_a_note_is_there_for_whoever_comes_after(database: Database) -> None:
    first, second = VendorNotes(database), VendorNotes(database)
    assert first.find("lab_1") is None

    first.keep("lab_1", "rates/1")
    first.keep("lab_1", "transactions/2")

    assert second.find("lab_1") == "transactions/2"
    assert second.find("lab_2") is None


def test_a_vendor_is_made_once_and_only_when_it_is_needed() -> None:
    made: list[str] = []

    def maker(name: str) -> Carrier:
        made.append(name)
        return RecordingCarrier()

    sellers = Sellers({name: lambda name=name: maker(name) for name in VENDORS})  # type: ignore[misc]

    assert sellers["shippo"] is sellers["shippo"]
    assert made == ["shippo"]
    assert (set(sellers), len(sellers)) == (set(VENDORS), 2)


def test_labels_of_old_code_are_easyposts(database: Database, parcel_id: str) -> None:
    # Goal: what was bought before there were accounts, and by old code beside new, is found.
    given.rows(
        database,
        "INSERT INTO labels (label_id, parcel_id, carrier, state, requested_at)"
        f" VALUES ('lab_old', '{parcel_id}', 'correios', 'requested', '{database.now()}')"
        " RETURNING 1",
    )

    found = database.run(lambda tx: labels.lock_intent(tx, parcel_id), given.cause())

    assert found is not None
    assert found.vendor == "easypost"
