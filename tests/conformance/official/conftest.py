"""The fixtures of the suite, with Google's emulator in the place of the stand-in."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.conformance.cloud import Cloud
from tests.conformance.official import emulator
from tests.conformance.official.differences import DIFFERENCES
from tests.conformance.patience import limited
from tests.conformance.pubsub_alone import at

HERE = Path(__file__).parent
DIFFERS_WITHIN_S = 0.5  # what this emulator leaves out never comes, however long a test waits


class Official(Cloud):
    """Google's emulator counts nothing for us, so what asks for figures is left out."""

    def stats(self) -> NoReturn:
        pytest.skip("Google's emulator has no statistics")


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    try:
        with emulator.running() as address:
            found = at(address)
            yield Official(
                found.publisher, found.subscriber, found.tasks, found.http, found.addresses
            )
    except emulator.Missing:
        pytest.skip(emulator.MISSING)


@pytest.fixture(autouse=True)
def _patience(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that has to fail here fails soon, and not after all its time-outs."""
    if request.node.get_closest_marker("xfail") is None:
        yield
    else:
        with limited(DIFFERS_WITHIN_S):
            yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is known to differ has to differ."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        reason = DIFFERENCES.get(f"{item.path.name}::{item.name}")
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
