from collections.abc import Iterator

import pytest

from tests.support.sellers import SHIPPO, Simulator, running


@pytest.fixture(scope="session")
def _process() -> Iterator[Simulator]:
    with running(SHIPPO, "--step-s", "0.05", "--duplicates", "0", "--reorder", "0") as simulator:
        yield simulator


@pytest.fixture
def simulator(_process: Simulator) -> Simulator:
    """A simulator without faults; its process serves the whole session."""
    _process.reset()
    return _process
