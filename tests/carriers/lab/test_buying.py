"""Every vendor: labels are bought once, whatever goes wrong in between."""

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from shared.carriers.types import (
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierUnavailable,
    LabelFormat,
    RefusedByCarrier,
)
from shared.carriers.vendors import VENDORS
from tests.carriers import given
from tests.carriers.lab.bench import Bench, Pad
from tests.carriers.lab.cases.table import CASES

NO_ANSWER = ("lose_answer", "truncate")


def test_every_vendor_has_a_case_and_every_case_a_vendor() -> None:
    assert CASES.keys() == set(VENDORS)


def test_a_label_is_bought_at_the_carriers_cheapest_rate(bench: Bench) -> None:
    label = bench.carrier().buy(given.request())

    # Two started kilograms, regions 14 and 80: 14.50 + 2 × 2.10 + 66 × 0.95.
    assert (label.carrier, label.service) == ("Correios", "PAC")
    assert (label.amount_cents, label.currency) == (8140, "BRL")
    assert label.vendor_shipment_id
    assert label.vendor_tracker_id
    assert label.tracking_code.endswith("BR")
    assert requests.get(label.label_url, timeout=5).content.startswith(b"%PDF-")


def test_the_service_that_was_asked_for_is_bought_though_dearer(bench: Bench) -> None:
    label = bench.carrier().buy(given.request(carrier="JADLOG", service="expresso"))

    assert (label.carrier, label.service) == ("Jadlog", "Expresso")


def test_a_label_comes_in_the_form_that_was_asked_for(bench: Bench) -> None:
    request = replace(given.request(), label_format=LabelFormat.PNG)

    label = bench.carrier().buy(request)

    assert requests.get(label.label_url, timeout=5).content.startswith(b"\x89PNG")


def test_asking_again_returns_the_same_label_whoever_asks(bench: Bench) -> None:
    request, before = given.request(), bench.bought()

    labels = {bench.carrier().buy(request) for _ in range(3)}

    assert len(labels) == 1
    assert bench.bought() == before + 1


def test_a_label_that_is_found_is_not_ordered_again(bench: Bench) -> None:
    # Goal: the first question settles it; the purchase that would fail is never tried.
    request = given.request()
    label = bench.carrier().buy(request)
    bench.fault("fail", "buy")

    assert bench.carrier().buy(request) == label


@pytest.mark.parametrize("kind", NO_ANSWER)
@pytest.mark.parametrize("call", ["create", "buy"])
def test_an_answer_that_is_lost_or_cut_short_never_buys_twice(
    bench: Bench, call: str, kind: str
) -> None:
    # Goal: whichever answer is lost, the retry finds the work done and buys one label in all.
    request, before = given.request(), bench.bought()
    bench.fault(kind, call)

    with pytest.raises(CarrierUnavailable):
        bench.carrier().buy(request)
    label = bench.carrier().buy(request)

    assert bench.bought() == before + 1
    assert bench.carrier().buy(request) == label


def test_an_answer_that_is_lost_again_and_again_never_buys_twice(bench: Bench) -> None:
    # Goal: neither does the question after the first loss.
    request, before = given.request(), bench.bought()
    bench.fault("lose_answer", "buy")
    with pytest.raises(CarrierUnavailable):
        bench.carrier().buy(request)
    for kind in ("fail", "throttle", "lose_answer", "truncate"):
        bench.fault(kind, "find")
        with pytest.raises(CarrierUnavailable):
            bench.carrier().buy(request)

    assert bench.carrier().buy(request).tracking_code
    assert bench.bought() == before + 1


def test_an_answer_that_comes_too_late_never_buys_twice(bench: Bench) -> None:
    # Goal: when we give up waiting, the vendor has sold the label all the same.
    request, before = given.request(), bench.bought()
    bench.fault("slow", "buy", delay_s=2)

    with pytest.raises(CarrierUnavailable):
        bench.carrier(timeout_s=1).buy(request)
    bench.carrier().buy(request)

    assert bench.bought() == before + 1


def calls() -> list[tuple[str, str]]:
    return [(name, call) for name, case in CASES.items() for call in case.first_calls]


@pytest.mark.parametrize(("bench", "call"), calls(), indirect=["bench"])
def test_throttling_is_not_yet_and_says_when(bench: Bench, call: str) -> None:
    # Goal: the vendor's client must not sleep through the pause itself; the queue waits.
    request = given.request()
    bench.fault("throttle", call, retry_after_s=17)
    started = time.monotonic()

    with pytest.raises(CarrierUnavailable) as caught:
        bench.carrier().buy(request)

    assert caught.value.retry_after_s == 17
    assert time.monotonic() - started < 5
    assert bench.carrier().buy(request).tracking_code


