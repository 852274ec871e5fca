"""What the simulator promises beyond labels: webhooks, holds, and a clean start and stop."""

import hashlib
import hmac
import json
import signal
import socket
import unicodedata
from itertools import count
from typing import Any, cast

import pytest
import requests

from tests.easypost.simulator import SECRET, Simulator, mailbox, running, start, wait_until

JOURNEY = ["pre_transit", "in_transit", "out_for_delivery", "delivered"]
_numbers = count(1)


def post(simulator: Simulator, path: str, body: object, key: str = "EZTK") -> requests.Response:
    url = f"{simulator.api_base}{path}"
    return requests.post(url, json=body, auth=(key, ""), timeout=5)


def shipment(**changes: object) -> dict[str, Any]:
    address = {"street1": "Rua Um 1", "city": "Santos", "zip": "11000-000", "country": "BR"}
    return {
        "shipment": {
            "reference": f"ref_{next(_numbers)}",
            "from_address": address,
            "to_address": address,
            "parcel": {"weight": 35.3},
            **changes,
        }
    }


def buy(simulator: Simulator) -> str:
    """Buy a label and return its tracking code."""
    made = post(simulator, "/shipments", shipment()).json()
    bought = post(simulator, f"/shipments/{made['id']}/buy", {"rate": made["rates"][0]})
    return cast("str", bought.json()["tracking_code"])


def statuses(simulator: Simulator, code: str) -> list[str]:
    """The statuses that events told of, in the order in which they arrived."""
    return [event["result"]["status"] for event in simulator.mailbox.of(code)]


def test_a_parcel_travels_to_the_door_with_its_whole_history_in_each_event(
    simulator: Simulator,
) -> None:
    code = buy(simulator)
    wait_until(lambda: len(statuses(simulator, code)) == 4, "four events")

    # Sent over many connections, so that the network may shuffle them.
    events = sorted(simulator.mailbox.of(code), key=lambda e: len(e["result"]["tracking_details"]))
    assert [event["result"]["status"] for event in events] == JOURNEY
    assert [event["description"] for event in events] == ["tracker.created"] + [
        "tracker.updated"
    ] * 3
    for length, event in enumerate(events, start=1):
        history = [entry["status"] for entry in event["result"]["tracking_details"]]
        assert history == JOURNEY[:length]


def test_events_are_signed_as_easypost_signs(simulator: Simulator) -> None:
    buy(simulator)
    wait_until(lambda: bool(simulator.mailbox.arrived), "an event")

    body, signature = simulator.mailbox.arrived[-1]
    key = unicodedata.normalize("NFKD", SECRET).encode()
    assert signature == "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def test_an_event_that_is_refused_is_sent_again(simulator: Simulator) -> None:
    before = simulator.stats()
    simulator.mailbox.refuse_next = 3

    code = buy(simulator)

    wait_until(lambda: len(statuses(simulator, code)) == 4, "four events in spite of refusals")
    wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing pending")
    after = simulator.stats()
    assert after["webhooks_refused"] - before["webhooks_refused"] == 3
    assert after["webhooks_retried"] - before["webhooks_retried"] == 3


def test_a_shipment_that_is_rated_anew_sells_at_its_new_rates_alone(simulator: Simulator) -> None:
    made = post(simulator, "/shipments", shipment()).json()
    path = f"/shipments/{made['id']}"

    rated = post(simulator, f"{path}/rerate", {}).json()["rates"]
    refused = post(simulator, f"{path}/buy", {"rate": made["rates"][0]})
    sold = post(simulator, f"{path}/buy", {"rate": rated[0]})

    assert [rate["rate"] for rate in rated] == [rate["rate"] for rate in made["rates"]]
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "RATE.NOT_FOUND")
    assert sold.json()["selected_rate"] == rated[0]


