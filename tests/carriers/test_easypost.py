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
