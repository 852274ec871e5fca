"""Closing a manifest: the intent before the call, once whatever is lost, its document kept."""

import pytest

from shared.carriers.store import LEASE
from shared.carriers.types import (
    CarrierPaused,
    CarrierUnavailable,
    ManifestUnderWay,
    RefusedByCarrier,
)
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ManifestClosed
from shared.contracts.work import CloseManifest
from shared.flows.cancel_order import cancel_order
from shared.flows.close_manifest import ManifestChanged, close_manifest
from shared.flows.print_manifest import NoManifest, print_manifest
from shared.platform.db import Database
from shared.platform.documents import Documents, Stored
from tests.flows.doubles import RecordingCarrier, everywhere
from tests.flows.papers import Cabinet, ask_by_hand, bought, runner
from tests.flows.rerouting import down, open_breaker, work
from tests.support import given
from tests.support.clock import TestClock

STATE = "SELECT state, leased_until IS NOT NULL, ended_at IS NOT NULL FROM manifests"


@pytest.fixture
def carrier() -> RecordingCarrier:
    """Who sold the labels."""
    return RecordingCarrier()


@pytest.fixture
def manifest_id(database: Database, carrier: RecordingCarrier) -> str:
    """A manifest of two labels that is asked for."""
    bought(database, carrier, "ord_1", "ord_2")
    found = ask_by_hand(database)
    given.silence(database)
    return found


def close(
    database: Database, manifest_id: str, carrier: RecordingCarrier, documents: Documents
) -> None:
    """The label worker does its work for one manifest."""
    task = CloseManifest(manifest_id=manifest_id, carrier="correios")
    close_manifest(runner(database), task, everywhere(carrier), documents)


def refuse(_request: object) -> None:
    raise RefusedByCarrier("no such account", vendor_code="SCAN_FORM")


