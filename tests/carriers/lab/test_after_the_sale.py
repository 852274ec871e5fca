"""Every vendor: labels are given back, printed again, closed and followed."""

import json
from dataclasses import replace
from datetime import date

import pytest

from shared.carriers.types import (
    BrokenAnswer,
    CarrierUnavailable,
    ManifestRequest,
    NotTakenBack,
    RefusedByCarrier,
)
from shared.kit.ids import new_id
from shared.tracking.types import TrackingStatus
from shared.tracking.vendors.table import VENDORS as READERS
from tests.carriers import given
from tests.carriers.lab.bench import Bench
from tests.support.sellers import wait_until

NO_ANSWER = ("lose_answer", "truncate")


def test_a_label_is_given_back_once(held: Bench) -> None:
    request, before = given.request(), held.voided()
    held.carrier().buy(request)

    held.carrier().void(request.label_id)
    held.carrier().void(request.label_id)

    assert held.voided() == before + 1


def test_what_was_never_bought_needs_no_giving_back(held: Bench) -> None:
    # Goal: a purchase may have ended before, between or after its calls.
    request, before = given.request(), held.voided()
    held.carrier().void(request.label_id)
    held.fault("lose_answer", "create")
    with pytest.raises(CarrierUnavailable):
        held.carrier().buy(request)
    held.carrier().void(request.label_id)
    held.fault("fail", "buy")
    with pytest.raises(CarrierUnavailable):
        held.carrier().buy(request)
    held.carrier().void(request.label_id)
    assert held.voided() == before

    held.fault("lose_answer", "buy")
    with pytest.raises(CarrierUnavailable):
        held.carrier().buy(request)
    held.carrier().void(request.label_id)

    assert held.voided() == before + 1


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_a_lost_answer_never_gives_back_twice(held: Bench, kind: str) -> None:
    request, before = given.request(), held.voided()
    held.carrier().buy(request)
    held.fault(kind, "refund")

    with pytest.raises(CarrierUnavailable):
        held.carrier().void(request.label_id)
    held.carrier().void(request.label_id)

    assert held.voided() == before + 1


def test_a_label_that_was_scanned_is_not_taken_back_now(bench: Bench) -> None:
    # Goal: a vendor may refuse by mistake, so it is asked again, and in the end parked.
    request = given.request()
    bench.simulator.control("hold", at="in_transit")
    label = bench.carrier().buy(request)
    wait_until(lambda: bench.simulator.stats()["trackers_held"] == 1, "it is under way")

    for _ in range(2):
        with pytest.raises(NotTakenBack):
            bench.carrier().void(request.label_id)
    assert bench.carrier().buy(request) == label


def test_every_service_of_the_carrier_is_quoted_the_cheapest_first(bench: Bench) -> None:
    before = bench.bought()

    quotes = bench.carrier().quote(given.request())

    assert [(quote.carrier, quote.service) for quote in quotes] == [
        ("Correios", "PAC"),
        ("Correios", "SEDEX"),
    ]
    assert [quote.amount_cents for quote in quotes] == [8140, 2290 + 2 * 340 + 66 * 180]
    assert [(quote.currency, quote.transit_days) for quote in quotes] == [("BRL", 7), ("BRL", 2)]
    assert bench.bought() == before
    assert bench.carrier().quote(given.request(weight_g=30_001)) == ()


def test_a_label_is_printed_again_by_its_id_alone(bench: Bench) -> None:
    request = given.request()
    label = bench.carrier().buy(request)

    document = bench.carrier().reprint(request.label_id)

    assert document.media_type == "application/pdf"
    assert label.tracking_code.encode() in document.content
    assert b"Pedido 4711" in document.content


def test_what_was_never_bought_is_not_printed(bench: Bench) -> None:
    with pytest.raises(RefusedByCarrier) as caught:
        bench.carrier().reprint("lab_never_heard_of")

    assert caught.value.vendor_code == bench.case.without_label


def test_a_document_that_does_not_come_is_not_yet_and_a_wrong_one_a_fault(bench: Bench) -> None:
    request = given.request()
    bench.carrier().buy(request)
    for kind, error in (("fail", CarrierUnavailable), ("garbage", BrokenAnswer)):
        bench.fault(kind, "document")
        with pytest.raises(error):
            bench.carrier().reprint(request.label_id)

    assert bench.carrier().reprint(request.label_id).content


