"""One order through a running stack, told from the channel to the door."""

import urllib.request
from typing import Any

import pytest

from emulators.laptop.stack import Options
from tests.journeys.stage import STEP_S, Stage, shop, staged, wait_until
from tests.support.terminal import said

pytestmark = pytest.mark.slow

EXPECTED = {
    "order_intake", "order_placement", "placement_worker", "order_costing", "label_purchase",
    "tracking_webhook", "order_tracking",
}  # fmt: skip


def trace(stage: Stage, order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = said(stage.stack.directory, "trace", order_id)
    return found


def functions_of(found: dict[str, Any]) -> set[str]:
    return {one["facts"].get("function") for one in found["spans"]}


def figures(stage: Stage) -> str:
    url = f"http://{stage.stack.addresses['google']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_an_order_is_told_from_its_channel_to_its_door_with_its_figures() -> None:
    options = Options(durable=False, carrier_step_s=STEP_S, telemetry=True)
    with staged(options) as stage:
        stage.line.load(shop({"SAO": {"MUG-RED": 5}}))
        stage.submit("traced", {"MUG-RED": 2})
        stage.wait_for("traced", "delivered")
        wait_until(lambda: functions_of(trace(stage, "traced")) >= EXPECTED, "every function")
        found = trace(stage, "traced")
        wait_until(lambda: "dispatch_attempts_total" in figures(stage), "figures")
        text = figures(stage)

    steps = [s for s in found["spans"] if s["kind"] in {"server", "consumer"}]
    first = steps[0]
    assert first["name"] == "order_intake channel.order.submitted.v1"
    # What follows hangs below it, but for the carrier's updates, which begin traces of their own.
    begun = {s["trace_id"] for s in steps if s["facts"]["function"] == "tracking_webhook"}
    assert {s["trace_id"] for s in steps} - begun == {first["trace_id"]}
    assert {s["name"] for s in found["spans"]} >= {"transaction", "decide", "carrier buy", "send"}
    assert found["summary"]["steps"] == len(steps)
    assert 'source="order_intake.orders"' in text
    assert 'dispatch_carrier_calls_total{carrier="' in text
