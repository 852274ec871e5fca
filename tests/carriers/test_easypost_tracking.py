"""Asking EasyPost about parcels with the official client, against the simulator over HTTP."""

import json
from collections.abc import Iterator

import pytest

from shared.carriers.easypost import EasyPost
from shared.carriers.types import (
    BrokenAnswer,
    Carrier,
    CarrierAccountRefused,
    CarrierUnavailable,
)
from shared.tracking.types import TrackingStatus
from shared.tracking.vendors.easypost import EASYPOST
from tests.carriers import given
from tests.easypost.simulator import Simulator, wait_until


@pytest.fixture
def carrier(simulator: Simulator) -> Carrier:
    return EasyPost(api_key="EZTK_test", api_base=simulator.api_base, timeout_s=5)


@pytest.fixture
def held(simulator: Simulator) -> Iterator[Simulator]:
    """A simulator whose parcels stand still before anybody scans them."""
    simulator.control("hold", at="pre_transit")
    yield simulator
    simulator.control("release")


def bought(carrier: Carrier, name: str = "correios") -> str:
    return carrier.buy(given.request(carrier=name)).tracking_code


def test_an_answer_reads_as_the_webhook_that_tells_the_same(
    simulator: Simulator, carrier: Carrier
) -> None:
    # Goal: news that were sent and news that were asked for are the same to the fold.
    code = bought(carrier)
    wait_until(lambda: len(simulator.mailbox.of(code)) == 4, "the parcel arrives")

    found = carrier.track("correios", [code])

    assert found.keys() == {code}
    last = max(simulator.mailbox.of(code), key=lambda e: len(e["result"]["tracking_details"]))
    asked, sent = EASYPOST.read(found[code]), EASYPOST.read(json.dumps(last).encode())
    assert asked == sent
    assert asked is not None
    assert asked.updates[-1].status is TrackingStatus.DELIVERED


def test_the_same_progress_gives_the_same_body(held: Simulator, carrier: Carrier) -> None:
    # Goal: what is asked for twice a day for weeks is kept once as long as nothing happens.
    code = bought(carrier)

    assert carrier.track("correios", [code]) == carrier.track("CORREIOS", [code])


def test_what_the_vendor_does_not_know_is_left_out(held: Simulator, carrier: Carrier) -> None:
    code = bought(carrier)

    assert carrier.track("correios", [code, "UNHEARD-OF"]).keys() == {code}
    assert carrier.track("correios", ["UNHEARD-OF"]) == {}


def test_the_parcel_of_another_carrier_with_the_same_code_is_not_ours(
    held: Simulator, carrier: Carrier
) -> None:
    assert carrier.track("jadlog", [bought(carrier)]) == {}


def test_an_answer_of_several_pages_is_read_to_its_end(held: Simulator, carrier: Carrier) -> None:
    codes = {bought(carrier) for _ in range(45)}

    found = carrier.track("correios", [*codes, "UNHEARD-OF"])

    assert found.keys() == codes
    assert all(json.loads(body)["result"]["tracking_code"] == code for code, body in found.items())


def test_a_silent_carriers_parcels_are_found_by_asking_alone(
    simulator: Simulator, carrier: Carrier
) -> None:
    simulator.control("silence", carrier="Correios")
    silent, told = bought(carrier), bought(carrier, "jadlog")
    wait_until(lambda: len(simulator.mailbox.of(told)) == 4, "the other carrier tells")
    wait_until(
        lambda: json.loads(carrier.track("correios", [silent])[silent])["result"]["finalized"],
        "it arrives",
    )

    assert simulator.mailbox.of(silent) == []
    simulator.control("silence", carrier=None)
    code = bought(carrier)
    wait_until(lambda: len(simulator.mailbox.of(code)) == 4, "it tells again")


def test_throttling_says_when_and_the_client_does_not_wait_by_itself(
    held: Simulator, carrier: Carrier
) -> None:
    code = bought(carrier)
    held.control("faults", kind="throttle", on="track", retry_after_s=17)

    with pytest.raises(CarrierUnavailable) as caught:
        carrier.track("correios", [code])

    assert caught.value.retry_after_s == 17
    assert carrier.track("correios", [code])


@pytest.mark.parametrize(
    ("kind", "error"),
    [("fail", CarrierUnavailable), ("lose_answer", CarrierUnavailable), ("garbage", BrokenAnswer)],
)
def test_what_goes_wrong_is_sorted_as_for_labels(
    held: Simulator, carrier: Carrier, kind: str, error: type[Exception]
) -> None:
    code = bought(carrier)
    held.control("faults", kind=kind, on="track")

    with pytest.raises(error):
        carrier.track("correios", [code])

    assert carrier.track("correios", [code])


def test_a_key_that_is_not_accepted_is_our_fault(simulator: Simulator) -> None:
    with pytest.raises(CarrierAccountRefused):
        EasyPost(api_key="", api_base=simulator.api_base).track("correios", ["X"])
