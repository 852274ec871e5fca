from collections.abc import Iterator

import pytest

from tests.easypost.simulator import Simulator, running


@pytest.fixture(scope="session")
def _process() -> Iterator[Simulator]:
    with running("--step-s", "0.05", "--duplicates", "0", "--reorder", "0") as simulator:
        yield simulator


@pytest.fixture
def simulator(_process: Simulator) -> Simulator:
    """A simulator without faults; its process serves the whole session."""
    _process.reset()
    return _process
