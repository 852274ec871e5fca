"""The console as it is served, with two warehouses, an order that is placed, and people."""

import pytest
from flask.testing import FlaskClient

from shared import wiring
from shared.edge.console.desk import Desk, Webhooks
from shared.edge.services import Services
from shared.flows import outcomes
from shared.people.types import Role, User
from shared.placement import placement_policies
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.http import Reach
from tests.console.browser import Browser
from tests.edge.serving import function
from tests.flows.papers import Cabinet
from tests.people import given as people
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.subscribers.given import KEYS
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def cabinet() -> Cabinet:
    """Where documents lie."""
    return Cabinet()


@pytest.fixture
def queues() -> RecordingQueues:
    """What takes the work that is given out."""
    return RecordingQueues()


@pytest.fixture
def desk(config: Config, database: Database, clock: TestClock, queues: RecordingQueues) -> Desk:
    services = Services(
        database,
        relay(database, RecordingTopics(), queues),
        Verifier(config, clock),
    )
    return Desk(services, is_local=True, iap=None, trusted_proxies=1)


@pytest.fixture
def client(desk: Desk, cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The function under the real functions-framework."""
    monkeypatch.setattr(wiring, "desk", lambda: desk)
    monkeypatch.setattr(wiring, "documents", lambda: cabinet)
    monkeypatch.setattr(wiring, "webhooks", lambda: Webhooks(KEYS, Reach.PUBLIC))
    return function("ops")


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """A stranger's."""
    return Browser(client)


@pytest.fixture
def placed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An order that goes from BER in par_1, and could go from LIS, and a policy of its channel."""
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    policy = {"channel": "web", "late_day_cents": 5_000}
    database.run(
        lambda tx: placement_policies.publish(
            tx, policy, channel="web", valid_from=tx.now, by="test", reason="because"
        ),
        given.cause(),
    )
    given.order(database, "ord_1", {"MUG": 2})
    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "new_id", lambda kind: f"{kind}_1")
        given.place(database, "ord_1")
    return database


@pytest.fixture
def ada(database: Database) -> User:
    """An operator of all warehouses."""
    return people.user(database, role=Role.OPERATOR)


@pytest.fixture
def operator(browser: Browser, database: Database, ada: User) -> Browser:
    """The browser of an operator who is signed in."""
    browser.carry(people.session(database, ada))
    return browser
