"""Quotes, documents and manifests: the adapter with the official client, against the simulator."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import requests

from shared.carriers.easypost.client import Client
from shared.carriers.types import (
    BrokenAnswer,
    Carrier,
    CarrierUnavailable,
    ManifestRequest,
    RefusedByCarrier,
)
from tests.carriers import given
from tests.carriers.test_easypost import carrier_of
from tests.easypost.simulator import Simulator


def test_every_service_of_a_carrier_is_quoted_and_none_is_bought(simulator: Simulator) -> None:
    before = simulator.stats()["labels_bought"]

    quotes = carrier_of(simulator).quote(given.request(carrier="correios"))

    assert [(quote.service, quote.amount_cents, quote.transit_days) for quote in quotes] == [
        ("PAC", 8140, 7),
        ("SEDEX", 14850, 2),
    ]
    assert {(quote.carrier, quote.currency) for quote in quotes} == {("Correios", "BRL")}
    assert simulator.stats()["labels_bought"] == before


def test_a_carrier_that_would_not_carry_it_quotes_nothing(simulator: Simulator) -> None:
    carrier = carrier_of(simulator)

    assert carrier.quote(given.request(weight_g=31_000)) == ()
    assert carrier.quote(given.request(carrier="pigeon")) == ()


def test_a_label_that_was_bought_can_be_printed_again_and_again(simulator: Simulator) -> None:
    carrier, request = carrier_of(simulator), given.request()
    label = carrier.buy(request)

    documents = [carrier.reprint(request.label_id) for _ in range(2)]

    assert documents[0] == documents[1]
    assert documents[0].media_type == "application/pdf"
    assert label.tracking_code.encode() in documents[0].content
    assert given.CUSTOMER.name.encode() in documents[0].content
    assert given.CUSTOMER.name not in repr(documents[0]), "it is personal, and is not shown"


def test_what_was_never_bought_is_not_printed(simulator: Simulator) -> None:
    carrier, request = carrier_of(simulator), given.request()
    with pytest.raises(RefusedByCarrier):
        carrier.reprint(request.label_id)
    carrier.quote(request)

    with pytest.raises(RefusedByCarrier) as caught:
        carrier.reprint(request.label_id)

    assert caught.value.vendor_code == "no_postage"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("fail", CarrierUnavailable),
        ("throttle", CarrierUnavailable),
        ("lose_answer", CarrierUnavailable),
        ("garbage", BrokenAnswer),
    ],
)
def test_a_document_that_does_not_come_is_told_apart_from_one_that_is_none(
    simulator: Simulator, kind: str, outcome: type[Exception]
) -> None:
    carrier, request = carrier_of(simulator), given.request()
    carrier.buy(request)
    simulator.control("faults", kind=kind, on="document")

    with pytest.raises(outcome):
        carrier.reprint(request.label_id)

    assert carrier.reprint(request.label_id).content


def to_manifest(carrier: Carrier, labels: int = 3, manifest_id: str = "man_1") -> ManifestRequest:
    """As many labels, bought, and what closes the day for them."""
    bought = [carrier.buy(given.request()) for _ in range(labels)]
    return ManifestRequest(
        manifest_id=manifest_id,
        carrier="correios",
        from_address=given.WAREHOUSE,
        ship_on=date(2026, 3, 2),
        vendor_shipment_ids=tuple(label.vendor_shipment_id for label in bought),
    )


def test_a_manifest_lists_every_label_and_is_made_once(simulator: Simulator) -> None:
    # Goal: the day is closed once, whichever answer is lost: the form, or its document.
    carrier = carrier_of(simulator)
    request = to_manifest(carrier)
    before = simulator.stats()["scan_forms"]
    for call in ("scan_form", "document"):
        simulator.control("faults", kind="lose_answer", on=call)
        with pytest.raises(CarrierUnavailable):
            carrier.manifest(request)

    manifest = carrier.manifest(request)

    assert carrier.manifest(request) == manifest
    assert simulator.stats()["scan_forms"] == before + 1
    assert manifest.vendor_manifest_id.startswith("sf_")
    assert manifest.document.media_type == "application/pdf"
    for shipment_id in request.vendor_shipment_ids:
        shipment = requests.get(
            f"{simulator.api_base}/shipments/{shipment_id}", auth=("EZTK", ""), timeout=5
        ).json()
        assert shipment["tracking_code"].encode() in manifest.document.content


def test_a_manifest_is_found_again_with_fewer_labels_than_it_was_made_with(
    simulator: Simulator,
) -> None:
    # Goal: a label is given back between the lost answer and the next attempt.
    carrier = carrier_of(simulator)
    request = to_manifest(carrier)
    manifest = carrier.manifest(request)

    fewer = replace(request, vendor_shipment_ids=request.vendor_shipment_ids[1:])

    assert carrier.manifest(fewer) == manifest


def test_a_label_that_was_given_back_is_on_no_manifest(simulator: Simulator) -> None:
    simulator.control("hold")
    carrier, one = carrier_of(simulator), given.request()
    label = carrier.buy(one)
    carrier.void(one.label_id)
    request = to_manifest(carrier, labels=1)
    shipments = (*request.vendor_shipment_ids, label.vendor_shipment_id)

    with pytest.raises(RefusedByCarrier, match="was refunded"):
        carrier.manifest(replace(request, vendor_shipment_ids=shipments))

    assert carrier.manifest(request).vendor_manifest_id


def test_labels_of_another_manifest_are_refused(simulator: Simulator) -> None:
    # Goal: somebody has closed the day elsewhere; that is never taken for ours.
    carrier = carrier_of(simulator)
    closed, fresh = to_manifest(carrier, labels=1), to_manifest(carrier, labels=1)
    carrier.manifest(closed)
    both = (*closed.vendor_shipment_ids, *fresh.vendor_shipment_ids)

    with pytest.raises(RefusedByCarrier) as caught:
        carrier.manifest(replace(fresh, vendor_shipment_ids=both))
    with pytest.raises(RefusedByCarrier, match="already"):
        carrier.manifest(replace(fresh, vendor_shipment_ids=both[::-1]))

    assert caught.value.vendor_code == "on_another_scan_form"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"status": "creating"}, CarrierUnavailable),
        ({"status": "failed", "message": "No such account."}, RefusedByCarrier),
        ({"status": "created", "form_url": None}, BrokenAnswer),
        ({"status": None}, BrokenAnswer),
    ],
)
def test_a_scan_form_that_is_not_there_yet_or_never_will_be(
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    outcome: type[Exception],
) -> None:
    # Goal: EasyPost may make a form later, or not at all; the simulator always makes it at once.
    carrier = carrier_of(simulator)
    request = to_manifest(carrier, labels=1)
    ask = Client.ask

    def answered(client: Client, call: Callable[[Any], Any]) -> Any:
        told = ask(client, call)
        return {**told, **answer} if told["object"] == "ScanForm" else told

    monkeypatch.setattr(Client, "ask", answered)

    with pytest.raises(outcome):
        carrier.manifest(request)
