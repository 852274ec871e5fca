"""What can never be applied is given up, and kept."""

import shutil
from pathlib import Path

import pytest
import yaml

from emulators.laptop.stack import ROOT, Options
from emulators.line.script import CANCELLED
from tests.journeys.stage import STEP_S, open_directory, shop, staged, wait_until

pytestmark = pytest.mark.slow

ATTEMPTS = 5


def impatient_functions(root: Path) -> Path:
    """The real functions, of which order_intake gives up sooner: twelve attempts take minutes."""
    functions = root / "functions"
    shutil.copytree(ROOT / "functions", functions, ignore=shutil.ignore_patterns("__pycache__"))
    path = functions / "order_intake" / "function.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["trigger"]["retry"] = {
        "min_backoff_s": 0,
        "max_backoff_s": 1,
        "max_attempts": ATTEMPTS,
    }
    path.write_text(yaml.safe_dump(manifest))
    return functions


def test_a_change_to_an_order_that_never_comes_ends_as_a_dead_letter() -> None:
    # Goal: by way of Pub/Sub's own dead-letter topic, under the subscription it came from.
    with open_directory() as directory:
        options = Options(
            functions_root=impatient_functions(directory), durable=False, carrier_step_s=STEP_S
        )
        with staged(options) as stage:
            stage.line.load(shop({"SAO": {"MUG-RED": 5}}))
            body = {"order_id": "dead-never", "reason": "it never came"}

            event_id = stage.publish("orders", CANCELLED, body)
            stage.submit("dead-behind", {"MUG-RED": 1})

            stage.wait_for("dead-behind", "delivered")
            wait_until(lambda: stage.letter(event_id), "the cancellation is parked")
            letter = stage.letter(event_id)
            assert letter is not None
            source, code, reason, original, attempts = letter
            assert (source, code, attempts) == ("order_intake.orders", "undeliverable", ATTEMPTS)
            assert reason == f"given up after {ATTEMPTS} deliveries to order_intake.orders"
            assert b"dead-never" in bytes(original)
            assert stage.failures("order_intake.orders") == ATTEMPTS
            (shown,) = stage.status()["database"]["newest_dead_letters"]
            assert (shown["message_id"], shown["code"]) == (event_id, "undeliverable")
            stage.wait_for_rest()
