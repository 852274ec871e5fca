"""Shippo's adapter beyond what the lab demands of every vendor: what the simulator never says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from shared.carriers.shippo import Shippo
from shared.carriers.shippo.client import Client
from shared.carriers.shippo.failures import sort_failure
from shared.carriers.types import (
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierTooFast,
    CarrierUnavailable,
    ManifestRequest,
    RefusedByCarrier,
    VendorUnavailable,
)
from shared.kit.errors import DispatchError
from tests.carriers import given
from tests.carriers.lab.bench import Pad
from tests.shippo.conftest import _process, simulator
from tests.support.sellers import Simulator

Document = dict[str, Any]
NOW = datetime.now(UTC)

__all__ = ["_process", "simulator"]


def shippo(simulator: Simulator, notes: Pad, now: datetime = NOW) -> Shippo:
    return Shippo(api_key="key", api_base=simulator.api_base, notes=notes, clock=lambda: now)


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[Document], Document]) -> None:
    """What the vendor answers is changed on its way."""
    ask = Client.ask
    monkeypatch.setattr(Client, "ask", lambda client, call: change(ask(client, call)))


def sold(simulator: Simulator) -> int:
    return simulator.stats()["labels_bought"]


def test_while_nothing_is_found_the_same_rate_is_bought(simulator: Simulator) -> None:
    # Goal: a call that seemed lost and comes through later is found under the rate of the second.
    notes, request = Pad(), given.request()
    simulator.control("faults", kind="fail", on="buy")
    with pytest.raises(CarrierUnavailable):
        shippo(simulator, notes).buy(request)
    note, shipments = notes.kept[request.label_id], simulator.stats()["shipments"]

    shippo(simulator, notes).buy(request)

    assert note.startswith("rates/")
    assert notes.kept[request.label_id].startswith("transactions/")
    assert simulator.stats()["shipments"] == shipments


def test_a_rate_that_has_become_old_is_not_bought(simulator: Simulator) -> None:
    notes, request = Pad(), given.request()
    simulator.control("faults", kind="fail", on="buy")
    with pytest.raises(CarrierUnavailable):
        shippo(simulator, notes).buy(request)
    shipments = simulator.stats()["shipments"]

    shippo(simulator, notes, NOW + timedelta(days=7)).buy(request)

    assert simulator.stats()["shipments"] == shipments + 1


def test_everything_that_was_sold_at_a_rate_is_given_back(simulator: Simulator) -> None:
    # Goal: two calls came through, against all leases; both are ours, a third one is not.
    simulator.control("hold", at="pre_transit")
    notes, request = Pad(), given.request()
    simulator.control("faults", kind="lose_answer", on="buy")
    with pytest.raises(CarrierUnavailable):
        shippo(simulator, notes).buy(request)
    rate = notes.kept[request.label_id].removeprefix("rates/")
    for metadata in (request.label_id, "by hand"):
        requests.post(
            f"{simulator.api_base}/transactions",
            json={"rate": rate, "metadata": metadata},
            headers={"Authorization": "ShippoToken key"},
            timeout=5,
        )
    before = simulator.stats()["labels_voided"]

    shippo(simulator, notes).void(request.label_id)

    assert simulator.stats()["labels_voided"] == before + 2
    simulator.control("release")


def test_a_refused_purchase_is_made_anew_with_another_rate(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, request = Pad(), given.request()
    messages = [{"source": "Correios", "code": "x42", "text": "Closed on Sundays."}]

    def refuse(answer: Document) -> Document:
        is_sale = "tracking_number" in answer
        return {**answer, "status": "ERROR", "messages": messages} if is_sale else answer

    with monkeypatch.context() as patch:
        changed(patch, refuse)
        with pytest.raises(RefusedByCarrier, match=r"Correios: Closed on Sundays\.") as caught:
            shippo(simulator, notes).buy(request)

        assert caught.value.vendor_code == "x42"
        messages[0]["code"] = "carrier_timeout"
        with pytest.raises(CarrierUnavailable):
            shippo(simulator, notes).buy(given.request())


@pytest.mark.parametrize("status", ["QUEUED", "WAITING"])
def test_a_purchase_that_is_under_way_is_waited_for(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    notes, request = Pad(), given.request()

    def queued(answer: Document) -> Document:
        if "results" in answer:
            return {**answer, "results": [queued(one) for one in answer["results"]]}
        return {**answer, "status": status} if "tracking_number" in answer else answer

    before = sold(simulator)
    with monkeypatch.context() as patch:
        changed(patch, queued)
        for _ in range(2):
            with pytest.raises(CarrierUnavailable, match=status):
                shippo(simulator, notes).buy(request)
        with pytest.raises(CarrierUnavailable, match=status):
            shippo(simulator, notes).void(request.label_id)

    assert shippo(simulator, notes).buy(request).tracking_code
    assert sold(simulator) == before + 1


def test_a_word_that_the_vendors_client_does_not_know_hides_no_label(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: the client of this release trips over the answer, and we read it all the same.
    def no_enum(*_: object, **__: object) -> None:
        raise ValueError("'TELEPORTED' is not a valid TransactionStatusEnum")

    monkeypatch.setattr("shippo.utils.unmarshal_json", no_enum)

    assert shippo(simulator, Pad()).buy(given.request()).tracking_code


def test_a_parcel_without_measures_is_refused_before_anybody_is_asked(
    simulator: Simulator,
) -> None:
    before = simulator.stats()["shipments"]

    with pytest.raises(RefusedByCarrier) as caught:
        shippo(simulator, Pad()).buy(replace(given.request(), dimensions_mm=None))

    assert (caught.value.vendor_code, caught.value.field) == ("no_dimensions", "parcels.length")
    assert simulator.stats()["shipments"] == before


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"status": "QUEUED", "documents": []}, CarrierUnavailable),
        ({"documents": ["https://a.test/1.pdf", "https://a.test/2.pdf"]}, BrokenAnswer),
        ({"documents": None}, BrokenAnswer),
        ({"status": "ERROR", "errors": ["address: closed"]}, RefusedByCarrier),
    ],
)
def test_a_manifest_that_is_not_there_yet_or_is_none_of_ours_to_keep(
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    said: Document,
    outcome: type[DispatchError],
) -> None:
    simulator.control("hold", at="pre_transit")
    notes = Pad()
    label = shippo(simulator, notes).buy(given.request())
    request = ManifestRequest(
        "man_1", "correios", given.WAREHOUSE, date(2026, 11, 26), (label.vendor_shipment_id,)
    )
    with monkeypatch.context() as patch:
        changed(patch, lambda answer: {**answer, **said} if "documents" in answer else answer)
        with pytest.raises(outcome):
            shippo(simulator, notes).manifest(request)
    simulator.control("release")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (408, None, VendorUnavailable),
        (409, {"detail": "busy"}, CarrierTooFast),
        (429, None, CarrierTooFast),
        (500, {"detail": "x"}, VendorUnavailable),
        (502, None, VendorUnavailable),
        (401, {"detail": "x"}, CarrierAccountRefused),
        (402, {"detail": "x"}, CarrierAccountRefused),
        (403, None, CarrierAccountRefused),
        (400, {"detail": "x"}, RefusedByCarrier),
        (422, [{"rate": ["x"]}], RefusedByCarrier),
        (404, {"detail": "Not found."}, RefusedByCarrier),
        (404, None, BrokenAnswer),  # a wrong address of the API, not a rate that is missing
        (302, None, BrokenAnswer),
    ],
)
def test_failures_are_sorted_by_what_to_do_next(
    status: int, body: object, kind: type[DispatchError]
) -> None:
    assert isinstance(sort_failure(status, body, None), kind)


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"address_to": {"zip": ["is wrong"]}}, "address_to.zip", "is wrong"),
        ({"parcels": [{"weight": ["is wrong"]}]}, "parcels.weight", "is wrong"),
        ({"detail": "is wrong"}, "", "is wrong"),
        ({"__all__": ["is wrong"]}, "", "is wrong"),
        ({}, "", ""),
        ({"rate": None}, "rate", ""),
    ],
)
def test_the_field_is_named_however_deep_it_lies(body: object, field: str, text: str) -> None:
    failure = sort_failure(400, body, None)

    assert isinstance(failure, RefusedByCarrier)
    assert failure.field == field
    assert text in str(failure)
