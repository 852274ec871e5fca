"""Keeping a label's document: after the purchase, once, and never in its way."""

import pytest

from shared.carriers.types import CarrierPaused, CarrierUnavailable, RefusedByCarrier
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import KeepLabelDocument
from shared.flows.cancel_order import cancel_order
from shared.flows.keep_label_document import keep_label_document
from shared.platform.db import Database
from shared.platform.documents import DocumentsUnavailable, Stored
from tests.flows.doubles import RecordingCarrier, everywhere
from tests.flows.papers import Cabinet, bought, keep, runner
from tests.flows.rerouting import down, open_breaker, work
from tests.support import given

KEYS = "SELECT document_key FROM labels"


class FullCabinet(Cabinet):
    def put(self, key: str, content: bytes, media_type: str) -> None:
        raise DocumentsUnavailable("no room")


def kept_under(database: Database) -> str:
    ((label_id,),) = given.rows(database, "SELECT label_id FROM labels")
    return f"labels/{label_id}.pdf"


def test_the_document_of_a_label_is_kept_after_it_was_bought(database: Database) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    bought(database, carrier, "ord_1")
    assert given.rows(database, "SELECT state, document_key FROM labels") == [("bought", None)]
    assert carrier.reprinted == [], "the purchase waits for no document"

    keep(database, carrier, cabinet)

    key = kept_under(database)
    assert given.rows(database, KEYS) == [(key,)]
    content = b"%PDF-" + carrier.asked[0].label_id.encode()
    assert cabinet.kept == {key: Stored(content, "application/pdf")}
    assert given.violations(database) == []


def test_work_that_comes_twice_asks_the_carrier_once(database: Database) -> None:
    carrier, cabinet = RecordingCarrier(), Cabinet()
    bought(database, carrier, "ord_1")
    (one,) = work(database, KeepLabelDocument)

    for _ in range(2):
        keep_label_document(runner(database), one, everywhere(carrier), cabinet)

    assert len(carrier.reprinted) == 1


@pytest.mark.parametrize("cause", ["carrier", "cabinet"])
def test_what_fails_is_tried_again_and_the_label_stays_bought(
    database: Database, cause: str
) -> None:
    carrier = RecordingCarrier(before_paper=down) if cause == "carrier" else RecordingCarrier()
    cabinet = FullCabinet() if cause == "cabinet" else Cabinet()
    bought(database, carrier, "ord_1")
    (one,) = work(database, KeepLabelDocument)

    with pytest.raises((CarrierUnavailable, DocumentsUnavailable)):
        keep_label_document(runner(database), one, everywhere(carrier), cabinet)

    assert given.rows(database, "SELECT state, document_key FROM labels") == [("bought", None)]
    assert given.rows(database, "SELECT count(*) FROM carrier_breakers") == [(0,)]
    carrier.before_paper = lambda _request: None
    whole = Cabinet()
    keep_label_document(runner(database), one, everywhere(carrier), whole)
    assert list(whole.kept) == [kept_under(database)]


def test_a_carrier_that_is_left_alone_is_not_asked_for_documents(database: Database) -> None:
    # Goal: they can wait, so they neither disturb it nor use up its probe.
    carrier = RecordingCarrier()
    bought(database, carrier, "ord_1")
    open_breaker(database)

    with pytest.raises(CarrierPaused):
        keep(database, carrier, Cabinet())

    assert carrier.reprinted == []
    assert given.rows(database, "SELECT probe_id FROM carrier_breakers") == [(None,)]


def test_a_label_that_is_given_back_needs_no_document(database: Database) -> None:
    carrier = RecordingCarrier()
    bought(database, carrier, "ord_1")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    keep(database, carrier, Cabinet())

    assert carrier.reprinted == []


def test_work_for_another_label_has_nothing_to_do(database: Database) -> None:
    carrier = RecordingCarrier()
    (parcel_id,) = bought(database, carrier, "ord_1")
    other = KeepLabelDocument(label_id="lab_other", parcel_id=parcel_id, carrier="correios")

    keep_label_document(runner(database), other, everywhere(carrier), Cabinet())

    assert carrier.reprinted == []


def test_a_carrier_that_knows_no_such_label_is_told_of(database: Database) -> None:
    bought(database, RecordingCarrier(), "ord_1")

    with pytest.raises(RefusedByCarrier):
        keep(database, RecordingCarrier(), Cabinet())
