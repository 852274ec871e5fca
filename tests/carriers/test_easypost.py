"""EasyPost's adapter beyond what the lab demands of every vendor."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.carriers.easypost import EasyPost
from shared.carriers.easypost.client import Client
from shared.carriers.types import Carrier, CarrierUnavailable, RefusedByCarrier
from tests.carriers import given
from tests.easypost.simulator import Simulator, wait_until


def carrier_of(simulator: Simulator) -> Carrier:
    return EasyPost(api_key="EZTK_test", api_base=simulator.api_base, timeout_s=5)


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


def test_a_shipment_of_before_is_bought_at_what_its_carriers_want_now(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a shipment keeps the rates of when it was made, and whoever would not quote then would
    # be refused for ever: a person who sends the purchase again wants the carrier to be asked.
    ask = Client.ask

    def as_it_was_rated_at_first(client: Client, call: Any) -> Any:
        answer = ask(client, call)
        is_unbought = "postage_label" in answer and answer["postage_label"] is None
        return {**answer, "rates": []} if is_unbought else answer

    monkeypatch.setattr(Client, "ask", as_it_was_rated_at_first)
    carrier, request = carrier_of(simulator), given.request()
    before = simulator.stats()
    with pytest.raises(RefusedByCarrier, match="quotes nothing"):
        carrier.buy(request)

    label = carrier.buy(request)

    assert (label.carrier, label.service) == ("Correios", "PAC")
    after = simulator.stats()
    assert after["shipments"] == before["shipments"] + 1
    assert after["labels_bought"] == before["labels_bought"] + 1


@pytest.mark.parametrize("kind", ["fail", "lose_answer", "truncate", "throttle"])
def test_what_goes_wrong_while_it_is_rated_anew_is_tried_again(
    simulator: Simulator, kind: str
) -> None:
    carrier, request = carrier_of(simulator), given.request()
    before = simulator.stats()["labels_bought"]
    for call, fault in (("create", "lose_answer"), ("rate", kind)):
        simulator.control("faults", kind=fault, on=call)
        with pytest.raises(CarrierUnavailable):
            carrier.buy(request)

    assert carrier.buy(request).tracking_code
    assert simulator.stats()["labels_bought"] == before + 1


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
