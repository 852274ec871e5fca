"""Events over Pub/Sub: whatever is published is applied, parked with a reason, or asked for again.

Never is it a fault of ours: what one publisher gets wrong must not page us, and not come for ever.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulators.laptop.stack import ROOT
from shared import wiring
from shared.contracts.base import Event
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderSubmitted
from shared.contracts.stock import StockCounted, StockReceived
from shared.kit.errors import Fault
from shared.kit.ids import new_id
from shared.platform.db import Database
from tests.api.machine import Machine
from tests.contracts.schemas import bodies
from tests.contracts.test_contracts import json_values
from tests.edge.serving import Caller, function
from tests.support import given as start

EVENTS: list[tuple[str, type[Event]]] = [
    ("order_intake", OrderSubmitted),
    ("order_intake", OrderAmended),
    ("order_intake", OrderCancelled),
    ("stock_intake", StockReceived),
    ("stock_intake", StockCounted),
]
each_event = pytest.mark.parametrize(
    ("name", "contract"), EVENTS, ids=[contract.type for _, contract in EVENTS]
)
fuzzed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def google(shop: Machine, pubsub: Machine) -> Caller:
    return Caller(wiring.services(), f"Bearer {pubsub.token}")


def kinds_of(error: type[Exception]) -> Iterator[type[Exception]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


FAULTS = {getattr(kind, "code", "") for kind in kinds_of(Fault)}


def push(google: Caller, client: FlaskClient, kind: str, body: bytes, **attributes: str) -> int:
    """One delivery; the answer says whether it is acknowledged."""
    sent = {"ce-type": kind, "ce-id": new_id("evt"), **attributes}
    return google.push(client, body, sent, message_id=new_id("m")).status_code


def assert_no_fault_is_parked(database: Database) -> None:
    codes = {code for (code,) in start.rows(database, "SELECT DISTINCT code FROM dead_letters")}
    assert codes & FAULTS == set()
    assert start.violations(database) == []


@pytest.mark.slow
@each_event
def test_a_good_event_with_one_wrong_thing_is_acknowledged(
    google: Caller, database: Database, name: str, contract: type[Event]
) -> None:
    # Goal: the golden example with any JSON value in any place of it.
    client = function(name)
    golden = json.loads((ROOT / f"shared/contracts/golden/{contract.type}.json").read_text())

    @fuzzed
    @given(data=st.data(), value=json_values | st.just("a\0b"))
    def send(data: st.DataObject, value: object) -> None:
        body: Any = json.loads(json.dumps(golden["data"]))
        part = body
        while isinstance(part, dict | list):
            keys = sorted(part) if isinstance(part, dict) else range(len(part))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(part[key], dict | list) or data.draw(st.booleans()):
                part[key] = value
                break
            part = part[key]

        assert push(google, client, contract.type, json.dumps(body).encode()) == 204

    send()
    assert_no_fault_is_parked(database)


@pytest.mark.slow
@each_event
def test_whatever_fits_the_contract_is_acknowledged(
    google: Caller, database: Database, name: str, contract: type[Event]
) -> None:
    # Goal: nothing that a contract allows breaks a statement; what we cannot use is parked.
    client = function(name)

    @fuzzed
    @given(body=bodies(contract), known=st.booleans())
    def send(body: dict[str, Any], known: bool) -> None:
        for line in body.get("lines", ()) if known else ():
            line["sku"] = "MUG"
        if known and "warehouse" in body:
            body["warehouse"] = "BER"

        assert push(google, client, contract.type, json.dumps(body).encode()) == 204

    send()
    assert_no_fault_is_parked(database)


@pytest.mark.slow
def test_any_bytes_and_attributes_are_acknowledged_and_parked(
    google: Caller, database: Database
) -> None:
    client = function("order_intake")
    types = st.text(max_size=30) | st.sampled_from([contract.type for _, contract in EVENTS])

    @fuzzed
    @given(
        body=st.binary(max_size=60),
        kind=types,
        event_id=st.text(max_size=30),
        moment=st.text(max_size=30),
        trail=st.text(max_size=30),
    )
    def send(body: bytes, kind: str, event_id: str, moment: str, trail: str) -> None:
        attributes = {"ce-id": event_id, "ce-time": moment, "ce-correlationid": trail}

        assert push(google, client, kind, body, **attributes) == 204

    send()
    assert_no_fault_is_parked(database)
