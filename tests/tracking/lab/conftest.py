"""The deployed webhook with every vendor's door open, and the bench on which vendors are tried."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import wiring
from shared.edge.hooks import Hook
from shared.edge.services import Services
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from shared.tracking.types import TrackingReport
from shared.tracking.vendors.vendor import Vendor
from tests.edge.serving import function
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given
from tests.support.clock import TestClock
from tests.tracking.lab.cases.case import Case, Headers
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES

SECRET = "the secret"


@dataclass(frozen=True, slots=True)
class Bench:
    """One vendor, its case, and its open door."""

    name: str
    vendor: Vendor
    case: Case
    client: FlaskClient
    database: Database
    clock: TestClock
    topics: RecordingTopics
    hooks: dict[str, Hook]

    def trust(self, *secrets: str) -> None:
        """From now on these secrets are valid, and no others."""
        self.hooks[self.name] = Hook(self.vendor, self.case.trust(*secrets))

    def signed(self, body: bytes, secret: str = SECRET) -> Headers:
        """The headers that the vendor sends with this body now."""
        return self.case.sign(body, secret, self.clock.now)

    def send(self, body: bytes, headers: Headers | None = None) -> TestResponse:
        """Post it to the vendor's door; signed as it should be unless headers are given."""
        chosen = self.signed(body) if headers is None else headers
        return self.client.post(f"/{self.name}", data=body, headers=dict(chosen))

    def kept(self) -> int:
        """How many updates of the vendor are kept."""
        ((count,),) = given.rows(self.database, "SELECT count(*) FROM carrier_updates")
        return int(count)

    def read(self, body: bytes) -> TrackingReport:
        """The report in a body."""
        report = self.vendor.read(body)
        assert report is not None
        return report


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
def log(capsys: pytest.CaptureFixture[str]) -> "Log":
    """What the function wrote to its log."""
    return Log(capsys)


class Log:
    """The lines of the log, by what happened."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def reasons(self) -> list[str]:
        """Why requests were refused since the last time that somebody asked."""
        return [line["reason"] for line in self.lines() if line["message"] == "hook.refused"]

    def lines(self) -> list[Mapping[str, str]]:
        """Every line since the last time that somebody asked."""
        return [json.loads(text) for text in self._capsys.readouterr().out.splitlines()]
