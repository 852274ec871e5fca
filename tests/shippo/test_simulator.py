"""What the simulator promises beyond labels: webhooks, pages, refusals, and what it keeps."""

import hashlib
import hmac
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.sellers import (
    SECRET,
    SHIPPO,
    Mailbox,
    Simulator,
    mailbox,
    running,
    start,
    wait_until,
)

JOURNEY = [
    ("PRE_TRANSIT", "information_received"),
    ("TRANSIT", "package_departed"),
    ("TRANSIT", "out_for_delivery"),
    ("DELIVERED", "delivered"),
]
KEY = {"Authorization": "ShippoToken shippo_test_key"}
_numbers = count(1)


def post(simulator: Simulator, path: str, body: object) -> requests.Response:
    return requests.post(f"{simulator.api_base}{path}", json=body, headers=KEY, timeout=5)


def get(simulator: Simulator, path: str) -> Any:
    answer = requests.get(f"{simulator.api_base}{path}", headers=KEY, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def shipment(**changes: object) -> dict[str, Any]:
    address = {
        "name": "Ana",
        "street1": "Rua Um 1",
        "city": "Santos",
        "zip": "11000-000",
        "country": "BR",
    }
    return {
        "address_from": address,
        "address_to": address,
        "parcels": [
            {
                "weight": "1000",
                "mass_unit": "g",
                "length": "10",
                "width": "10",
                "height": "10",
                "distance_unit": "cm",
            }
        ],
        "metadata": f"label_{next(_numbers)}",
        **changes,
    }


def buy(simulator: Simulator) -> dict[str, Any]:
    """Buy a label and return its transaction."""
    made = post(simulator, "/shipments", shipment()).json()
    wanted = {"rate": made["rates"][0]["object_id"], "metadata": made["metadata"]}
    bought: dict[str, Any] = post(simulator, "/transactions", wanted).json()
    return bought


def steps(simulator: Simulator, code: str) -> list[tuple[str, str]]:
    """Status and substatus that events told of, in the order in which they arrived."""
    told = [event["data"]["tracking_status"] for event in simulator.mailbox.of(code)]
    return [(status["status"], status["substatus"]["code"]) for status in told]


def test_a_parcel_travels_to_the_door_with_its_whole_history_in_each_event(
    simulator: Simulator,
) -> None:
    code = buy(simulator)["tracking_number"]
    wait_until(lambda: len(steps(simulator, code)) == 4, "four events")

    # Sent over many connections, so that the network may shuffle them.
    events = sorted(
        simulator.mailbox.of(code), key=lambda event: len(event["data"]["tracking_history"])
    )
    for length, event in enumerate(events, start=1):
        assert event["event"] == "track_updated"
        history = event["data"]["tracking_history"]
        assert [(one["status"], one["substatus"]["code"]) for one in history] == JOURNEY[:length]


def test_events_are_signed_as_shippo_signs(simulator: Simulator) -> None:
    code = buy(simulator)["tracking_number"]
    wait_until(lambda: bool(steps(simulator, code)), "an event")

    body, header = simulator.mailbox.arrived[-1]
    moment, signature = (part.partition("=")[2] for part in header.split(","))
    assert abs(time.time() - int(moment)) < 60
    signed = hmac.new(SECRET.encode(), moment.encode() + b"." + body, hashlib.sha256)
    assert signature == signed.hexdigest()


def test_an_event_that_is_refused_is_sent_again(simulator: Simulator) -> None:
    before = simulator.stats()
    simulator.mailbox.refuse_next = 3

    code = buy(simulator)["tracking_number"]

    wait_until(lambda: len(steps(simulator, code)) == 4, "four events in spite of refusals")
    wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing pending")
    assert simulator.stats()["webhooks_retried"] - before["webhooks_retried"] == 3


def test_a_carrier_that_is_silent_can_still_be_asked(simulator: Simulator) -> None:
    simulator.control("silence", carrier="Correios")
    code = buy(simulator)["tracking_number"]

    def status() -> str:
        return str(get(simulator, f"/tracks/correios/{code}")["tracking_status"]["status"])

    wait_until(lambda: status() == "DELIVERED", "it is delivered")
    assert simulator.mailbox.of(code) == []


def test_duplicates_and_swaps_come_as_ordered() -> None:
    # Goal: with every event doubled and every one overtaken that can be, none is lost.
    with running(SHIPPO, "--step-s", "0.05", "--duplicates", "1", "--reorder", "1") as simulator:
        code = buy(simulator)["tracking_number"]
        wait_until(lambda: len(steps(simulator, code)) >= 6, "six events")
        wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing pending")
        arrived = steps(simulator, code)

    assert set(arrived) == set(JOURNEY)
    assert arrived.count(JOURNEY[-1]) == 2
    assert arrived.index(JOURNEY[1]) < arrived.index(JOURNEY[0])


def test_lists_have_pages_and_the_newest_comes_first(simulator: Simulator) -> None:
    made = post(simulator, "/shipments", shipment()).json()
    rate = made["rates"][0]["object_id"]
    # A vendor without a key that makes a purchase unique sells as often as it is asked.
    bought = [
        post(simulator, "/transactions", {"rate": rate}).json()["object_id"] for _ in range(3)
    ]
    buy(simulator)

    first = get(simulator, f"/transactions?rate={rate}&results=2")
    second = get(simulator, f"/transactions?rate={rate}&results=2&page=2")

    shown = [one["object_id"] for one in (*first["results"], *second["results"])]
    assert shown == bought[::-1]
    assert first["next"] is not None
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/shipments", {}, {"address_from": ["This field is required."]}),
        (
            "/shipments",
            shipment(address_to={**shipment()["address_to"], "zip": ""}),
            {"address_to": {"zip": ["This field is required."]}},
        ),
        (
            "/shipments",
            shipment(parcels=[{"weight": "0"}]),
            {"parcels": [{"length": ["A valid number is required."]}]},
        ),
        ("/transactions", {}, {"rate": ["This field is required."]}),
        ("/transactions", {"rate": "x"}, {"rate": ["Rate with supplied object_id not found."]}),
        ("/refunds", {}, {"transaction": ["This field is required."]}),
        ("/manifests", {}, {"carrier_account": ["This field is required."]}),
    ],
)
def test_what_shippo_would_refuse_is_refused_its_way(
    simulator: Simulator, path: str, body: object, problem: object
) -> None:
    answer = post(simulator, path, body)

    assert (answer.status_code, answer.json()) == (400, problem)


