"""One private Postgres a run, one migrated database a test process, empty tables a test."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine

from emulators.laptop import postgres
from shared.platform.config import Config
from shared.platform.db import Database, engine_for
from shared.platform.migrate import migrate
from tests.support import cluster
from tests.support.clock import TestClock
from tests.support.database import empty, settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is not slow is quick, so that `-m quick` needs no second list; slow files first.

    Of several test processes none is to be left with a long file when the others are done.
    """
    for item in items:
        if "conformance" in item.path.parts:  # of the stand-ins, which change less than the house
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.quick)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _cluster() -> Iterator[None]:
    """The cluster that stacks and tests get copies of, if any did."""
    yield
    cluster.remove()


@pytest.fixture(scope="session")
def config() -> Iterator[Config]:
    """Settings that point at a migrated database of this process's own."""
    with TemporaryDirectory(prefix="dispatch-tests-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        cluster.lay_out(folder)
        with postgres.start(folder / "postgres", durable=False) as server:
            url = server.create_database("dispatch_tests")
            found = settings(url)
            engine = engine_for(found)
            migrate(engine)
            engine.dispose()
            yield found


@pytest.fixture(scope="session")
def _engine(config: Config) -> Iterator[Engine]:
    """Connections for all tests: opening one costs as much as a small test."""
    engine = engine_for(config)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> TestClock:
    """A clock that stands still until a test moves it."""
    return TestClock()


@pytest.fixture
def database(_engine: Engine, clock: TestClock) -> Database:
    """The database, with empty tables and a clock that the test sets."""
    found = Database(_engine, clock)
    empty(found)
    return found


os.environ.pop("DATABASE_URL", None)  # tests never touch a database that they did not make
