"""What can never be applied is given up, and kept."""

import shutil
from pathlib import Path

import yaml

from emulators.laptop.stack import ROOT, Options
from shared.kit.clock import utc_now
from tests.flows.updates import body
from tests.journeys.stage import STEP_S, open_directory, shop, staged, wait_until
from tests.journeys.test_doors import knock, signed

ATTEMPTS = 5
SUBSCRIPTION = "order_tracking.carrier-updates"


def impatient_functions(root: Path) -> Path:
    """The real functions, of which order_tracking gives up sooner: twelve attempts take minutes."""
    functions = root / "functions"
    shutil.copytree(ROOT / "functions", functions, ignore=shutil.ignore_patterns("__pycache__"))
    path = functions / "order_tracking" / "function.yaml"
    manifest = yaml.safe_load(path.read_text())
    manifest["trigger"]["retry"] = {
        "min_backoff_s": 0,
        "max_backoff_s": 1,
        "max_attempts": ATTEMPTS,
    }
    path.write_text(yaml.safe_dump(manifest))
    return functions


def test_news_of_a_parcel_that_is_not_ours_ends_as_a_dead_letter() -> None:
    # Goal: by way of Pub/Sub's own dead-letter topic, under the subscription it came from.
    with open_directory() as directory:
        options = Options(
            functions_root=impatient_functions(directory), durable=False, carrier_step_s=STEP_S
        )
        with staged(options) as stage:
            stage.line.load(shop({"SAO": {"MUG-RED": 5}}))
            news = body("NOBODYS", [("in_transit", utc_now())])

            assert knock(stage, news, signed(stage, news)).status_code == 204
            stage.submit("dead-behind", {"MUG-RED": 1})

            stage.wait_for("dead-behind", "delivered")
            letters = "SELECT source, code, attempts, payload FROM dead_letters"
            wait_until(lambda: stage.rows(letters), "the update is parked")
            ((source, code, attempts, original),) = stage.rows(letters)
            assert (source, code, attempts) == (SUBSCRIPTION, "parcel_not_here_yet", ATTEMPTS)
            assert b"NOBODYS" in bytes(original)
            assert stage.failures(SUBSCRIPTION) >= ATTEMPTS
            (shown,) = stage.status()["database"]["newest_dead_letters"]
            assert shown["code"] == "parcel_not_here_yet"
            stage.wait_for_rest()
