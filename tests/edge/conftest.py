"""The parts of a process, wired to the tests' database, recording destinations and real tokens."""

from collections.abc import Iterator

import pytest

from shared import wiring
from shared.edge.services import Services
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from shared.tracking.vendors.table import VENDORS
from tests.edge.serving import Caller
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.platform.issuer import Issuer, serving
from tests.support.clock import TestClock


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as running:
        yield running


@pytest.fixture
def topics() -> RecordingTopics:
    return RecordingTopics()


@pytest.fixture
def queues() -> RecordingQueues:
    return RecordingQueues()


@pytest.fixture
def caller(
    *,
    issuer: Issuer,
    config: Config,
    database: Database,
    clock: TestClock,
    topics: RecordingTopics,
    queues: RecordingQueues,
    monkeypatch: pytest.MonkeyPatch,
) -> Caller:
    """Somebody with a good token, and the services that functions find in the wiring."""
    settings = config.model_copy(update={"oidc_certs_url": issuer.url})
    services = Services(database, relay(database, topics, queues), Verifier(settings, clock))
    monkeypatch.setattr(wiring, "services", lambda: services)
    monkeypatch.setattr(wiring, "pages_url", lambda: None)
    monkeypatch.setattr(wiring, "vendors", lambda: VENDORS)
    return Caller(services, f"Bearer {issuer.token()}")
