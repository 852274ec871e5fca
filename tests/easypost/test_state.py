"""What the simulator keeps over a restart: shipments, parcels under way, and letters unsent."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.easypost.simulator import Mailbox, Simulator, mailbox, start, wait_until
from tests.easypost.test_simulator import (
    JOURNEY,
    bought_shipment,
    buy,
    post,
    shipment,
    statuses,
)

CALM = ("--duplicates", "0", "--reorder", "0")


@contextmanager
def _running(state: Path, box: Mailbox, step_s: str) -> Iterator[Simulator]:
    """A simulator that keeps its state; killed without a warning at the end of the block."""
    options = ("--port", "0", "--webhook-url", box.url, "--state-dir", str(state), *CALM)
    with start(*options, "--step-s", step_s) as process:
        assert process.stdout is not None
        try:
            yield Simulator(json.loads(process.stdout.readline())["http"], box)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(60)


def _get(simulator: Simulator, path: str) -> dict[str, Any]:
    answer = requests.get(f"{simulator.api_base}{path}", auth=("EZTK", ""), timeout=5)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_label_that_was_sold_stays_sold(tmp_path: Path) -> None:
    with mailbox() as box:
        with _running(tmp_path, box, "60") as simulator:
            made = post(simulator, "/shipments", shipment(reference="parcel-1")).json()
            rate = {"rate": made["rates"][0]}
            bought = post(simulator, f"/shipments/{made['id']}/buy", rate).json()

        with _running(tmp_path, box, "60") as simulator:
            by_reference = _get(simulator, "/shipments/parcel-1")
            again = post(simulator, f"/shipments/{made['id']}/buy", rate)
            other = buy(simulator)

    assert by_reference["tracking_code"] == bought["tracking_code"]
    assert by_reference["postage_label"] == bought["postage_label"]
    assert again.json()["error"]["code"] == "SHIPMENT.POSTAGE.EXISTS"
    assert other != bought["tracking_code"]


def test_a_scan_form_stays_made(tmp_path: Path) -> None:
    with mailbox() as box:
        with _running(tmp_path, box, "60") as simulator:
            named = {"shipments": [{"id": bought_shipment(simulator)["id"]}]}
            form = post(simulator, "/scan_forms", named).json()

        with _running(tmp_path, box, "60") as simulator:
            found = _get(simulator, f"/scan_forms/{form['id']}")
            again = post(simulator, "/scan_forms", named)

    assert found["tracking_codes"] == form["tracking_codes"]
    assert again.json()["error"]["code"] == "SCAN_FORM.CREATE.FAILURE"


def test_a_parcel_goes_on_where_it_was(tmp_path: Path) -> None:
    with mailbox() as box:
        with _running(tmp_path, box, "60") as simulator:
            code = buy(simulator)
            wait_until(lambda: statuses(simulator, code) == JOURNEY[:1], "the first event")

        with _running(tmp_path, box, "0.05") as simulator:
            wait_until(lambda: JOURNEY[-1] in statuses(simulator, code), "the parcel arrives")
            tracker = box.of(code)[-1]["result"]
            found = _get(simulator, f"/trackers/{tracker['id']}")
            events = list(box.of(code))

    assert found["status"] == JOURNEY[-1]
    assert [entry["status"] for entry in found["tracking_details"]] == JOURNEY
    # The first one may come again: nobody knows whether it was noted that it had arrived.
    assert set(JOURNEY) == {event["result"]["status"] for event in events}


def test_an_event_that_nobody_took_is_sent_after_the_restart(tmp_path: Path) -> None:
    with mailbox() as box:
        box.refuse_next = 1_000
        with _running(tmp_path, box, "60") as simulator:
            code = buy(simulator)
            wait_until(lambda: simulator.stats()["webhooks_refused"] > 0, "a refusal")
        assert box.of(code) == []
        box.refuse_next = 0

        with _running(tmp_path, box, "60") as simulator:
            wait_until(lambda: statuses(simulator, code) == JOURNEY[:1], "the first event")
            wait_until(lambda: simulator.stats()["webhooks_pending"] == 0, "nothing is left")
