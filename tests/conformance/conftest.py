"""One process of stand-ins and one recording endpoint for the whole session."""

from collections.abc import Iterator
from tempfile import TemporaryFile

import pytest

from tests.conformance.cloud import Cloud, connect, start, stop, unique
from tests.conformance.recorder import Recorder


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    # Goal: an exception in a timer or a task of the event loop reaches no client. It
    # shows only here.
    with TemporaryFile() as errors:
        process, addresses = start(errors=errors)
        yield connect(addresses)
        assert stop(process) == 0
        errors.seek(0)
        assert errors.read().decode() == ""


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def path() -> str:
    """A path of the recorder that no other test uses."""
    return f"/{unique('path')}"
