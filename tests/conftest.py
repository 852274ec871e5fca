"""One private Postgres and one migrated database a test process, empty tables a test."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from emulators.laptop import postgres
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.pool import Pool, pool_for
from tests.support import cluster, scratch
from tests.support.clock import TestClock
from tests.support.database import empty, settings

HERE = Path(__file__).parent

scratch.keep_in_memory()

# How long an example takes, and how long it takes to think of one, says how busy the machine is.
examples.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("house")


# Where nothing is quick: processes, browsers and doors that are served, whole documents.
SLOW = {
    "browser",
    "chaos",
    "conformance",
    "easypost",
    "functions",
    "infra",
    "journeys",
    "lab",
    "laptop",
    "published",
    "shippo",
    "simulation",
    "stream",
    "test_openapi.py",
}


def _is_slow_as_a_whole(path: Path) -> bool:
    return not SLOW.isdisjoint(path.parts[len(HERE.parts) :])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick part does not even import what is slow."""
    return (
        True if config.option.markexpr == "quick" and _is_slow_as_a_whole(collection_path) else None
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is not slow is quick, so that `-m quick` needs no second list; slow files first.

    Of several test processes none is to be left with a long file when the others are done.
    """
    for item in items:
        if _is_slow_as_a_whole(item.path):
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
            yield settings(server.create_database("dispatch_tests", template="dispatch"))


@pytest.fixture(scope="session")
def _pool(config: Config) -> Iterator[Pool]:
    """Connections for all tests: opening one costs as much as a small test."""
    with closing(pool_for(config)) as pool:
        yield pool


@pytest.fixture
def clock() -> TestClock:
    """A clock that stands still until a test moves it."""
    return TestClock()


@pytest.fixture
def database(_pool: Pool, clock: TestClock) -> Database:
    """The database, with empty tables and a clock that the test sets."""
    found = Database(_pool, clock)
    empty(found)
    return found


os.environ.pop("DATABASE_URL", None)  # tests never touch a database that they did not make
