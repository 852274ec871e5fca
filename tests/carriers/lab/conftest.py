"""Every vendor's simulator, each started once, and a bench for each test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared.carriers.vendors import VENDORS
from tests.carriers.lab.bench import Bench
from tests.carriers.lab.cases.table import CASES
from tests.support.sellers import Simulator, running


@pytest.fixture(scope="session")
def _simulators() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as open_things:
        yield {
            name: open_things.enter_context(
                running(case.kind, "--step-s", "0.05", "--duplicates", "0", "--reorder", "0")
            )
            for name, case in CASES.items()
        }


@pytest.fixture(params=VENDORS)
def bench(request: pytest.FixtureRequest, _simulators: dict[str, Simulator]) -> Bench:
    """Each vendor in turn. One without a case has no bench, and fails."""
    simulator = _simulators[request.param]
    simulator.reset()
    return Bench(request.param, CASES[request.param], simulator)


@pytest.fixture
def held(bench: Bench) -> Iterator[Bench]:
    """A vendor whose parcels stand still before anybody scans them."""
    bench.simulator.control("hold", at="pre_transit")
    yield bench
    bench.simulator.control("release")
