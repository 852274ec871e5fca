"""A Postgres for simulations."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from emulators.laptop import postgres
from emulators.laptop.postgres import Server
from emulators.simulation.database import steady
from tests.support import cluster


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """One that does nothing by the machine's clock, so that runs repeat."""
    with TemporaryDirectory(prefix="dispatch-simulation-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        cluster.lay_out(folder)
        with postgres.start(folder / "postgres", durable=False) as found, steady(found.server):
            yield found.server
