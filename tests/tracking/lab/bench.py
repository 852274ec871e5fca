"""The bench on which vendors are tried, and the log that tells what was wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.edge.hooks import Hook
from shared.platform.db import Database
from shared.tracking.types import TrackingReport
from shared.tracking.vendors.vendor import Vendor
from tests.platform.doubles import RecordingTopics
from tests.support import given
from tests.support.clock import TestClock
from tests.tracking.lab.cases.case import Case, Headers

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