@pytest.mark.parametrize(("bench", "call"), calls(), indirect=["bench"])
def test_a_failing_vendor_is_not_yet(bench: Bench, call: str) -> None:
    request = given.request()
    bench.fault("fail", call)

    with pytest.raises(CarrierUnavailable) as caught:
        bench.carrier().buy(request)

    assert caught.value.retry_after_s is None
    assert bench.carrier().buy(request).tracking_code


@pytest.mark.parametrize(("bench", "call"), calls(), indirect=["bench"])
def test_what_makes_no_sense_is_a_fault(bench: Bench, call: str) -> None:
    request = given.request()
    bench.fault("garbage", call)

    with pytest.raises(BrokenAnswer):
        bench.carrier().buy(request)

    assert bench.carrier().buy(request).tracking_code


def test_a_storm_of_refused_calls_ends_in_one_label(bench: Bench) -> None:
    request, before = given.request(), bench.bought()
    bench.simulator.control("faults", kind="throttle", on="any", next=20)
    for _ in range(20):
        with pytest.raises(CarrierUnavailable) as caught:
            bench.carrier().buy(request)
        assert caught.value.retry_after_s == 1

    assert bench.carrier().buy(request).tracking_code
    assert bench.bought() == before + 1


def test_threads_do_not_get_each_others_answers(bench: Bench) -> None:
    # Goal: one adapter serves all threads of an instance.
    carrier = bench.carrier()
    requests_ = [given.request(weight_g=1_000 * number) for number in range(1, 9)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        labels = list(pool.map(carrier.buy, requests_))

    assert len({label.tracking_code for label in labels}) == 8
    for request, label in zip(requests_, labels, strict=True):
        assert label.amount_cents == 1450 + 210 * request.weight_g // 1_000 + 66 * 95


def test_a_bad_address_is_refused_with_code_and_field(bench: Bench) -> None:
    nowhere = replace(given.CUSTOMER, postcode="")

    with pytest.raises(RefusedByCarrier) as caught:
        bench.carrier().buy(given.request(to_address=nowhere))

    assert (caught.value.vendor_code, caught.value.field) == bench.case.wrong_postcode
    assert bench.case.wrong_postcode[1] in str(caught.value)


def test_a_parcel_that_is_too_heavy_is_refused_in_the_carriers_words(bench: Bench) -> None:
    with pytest.raises(RefusedByCarrier, match="30 kg") as caught:
        bench.carrier().buy(given.request(weight_g=30_001))

    assert caught.value.vendor_code == "rate_error"


def test_a_parcel_of_exactly_thirty_kilograms_is_carried(bench: Bench) -> None:
    assert bench.carrier().buy(given.request(weight_g=30_000)).tracking_code


@pytest.mark.parametrize(("carrier", "service"), [("dhl", None), ("correios", "teleport")])
def test_a_carrier_or_service_without_a_rate_is_refused(
    bench: Bench, carrier: str, service: str | None
) -> None:
    before = bench.bought()

    with pytest.raises(RefusedByCarrier) as caught:
        bench.carrier().buy(given.request(carrier=carrier, service=service))

    assert caught.value.vendor_code == "no_rate"
    assert bench.bought() == before


def test_a_key_that_is_not_accepted_is_our_fault(bench: Bench) -> None:
    with pytest.raises(CarrierAccountRefused):
        bench.carrier(api_key="").buy(given.request())


def test_nobody_listening_is_not_yet(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    carrier = bench.case.connect(
        api_key="key", api_base=f"http://127.0.0.1:{port}", notes=Pad(), timeout_s=5
    )

    with pytest.raises(CarrierUnavailable):
        carrier.buy(given.request())


@pytest.mark.parametrize("name", VENDORS)
def test_the_vendors_client_is_not_imported_before_it_is_needed(name: str) -> None:
    case = CASES[name]
    code = (
        f"import sys; from tests.carriers.lab.cases.{name} import CASE;"
        "from tests.carriers.lab.bench import Pad;"
        "CASE.connect(api_key='k', api_base='http://127.0.0.1:1', notes=Pad(), timeout_s=1);"
        f"sys.exit({case.package!r} in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
