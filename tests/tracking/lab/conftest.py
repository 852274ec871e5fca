"""The deployed webhook with every vendor's door open, and the bench on which vendors are tried."""

import pytest
from flask.testing import FlaskClient

from shared import wiring
from shared.edge.hooks import Hook
from shared.edge.services import Services
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from tests.edge.serving import function
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support.clock import TestClock
from tests.tracking.lab.bench import SECRET, Bench, Log
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES


@pytest.fixture(scope="session")
def client() -> FlaskClient:
    """The deployed function, loaded once: it asks for its parts at every call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "hooks", lambda: _current["hooks"])
        patch.setattr(wiring, "services", lambda: _current["services"])
        return function("tracking_webhook")


_current: dict[str, object] = {}


@pytest.fixture(params=sorted(ALL_VENDORS))
def bench(
    *,
    request: pytest.FixtureRequest,
    client: FlaskClient,
    config: Config,
    database: Database,
    clock: TestClock,
) -> Bench:
    """Each vendor in turn. One without a case has no bench, and fails."""
    topics = RecordingTopics()
    hooks: dict[str, Hook] = {
        name: Hook(vendor, CASES[name].trust(SECRET)) for name, vendor in ALL_VENDORS.items()
    }
    _current["hooks"] = hooks
    _current["services"] = Services(
        database, relay(database, topics, RecordingQueues()), Verifier(config, clock)
    )
    name = request.param
    return Bench(name, ALL_VENDORS[name], CASES[name], client, database, clock, topics, hooks)


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    """What the function wrote to its log."""
    return Log(capsys)
