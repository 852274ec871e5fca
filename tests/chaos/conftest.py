"""One process of stand-ins and one recording endpoint, as in tests/conformance."""

from collections.abc import Iterator

import pytest

from tests.conformance.cloud import Cloud, connect, start, stop
from tests.conformance.conftest import path, recorder

__all__ = ["path", "recorder"]


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    process, addresses = start()
    yield connect(addresses)
    assert stop(process) == 0