def closing(bench: Bench, labels: int = 3) -> ManifestRequest:
    """A day's labels of one carrier, bought and not closed yet."""
    bought = [bench.carrier().buy(given.request()) for _ in range(labels)]
    return ManifestRequest(
        manifest_id=new_id("man"),
        carrier="correios",
        from_address=given.WAREHOUSE,
        ship_on=date(2026, 11, 26),
        vendor_shipment_ids=tuple(label.vendor_shipment_id for label in bought),
    )


def test_a_day_is_closed_once_and_its_document_has_every_parcel(held: Bench) -> None:
    request, before = closing(held), held.closed()

    first = held.carrier().manifest(request)
    second = held.carrier().manifest(request)

    assert first == second
    assert b"3 parcels" in first.document.content
    assert held.closed() == before + 1


@pytest.mark.parametrize("kind", [*NO_ANSWER, "slow"])
def test_a_lost_answer_never_closes_a_day_twice(held: Bench, kind: str) -> None:
    request, before = closing(held), held.closed()
    held.fault(kind, held.case.manifest_call, delay_s=2)

    with pytest.raises(CarrierUnavailable):
        held.carrier(timeout_s=1).manifest(request)
    made = held.carrier().manifest(request)

    assert b"3 parcels" in made.document.content
    assert held.closed() == before + 1


def test_a_manifest_is_found_again_without_a_label_that_was_given_back(held: Bench) -> None:
    request = closing(held)
    held.fault("lose_answer", held.case.manifest_call)
    with pytest.raises(CarrierUnavailable):
        held.carrier().manifest(request)

    fewer = replace(request, vendor_shipment_ids=request.vendor_shipment_ids[:2])

    assert held.carrier().manifest(fewer) == held.carrier().manifest(request)


def test_labels_that_are_on_a_manifest_are_refused_on_another(held: Bench) -> None:
    request = closing(held)
    held.carrier().manifest(request)
    (another,) = closing(held, 1).vendor_shipment_ids
    other = replace(
        request,
        manifest_id=new_id("man"),
        vendor_shipment_ids=(another, *request.vendor_shipment_ids),
    )

    with pytest.raises(RefusedByCarrier):
        held.carrier().manifest(other)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("fail", CarrierUnavailable), ("throttle", CarrierUnavailable), ("garbage", BrokenAnswer)],
)
def test_a_vendor_that_fails_closes_the_day_later(
    held: Bench, kind: str, error: type[Exception]
) -> None:
    request, before = closing(held), held.closed()
    held.fault(kind, held.case.manifest_call)
    with pytest.raises(error):
        held.carrier().manifest(request)

    assert held.carrier().manifest(request).document.content
    assert held.closed() == before + 1


def test_who_asks_learns_what_the_webhook_would_have_told(bench: Bench) -> None:
    bench.simulator.control("hold", at="in_transit")
    label = bench.carrier().buy(given.request())
    wait_until(lambda: bench.simulator.stats()["trackers_held"] == 1, "it is under way")
    wait_until(lambda: len(bench.simulator.mailbox.of(label.tracking_code)) == 2, "it is told")
    read = READERS[bench.name].read

    found = bench.carrier().track("correios", [label.tracking_code, "NEVERHEARD"])
    again = bench.carrier().track("correios", [label.tracking_code])

    assert found.keys() == {label.tracking_code}
    assert found == again
    report = read(found[label.tracking_code])
    told = [
        read(json.dumps(event).encode())
        for event in bench.simulator.mailbox.of(label.tracking_code)
    ]
    assert report in told
    assert report is not None
    assert report.tracking_code == label.tracking_code
    assert [update.status for update in report.updates] == [
        TrackingStatus.PENDING,
        TrackingStatus.IN_TRANSIT,
    ]


def test_a_vendor_that_fails_is_asked_for_parcels_later(bench: Bench) -> None:
    label = bench.carrier().buy(given.request())
    for kind, error in (
        ("fail", CarrierUnavailable),
        ("throttle", CarrierUnavailable),
        ("truncate", CarrierUnavailable),
        ("garbage", BrokenAnswer),
    ):
        bench.fault(kind, "track")
        with pytest.raises(error):
            bench.carrier().track("correios", [label.tracking_code])

    assert bench.carrier().track("correios", [label.tracking_code])
