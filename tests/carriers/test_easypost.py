"""The adapter with the official client, against the simulator over HTTP."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from shared.carriers.easypost import EasyPost
from shared.carriers.easypost.client import Client
from shared.carriers.types import (
    BrokenAnswer,
    Carrier,
    CarrierAccountRefused,
    CarrierUnavailable,
    NotTakenBack,
    RefusedByCarrier,
)
from tests.carriers import given
from tests.easypost.simulator import Simulator, wait_until


def carrier_of(simulator: Simulator, *, api_key: str = "EZTK_test", timeout_s: int = 5) -> Carrier:
    return EasyPost(api_key=api_key, api_base=simulator.api_base, timeout_s=timeout_s)


def test_a_label_is_bought_at_the_carriers_cheapest_rate(simulator: Simulator) -> None:
    label = carrier_of(simulator).buy(given.request())

    # Two started kilograms, regions 14 and 80: 14.50 + 2 × 2.10 + 66 × 0.95.
    assert (label.carrier, label.service) == ("Correios", "PAC")
    assert (label.amount_cents, label.currency) == (8140, "BRL")
    assert label.vendor_shipment_id.startswith("shp_")
    assert label.vendor_tracker_id.startswith("trk_")
    assert label.tracking_code.endswith("BR")
    assert requests.get(label.label_url, timeout=5).content.startswith(b"\x89PNG")


def test_the_service_that_was_asked_for_is_bought_though_dearer(simulator: Simulator) -> None:
    label = carrier_of(simulator).buy(given.request(carrier="JADLOG", service="expresso"))

    assert (label.carrier, label.service) == ("Jadlog", "Expresso")


def test_asking_again_returns_the_same_label(simulator: Simulator) -> None:
    carrier, request = carrier_of(simulator), given.request()
    before = simulator.stats()["labels_bought"]

    labels = {carrier.buy(request) for _ in range(3)}

    assert len(labels) == 1
    assert simulator.stats()["labels_bought"] == before + 1


def test_a_label_that_is_found_is_not_ordered_again(simulator: Simulator) -> None:
    # Goal: the first question settles it; the purchase that would fail is never tried.
    carrier, request = carrier_of(simulator), given.request()
    label = carrier.buy(request)
    simulator.control("faults", kind="fail", on="buy")

    assert carrier.buy(request) == label


def test_a_label_that_another_attempt_bought_meanwhile_is_returned(simulator: Simulator) -> None:
    # Goal: when the shipment gets its label between our question and our purchase, we take it.
    carrier, request = carrier_of(simulator), given.request()
    before = simulator.stats()["labels_bought"]
    simulator.control("faults", kind="lose_answer", on="create")
    with pytest.raises(CarrierUnavailable):
        carrier.buy(request)
    simulator.control("faults", kind="slow", on="find", delay_s=0.5)

    with ThreadPoolExecutor(max_workers=1) as pool:
        slow = pool.submit(carrier.buy, request)
        wait_until(lambda: simulator.stats()["faults_waiting"] == 0, "the slow one has asked")
        quick = carrier.buy(request)

    assert slow.result() == quick
    assert simulator.stats()["labels_bought"] == before + 1


@pytest.mark.parametrize("call", ["create", "buy"])
def test_a_lost_answer_never_buys_twice(simulator: Simulator, call: str) -> None:
    # Goal: whichever answer is lost, the retry finds the work done and buys one label in all.
    carrier, request = carrier_of(simulator), given.request()
    before = simulator.stats()
    simulator.control("faults", kind="lose_answer", on=call)

    with pytest.raises(CarrierUnavailable):
        carrier.buy(request)
    label = carrier.buy(request)

    after = simulator.stats()
    assert label.tracking_code
    assert after["shipments"] == before["shipments"] + 1
    assert after["labels_bought"] == before["labels_bought"] + 1


def test_an_answer_that_comes_too_late_never_buys_twice(simulator: Simulator) -> None:
    # Goal: when we give up waiting, the vendor has sold the label all the same.
    request = given.request()
    before = simulator.stats()["labels_bought"]
    simulator.control("faults", kind="slow", on="buy", delay_s=2)

    with pytest.raises(CarrierUnavailable):
        carrier_of(simulator, timeout_s=1).buy(request)
    carrier_of(simulator).buy(request)

    assert simulator.stats()["labels_bought"] == before + 1


@pytest.mark.parametrize("call", ["find", "create", "buy"])
def test_throttling_is_not_yet_and_says_when(simulator: Simulator, call: str) -> None:
    # Goal: the vendor's client must not sleep through the pause itself; the queue waits.
    carrier, request = carrier_of(simulator), given.request()
    simulator.control("faults", kind="throttle", on=call, retry_after_s=17)
    started = time.monotonic()

    with pytest.raises(CarrierUnavailable) as caught:
        carrier.buy(request)

    assert caught.value.retry_after_s == 17
    assert time.monotonic() - started < 5
    assert carrier.buy(request).tracking_code


@pytest.mark.parametrize("call", ["find", "create", "buy"])
def test_a_failing_vendor_is_not_yet(simulator: Simulator, call: str) -> None:
    carrier, request = carrier_of(simulator), given.request()
    simulator.control("faults", kind="fail", on=call)

    with pytest.raises(CarrierUnavailable) as caught:
        carrier.buy(request)

    assert caught.value.retry_after_s is None
    assert carrier.buy(request).tracking_code


@pytest.mark.parametrize("call", ["find", "create", "buy"])
def test_garbage_is_a_fault(simulator: Simulator, call: str) -> None:
    carrier, request = carrier_of(simulator), given.request()
    simulator.control("faults", kind="garbage", on=call)

    with pytest.raises(BrokenAnswer):
        carrier.buy(request)

    assert carrier.buy(request).tracking_code


@pytest.fixture
def held(simulator: Simulator) -> Iterator[Simulator]:
    """A simulator whose parcels stand still before anybody scans them."""
    simulator.control("hold", at="pre_transit")
    yield simulator
    simulator.control("release")


def test_a_label_is_given_back_once(held: Simulator) -> None:
    carrier, request = carrier_of(held), given.request()
    carrier.buy(request)
    before = held.stats()["labels_voided"]

    carrier.void(request.label_id)
    carrier.void(request.label_id)

    assert held.stats()["labels_voided"] == before + 1


def test_what_was_never_bought_needs_no_giving_back(held: Simulator) -> None:
    # Goal: a purchase may have ended before, between or after its calls.
    carrier, request = carrier_of(held), given.request()
    before = held.stats()["labels_voided"]
    carrier.void(request.label_id)
    held.control("faults", kind="lose_answer", on="create")
    with pytest.raises(CarrierUnavailable):
        carrier.buy(request)
    carrier.void(request.label_id)
    assert held.stats()["labels_voided"] == before

    held.control("faults", kind="lose_answer", on="buy")
    with pytest.raises(CarrierUnavailable):
        carrier.buy(request)
    carrier.void(request.label_id)

    assert held.stats()["labels_voided"] == before + 1


def test_a_lost_answer_never_gives_back_twice(held: Simulator) -> None:
    carrier, request = carrier_of(held), given.request()
    carrier.buy(request)
    before = held.stats()["labels_voided"]
    held.control("faults", kind="lose_answer", on="refund")

    with pytest.raises(CarrierUnavailable):
        carrier.void(request.label_id)
    carrier.void(request.label_id)

    assert held.stats()["labels_voided"] == before + 1


def test_a_label_that_was_scanned_is_not_taken_back_now(simulator: Simulator) -> None:
    # Goal: EasyPost may reject a refund by mistake, so it is asked again, and in the end parked.
    carrier, request = carrier_of(simulator), given.request()
    label = carrier.buy(request)
    wait_until(
        lambda: any(
            event["result"]["status"] == "in_transit"
            for event in simulator.mailbox.of(label.tracking_code)
        ),
        "the parcel is under way",
    )

    with pytest.raises(NotTakenBack, match="rejected"):
        carrier.void(request.label_id)


def test_a_bad_address_is_refused_with_code_and_field(simulator: Simulator) -> None:
    nowhere = replace(given.CUSTOMER, postcode="")

    with pytest.raises(RefusedByCarrier) as caught:
        carrier_of(simulator).buy(given.request(to_address=nowhere))

    assert caught.value.vendor_code == "SHIPMENT.INVALID_PARAMS"
    assert caught.value.field == "to_address.zip"
    assert "cannot be blank" in str(caught.value)


def test_a_parcel_that_is_too_heavy_is_refused_in_the_carriers_words(simulator: Simulator) -> None:
    with pytest.raises(RefusedByCarrier, match="30 kg") as caught:
        carrier_of(simulator).buy(given.request(weight_g=30_001))

    assert caught.value.vendor_code == "rate_error"


def test_a_parcel_of_exactly_thirty_kilograms_is_carried(simulator: Simulator) -> None:
    assert carrier_of(simulator).buy(given.request(weight_g=30_000)).tracking_code


@pytest.mark.parametrize(("carrier", "service"), [("dhl", None), ("correios", "teleport")])
def test_a_carrier_or_service_without_a_rate_is_refused(
    simulator: Simulator, carrier: str, service: str | None
) -> None:
    before = simulator.stats()["labels_bought"]

    with pytest.raises(RefusedByCarrier) as caught:
        carrier_of(simulator).buy(given.request(carrier=carrier, service=service))

    assert caught.value.vendor_code == "no_rate"
    assert simulator.stats()["labels_bought"] == before


def test_a_key_that_is_not_accepted_is_our_fault(simulator: Simulator) -> None:
    with pytest.raises(CarrierAccountRefused):
        carrier_of(simulator, api_key="").buy(given.request())


def test_nobody_listening_is_not_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    carrier = EasyPost(api_key="EZTK_test", api_base=f"http://127.0.0.1:{port}/v2")

    with pytest.raises(CarrierUnavailable):
        carrier.buy(given.request())


def test_an_answer_belongs_to_the_thread_that_asked(simulator: Simulator) -> None:
    # Goal: what is noted about one answer must not leak into another thread's call. The second
    # call runs from beginning to end between the first one's answer and its sorting.
    client = Client(api_key="EZTK_test", api_base=simulator.api_base, timeout_s=5)
    answered, other_done = threading.Event(), threading.Event()
    simulator.control("faults", kind="throttle", on="find", retry_after_s=3)

    def throttled(vendor: Any) -> Any:
        try:
            return vendor.shipment.retrieve("lab_none")
        finally:
            answered.set()
            other_done.wait(10)

    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(client.ask, throttled)
        answered.wait(10)
        with pytest.raises(RefusedByCarrier):
            client.ask(lambda vendor: vendor.shipment.retrieve("lab_none"))
        other_done.set()
        with pytest.raises(CarrierUnavailable) as caught:
            waiting.result()

    assert caught.value.retry_after_s == 3


def test_the_vendors_client_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from shared.carriers.easypost import EasyPost;"
        "EasyPost(api_key='k', api_base='http://127.0.0.1:1/v2');"
        "sys.exit('easypost' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env=environment).returncode == 0
    )
