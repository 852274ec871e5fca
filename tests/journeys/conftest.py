"""One running stack for all journeys that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.journeys.stage import Stage, shop, staged

PLENTY = 1_000
STOCK = {
    "SAO": {"MUG-RED": PLENTY, "TEAPOT-RED": PLENTY, "CHAIR-RED": 1, "CHAIR-BLUE": 1},
    "RIO": {"PEN-BLUE": PLENTY, "CHAIR-GREEN": 1},
}


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A running stack with a catalogue and the stock above; each test has its own order ids."""
    with staged() as made:
        made.line.load(shop(STOCK))
        yield made
