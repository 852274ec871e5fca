"""The deployed APIs under functions-framework, and machines that may use them."""

from collections.abc import Iterator

import pytest

from shared import wiring
from shared.edge.services import Services
from shared.platform.auth import Door, Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from tests.api.machine import AUDIENCE, MACHINES, PAGES_URL, Machine
from tests.edge.serving import function
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.platform.issuer import AUDIENCE as INTERNAL_AUDIENCE
from tests.platform.issuer import CALLER, Issuer, serving
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as running:
        yield running


@pytest.fixture
def topics() -> RecordingTopics:
    return RecordingTopics()


@pytest.fixture
def shop(
    *,
    issuer: Issuer,
    config: Config,
    database: Database,
    clock: TestClock,
    topics: RecordingTopics,
    monkeypatch: pytest.MonkeyPatch,
) -> Machine:
    """The first of two machines that are let in; five mugs are in stock."""
    settings = config.model_copy(update={"oidc_certs_url": issuer.url})
    services = Services(
        database, relay(database, topics, RecordingQueues()), Verifier(settings, clock)
    )
    door = Verifier(settings, clock, Door(AUDIENCE, frozenset(MACHINES)))
    monkeypatch.setattr(wiring, "services", lambda: services)
    monkeypatch.setattr(wiring, "api_verifier", lambda: door)
    monkeypatch.setattr(wiring, "pages_url", lambda: PAGES_URL)
    monkeypatch.setattr(wiring, "hold_ttl_s", lambda: settings.hold_ttl_s)
    given.catalogue(database, {"BER": {"MUG": 5}})
    return Machine(function("order_api"), issuer.token(aud=AUDIENCE, email=MACHINES[0]))


@pytest.fixture
def stock_shop(shop: Machine) -> Machine:
    """The same machine, at stock_api."""
    return Machine(function("stock_api"), shop.token)


@pytest.fixture
def other_shop(shop: Machine, issuer: Issuer) -> Machine:
    return Machine(shop.client, issuer.token(aud=AUDIENCE, email=MACHINES[1]))


@pytest.fixture
def pubsub(shop: Machine, issuer: Issuer) -> Machine:
    """Whoever calls the other functions, with the token that they take."""
    return Machine(shop.client, issuer.token(aud=INTERNAL_AUDIENCE, email=CALLER))