def test_a_refunded_label_stops_its_parcel_for_good(simulator: Simulator) -> None:
    simulator.control("hold", at="pre_transit")
    made = post(simulator, "/shipments", shipment()).json()
    refused = post(simulator, f"/shipments/{made['id']}/refund", {})
    post(simulator, f"/shipments/{made['id']}/buy", {"rate": made["rates"][0]})

    answers = [post(simulator, f"/shipments/{made['id']}/refund", {}) for _ in range(2)]
    simulator.control("release")
    code = buy(simulator)
    wait_until(lambda: len(statuses(simulator, code)) == 4, "another parcel arrives")

    assert (refused.status_code, refused.json()["error"]["code"]) == (
        422,
        "SHIPMENT.REFUND.UNAVAILABLE",
    )
    assert [answer.json()["refund_status"] for answer in answers] == ["submitted"] * 2
    assert set(statuses(simulator, answers[0].json()["tracking_code"])) <= {"pre_transit"}


def test_a_parcel_can_be_held_in_transit_and_released(simulator: Simulator) -> None:
    simulator.control("hold", at="in_transit")
    code = buy(simulator)

    wait_until(lambda: simulator.stats()["trackers_held"] == 1, "the parcel stands still")
    wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing pending")
    assert set(statuses(simulator, code)) == set(JOURNEY[:2])

    simulator.control("release")
    wait_until(lambda: len(statuses(simulator, code)) == 4, "delivered after the release")


def test_a_parcel_that_is_held_keeps_no_event_back() -> None:
    # Goal: a test that waits for a parcel in transit sees it there, swaps or not.
    with running("--step-s", "0.05", "--reorder", "1") as simulator:
        simulator.control("hold", at="pre_transit")
        code = buy(simulator)

        wait_until(lambda: statuses(simulator, code)[:1] == JOURNEY[:1], "the first event")


def test_duplicates_and_swaps_come_as_ordered() -> None:
    # Goal: with every event doubled and every one overtaken that can be, none is lost.
    with running("--step-s", "0.05", "--duplicates", "1", "--reorder", "1") as simulator:
        code = buy(simulator)
        wait_until(lambda: len(statuses(simulator, code)) >= 6, "six events")
        wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing pending")

        arrived = statuses(simulator, code)

    assert sorted(set(arrived)) == sorted(JOURNEY)
    assert arrived.count("delivered") == 2
    assert arrived.index("in_transit") < arrived.index("pre_transit")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "PARAMETER.REQUIRED", "shipment"),
        (shipment(parcel=None), "PARAMETER.REQUIRED", "parcel"),
        (shipment(to_address={}), "SHIPMENT.INVALID_PARAMS", "to_address.street1"),
        (shipment(parcel={"weight": 0}), "PARCEL.PARAMETERS.INVALID", "parcel.weight"),
    ],
)
def test_a_shipment_that_easypost_would_refuse_is_refused_its_way(
    simulator: Simulator, body: object, code: str, field: str
) -> None:
    answer = post(simulator, "/shipments", body)

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["errors"][0]["field"] == field


def test_buying_twice_is_refused(simulator: Simulator) -> None:
    made = post(simulator, "/shipments", shipment()).json()
    path, rate = f"/shipments/{made['id']}/buy", {"rate": {"id": made["rates"][0]["id"]}}
    assert post(simulator, path, rate).ok

    again = post(simulator, path, rate)

    assert again.status_code == 422
    assert again.json()["error"]["code"] == "SHIPMENT.POSTAGE.EXISTS"


def test_without_a_key_nothing_is_answered(simulator: Simulator) -> None:
    assert post(simulator, "/shipments", shipment(), key="").status_code == 401
    assert requests.get(f"{simulator.api_base}/shipments/x", timeout=5).status_code == 401


def test_a_tracker_can_be_asked_for(simulator: Simulator) -> None:
    made = post(simulator, "/shipments", shipment()).json()
    rate = {"rate": made["rates"][0]}
    bought = post(simulator, f"/shipments/{made['id']}/buy", rate).json()
    url = f"{simulator.api_base}/trackers/{bought['tracker']['id']}"

    def status() -> str:
        return cast("str", requests.get(url, auth=("EZTK", ""), timeout=5).json()["status"])

    wait_until(lambda: status() == "delivered", "the tracker is delivered")
    assert requests.get(f"{url}0", auth=("EZTK", ""), timeout=5).status_code == 404


def test_a_fault_that_does_not_exist_is_refused_with_a_sentence(simulator: Simulator) -> None:
    url = f"http://{simulator.http}/control/faults"

    answer = requests.post(url, json={"kind": "gremlins"}, timeout=5)

    assert answer.status_code == 400
    assert "kind must be one of" in answer.json()["problem"]


