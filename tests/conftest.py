"""One private Postgres a run, one migrated database a test process, empty tables a test."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from emulators.laptop import postgres
from shared.platform.config import Config
from shared.platform.db import Database, connect, engine_for
from shared.platform.migrate import migrate
from tests.support.clock import TestClock
from tests.support.database import empty, settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is not slow is quick, so that `-m quick` needs no second list."""
    for item in items:
        if "conformance" in item.path.parts:  # of the stand-ins, which change less than the house
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="session")
def config() -> Iterator[Config]:
    """Settings that point at a migrated database of this process's own."""
    with TemporaryDirectory(prefix="dispatch-tests-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        with postgres.start(folder / "postgres", durable=False) as server:
            url = server.create_database("dispatch_tests")
            found = settings(url)
            engine = engine_for(found)
            migrate(engine)
            engine.dispose()
            yield found


@pytest.fixture
def clock() -> TestClock:
    """A clock that stands still until a test moves it."""
    return TestClock()


@pytest.fixture
def database(config: Config, clock: TestClock) -> Iterator[Database]:
    """The database, with empty tables and a clock that the test sets."""
    found = connect(config, clock)
    empty(found)
    yield found
    found.close()


os.environ.pop("DATABASE_URL", None)  # tests never touch a database that they did not make