def test_a_manifest_is_closed_kept_and_announced_once(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    cabinet = Cabinet()
    for _ in range(2):
        close(database, manifest_id, carrier, cabinet)

    (request,) = carrier.manifests_asked
    shipments = {label.vendor_shipment_id for label in carrier.sold.values()}
    assert set(request.vendor_shipment_ids) == shipments
    assert (request.manifest_id, request.carrier, request.from_address.street1) == (
        manifest_id,
        "correios",
        "Lager 1",
    )
    key = f"manifests/{manifest_id}.pdf"
    assert cabinet.kept == {key: Stored(b"%PDF-" + manifest_id.encode(), "application/pdf")}
    assert given.rows(
        database, "SELECT state, vendor_manifest_id, document_key FROM manifests"
    ) == [("closed", f"sf_{manifest_id}", key)]
    (told,) = work(database, ManifestClosed)
    assert given.told(database) == ["manifest.closed"]
    assert (told.manifest_id, told.warehouse, told.number, len(told.parcel_ids)) == (
        manifest_id,
        "BER",
        1,
        2,
    )
    assert told.ordering_key == "correios:BER"
    assert given.violations(database) == []


def test_after_a_lost_answer_the_same_manifest_is_asked_for_again(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    carrier.after_manifest = down
    with pytest.raises(CarrierUnavailable):
        close(database, manifest_id, carrier, Cabinet())
    assert given.rows(database, STATE) == [("requested", False, False)]
    carrier.after_manifest = lambda _request: None

    close(database, manifest_id, carrier, Cabinet())

    first, second = carrier.manifests_asked
    assert first == second
    assert len(carrier.manifests) == 1
    assert given.rows(database, STATE) == [("closed", False, True)]


def test_one_closes_it_at_a_time_and_a_dead_ones_lease_ends(
    database: Database, clock: TestClock, carrier: RecordingCarrier, manifest_id: str
) -> None:
    def died(_request: object) -> None:
        with pytest.raises(ManifestUnderWay):
            close(database, manifest_id, RecordingCarrier(), Cabinet())
        raise SystemExit

    carrier.before_paper = died
    with pytest.raises(SystemExit):
        close(database, manifest_id, carrier, Cabinet())
    carrier.before_paper = lambda _request: None

    with pytest.raises(ManifestUnderWay):
        close(database, manifest_id, carrier, Cabinet())
    clock.now += LEASE
    close(database, manifest_id, carrier, Cabinet())

    assert given.rows(database, STATE) == [("closed", False, True)]


def test_one_who_seemed_dead_and_comes_back_records_nothing_twice(
    database: Database, clock: TestClock, carrier: RecordingCarrier, manifest_id: str
) -> None:
    def overtaken(_request: object) -> None:
        clock.now += LEASE
        carrier.after_manifest = lambda _request: None
        close(database, manifest_id, carrier, Cabinet())

    carrier.after_manifest = overtaken

    close(database, manifest_id, carrier, Cabinet())

    assert given.told(database) == ["manifest.closed"]
    assert given.violations(database) == []


def test_a_refused_manifest_is_kept_with_its_reason_and_sets_its_labels_free(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    carrier.before_paper = refuse
    with pytest.raises(RefusedByCarrier):
        close(database, manifest_id, carrier, Cabinet())

    assert given.rows(database, "SELECT state, refused_for FROM manifests") == [
        ("refused", "no such account")
    ]
    assert given.rows(database, "SELECT DISTINCT manifest_id FROM labels") == [(None,)]
    carrier.before_paper = lambda _request: None
    close(database, manifest_id, carrier, Cabinet())
    assert len(carrier.manifests_asked) == 1, "it is over; a person asks for the next one"

    close(database, ask_by_hand(database), carrier, Cabinet())

    assert given.rows(database, "SELECT number, state FROM manifests ORDER BY number") == [
        (1, "refused"),
        (2, "closed"),
    ]
    assert given.violations(database) == []


def test_a_label_given_back_meanwhile_is_left_out_and_the_others_are_closed(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    # Goal: the carrier refuses a list with a label that it took back; that is nobody's mistake.
    def given_back(_request: object) -> None:
        given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
        carrier.before_paper = lambda _request: None
        refuse(_request)

    carrier.before_paper = given_back
    with pytest.raises(ManifestChanged):
        close(database, manifest_id, carrier, Cabinet())
    close(database, manifest_id, carrier, Cabinet())

    assert [len(asked.vendor_shipment_ids) for asked in carrier.manifests_asked] == [2, 1]
    assert given.rows(database, STATE) == [("closed", False, True)]
    (told,) = work(database, ManifestClosed)
    assert len(told.parcel_ids) == 1
    assert given.violations(database) == []


def test_a_label_given_back_after_the_carrier_has_closed_is_on_no_manifest_of_ours(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    def given_back(_request: object) -> None:
        given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    carrier.after_manifest = given_back

    close(database, manifest_id, carrier, Cabinet())

    (told,) = work(database, ManifestClosed)
    assert len(told.parcel_ids) == 1
    assert given.violations(database) == []


def test_when_every_label_is_given_back_there_is_nothing_to_close(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    for order_id in ("ord_1", "ord_2"):
        given.apply(database, cancel_order, OrderCancelled(order_id=order_id, reason="no"))

    close(database, manifest_id, carrier, Cabinet())

    assert carrier.manifests_asked == []
    assert given.rows(database, STATE) == [("dropped", False, True)]


def test_a_carrier_that_is_left_alone_is_not_asked(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    open_breaker(database)

    with pytest.raises(CarrierPaused):
        close(database, manifest_id, carrier, Cabinet())

    assert carrier.manifests_asked == []
    assert given.rows(database, STATE) == [("requested", False, False)]


def test_the_document_of_a_manifest_is_printed_as_it_was_kept(
    database: Database, carrier: RecordingCarrier, manifest_id: str
) -> None:
    cabinet = Cabinet()
    with pytest.raises(NoManifest, match="only a closed one"):
        print_manifest(runner(database), manifest_id, cabinet)
    close(database, manifest_id, carrier, cabinet)

    document = print_manifest(runner(database), manifest_id, cabinet)

    assert document.content == b"%PDF-" + manifest_id.encode()
    with pytest.raises(NoManifest, match="no such manifest"):
        print_manifest(runner(database), "man_none", cabinet)
    cabinet.kept.clear()
    with pytest.raises(NoManifest, match="not kept any more"):
        print_manifest(runner(database), manifest_id, cabinet)