@pytest.mark.parametrize(
    "wrong", [{"on": "find", "carrier": "Jadlog"}, {"on": "buy", "carrier": 7}]
)
def test_a_fault_of_a_carrier_is_one_of_its_purchases(
    simulator: Simulator, wrong: dict[str, object]
) -> None:
    url = f"http://{simulator.http}/control/faults"

    answer = requests.post(url, json={"kind": "fail", **wrong}, timeout=5)

    assert answer.status_code == 400
    assert "of a fault on buy alone" in answer.json()["problem"]


def test_a_carrier_that_is_down_sells_nothing_while_another_does(simulator: Simulator) -> None:
    made = post(simulator, "/shipments", shipment()).json()
    rates = {rate["carrier"]: {"rate": {"id": rate["id"]}} for rate in made["rates"]}
    simulator.control("faults", kind="fail", on="buy", carrier="Correios", next=2)

    down = post(simulator, f"/shipments/{made['id']}/buy", rates["Correios"])
    up = post(simulator, f"/shipments/{made['id']}/buy", rates["Jadlog"])

    assert (down.status_code, up.status_code) == (500, 200)
    assert simulator.stats()["faults_waiting"] == 1
    simulator.control("faults", kind=None)


def test_a_taken_port_is_one_sentence_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start("--port", port, "--webhook-url", "http://127.0.0.1:9/")
        out, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert port in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_with_parcels_under_way(number: signal.Signals) -> None:
    with mailbox() as box:
        process = start("--port", "0", "--webhook-url", box.url, "--step-s", "60")
        try:
            assert process.stdout is not None
            buy(Simulator(json.loads(process.stdout.readline())["http"], box))

            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (process.returncode, err) == (0, "")


def bought_shipment(simulator: Simulator, rate: int = 0, **changes: object) -> dict[str, Any]:
    made = post(simulator, "/shipments", shipment(**changes)).json()
    answer = post(simulator, f"/shipments/{made['id']}/buy", {"rate": made["rates"][rate]})
    return cast("dict[str, Any]", answer.json())


def test_a_label_is_the_file_that_was_asked_for(simulator: Simulator) -> None:
    for options, beginning in (({"label_format": "PDF"}, b"%PDF-"), ({}, b"\x89PNG\r\n\x1a\n")):
        label = bought_shipment(simulator, options=options)["postage_label"]

        answer = requests.get(label["label_url"], timeout=5)

        assert answer.content.startswith(beginning)
        assert answer.headers["Content-Type"] == label["label_file_type"]


def test_a_scan_form_lists_its_shipments_and_each_is_on_one_form(simulator: Simulator) -> None:
    bought = [bought_shipment(simulator) for _ in range(2)]
    named = {"shipments": [{"id": one["id"]} for one in bought]}

    made = post(simulator, "/scan_forms", {"scan_form": named})
    again = post(simulator, "/scan_forms", named)

    form = made.json()
    assert (made.status_code, form["status"]) == (201, "created")
    assert form["tracking_codes"] == [one["tracking_code"] for one in bought]
    assert (again.status_code, again.json()["error"]["code"]) == (422, "SCAN_FORM.CREATE.FAILURE")
    document = requests.get(form["form_url"], timeout=5)
    assert document.content.startswith(b"%PDF-")
    assert all(one["tracking_code"].encode() in document.content for one in bought)


def test_a_scan_form_refuses_what_does_not_go_together(simulator: Simulator) -> None:
    first = bought_shipment(simulator)
    elsewhere = {"street1": "Rua Dois 2", "city": "Santos", "zip": "11000-000", "country": "BR"}
    refused = {
        "goes by another carrier.": bought_shipment(simulator, rate=2),
        "has another origin address.": bought_shipment(simulator, from_address=elsewhere),
        "has no postage.": post(simulator, "/shipments", shipment()).json(),
    }

    for reason, other in refused.items():
        named = {"shipments": [{"id": first["id"]}, {"id": other["id"]}]}
        answer = post(simulator, "/scan_forms", {"scan_form": named})
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].endswith(f"{other['id']} {reason}")
    nothing = post(simulator, "/scan_forms", {"shipments": []})
    assert nothing.json()["error"]["code"] == "PARAMETER.REQUIRED"
