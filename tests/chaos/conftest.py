"""One process of stand-ins and one recording endpoint, as in tests/conformance."""

from collections.abc import Iterator

import pytest

from tests.conformance.cloud import Cloud, connect, start, stop, unique
from tests.conformance.recorder import Recorder


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    process, addresses = start()
    yield connect(addresses)
    assert stop(process) == 0


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def path() -> str:
    """A path of the recorder that no other test uses."""
    return f"/{unique('path')}"
