"""One running stack for all journeys that leave it as they found it."""

from collections.abc import Iterator

import pytest

from emulators.laptop.stack import Options
from tests.journeys.stage import STEP_S, Stage, functions_with, open_directory, shop, staged

PLENTY = 1_000
STOCK = {
    "SAO": {"MUG-RED": PLENTY, "TEAPOT-RED": PLENTY, "CHAIR-RED": 1, "CHAIR-BLUE": 1},
    "RIO": {"PEN-BLUE": PLENTY, "CHAIR-GREEN": 1},
}


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A running stack with a catalogue and the stock above; each test has its own order ids.

    A webhook that was refused comes again by the queue's own back-off, after one second, not ten.
    """
    with open_directory() as directory:
        functions = functions_with(
            directory,
            "webhook_delivery",
            lambda manifest: manifest["trigger"]["retry"].update(min_backoff_s=1),
        )
        options = Options(functions_root=functions, durable=False, carrier_step_s=STEP_S)
        with staged(options) as made:
            made.line.load(shop(STOCK))
            yield made