def test_without_a_key_nothing_is_answered(simulator: Simulator) -> None:
    answer = requests.get(f"{simulator.api_base}/transactions", timeout=5)

    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


def test_a_refunded_label_stops_its_parcel_for_good(simulator: Simulator) -> None:
    simulator.control("hold", at="pre_transit")
    bought = buy(simulator)
    refund = post(simulator, "/refunds", {"transaction": bought["object_id"]})
    again = post(simulator, "/refunds", {"transaction": bought["object_id"]})
    simulator.control("release")
    other = buy(simulator)["tracking_number"]
    wait_until(lambda: len(steps(simulator, other)) == 4, "another parcel arrives")

    assert (refund.status_code, refund.json()["status"]) == (201, "PENDING")
    assert again.status_code == 400
    found = get(simulator, f"/transactions/{bought['object_id']}")
    assert found["status"] == "REFUNDPENDING"
    assert set(steps(simulator, bought["tracking_number"])) <= {JOURNEY[0]}


@contextmanager
def _kept(state: Path, box: Mailbox, step_s: str) -> Iterator[Simulator]:
    """A simulator that keeps its state; killed without a warning at the end of the block."""
    options = ("--port", "0", "--webhook-url", box.url, "--state-dir", str(state))
    calm = ("--duplicates", "0", "--reorder", "0", "--step-s", step_s)
    with start(SHIPPO, *options, *calm) as process:
        assert process.stdout is not None
        try:
            yield Simulator(json.loads(process.stdout.readline())["http"], box)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(60)


def test_what_was_sold_and_closed_stays_so_over_a_restart(tmp_path: Path) -> None:
    with mailbox(SHIPPO) as box:
        with _kept(tmp_path, box, "60") as simulator:
            bought = buy(simulator)
            rate = get(simulator, f"/rates/{bought['rate']}")
            closing = {
                "carrier_account": rate["carrier_account"],
                "shipment_date": "2026-11-26T23:59:59Z",
                "address_from": shipment()["address_from"],
                "transactions": [bought["object_id"]],
            }
            made = post(simulator, "/manifests", closing).json()

        with _kept(tmp_path, box, "0.05") as simulator:
            code = bought["tracking_number"]
            wait_until(lambda: JOURNEY[-1] in steps(simulator, code), "the parcel arrives")
            found = get(simulator, f"/transactions?rate={bought['rate']}")
            second = post(simulator, "/manifests", closing).json()
            other = buy(simulator)["tracking_number"]

            assert made["status"] == "SUCCESS"
            assert get(simulator, f"/manifests/{made['object_id']}") == made
    assert [one["object_id"] for one in found["results"]] == [bought["object_id"]]
    assert (second["status"], second["documents"]) == ("ERROR", [])
    assert other != code
