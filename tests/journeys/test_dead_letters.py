"""What can never be applied is given up, and kept."""

from emulators.laptop.stack import Options
from emulators.line.shop import JsonObject
from shared.kit.clock import utc_now
from tests.flows.updates import body
from tests.journeys.stage import (
    STEP_S,
    functions_with,
    open_directory,
    shop,
    staged,
    wait_until,
)
from tests.journeys.test_doors import knock, signed

ATTEMPTS = 5
SUBSCRIPTION = "order_tracking.carrier-updates"


def impatient(manifest: JsonObject) -> None:
    """It gives up sooner: twelve attempts take minutes."""
    manifest["trigger"]["retry"] = {
        "min_backoff_s": 0,
        "max_backoff_s": 1,
        "max_attempts": ATTEMPTS,
    }


def test_news_of_a_parcel_that_is_not_ours_ends_as_a_dead_letter() -> None:
    # Goal: by way of Pub/Sub's own dead-letter topic, under the subscription it came from.
    with open_directory() as directory:
        options = Options(
            functions_root=functions_with(directory, "order_tracking", impatient),
            durable=False,
            carrier_step_s=STEP_S,
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
