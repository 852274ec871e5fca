"""Contracts: what was ever sent can be read for ever, and what cannot be read is Malformed."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import contracts
from shared.contracts.base import Cause, Event, Work, attributes_of, decode
from shared.contracts.orders import OrderAmended, OrderSubmitted
from shared.contracts.stock import StockReceived
from shared.kit.errors import Malformed
from tests.contracts.schemas import all_contracts, bodies

GOLDEN = Path(contracts.__path__[0]) / "golden"
CONTRACTS = all_contracts()
EVENTS = [contract for contract in CONTRACTS if issubclass(contract, Event)]

by_type = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.type)
thorough = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def golden(contract: type[Event | Work]) -> Any:
    return json.loads((GOLDEN / f"{contract.type}.json").read_bytes())


def refusal(contract: type[Event | Work], body: bytes) -> Malformed | None:
    """Why the body is Malformed, or None when it is not; any other exception goes through."""
    try:
        contract.decode(body)
    except Malformed as error:
        return error
    return None


def test_every_contract_has_a_golden_example_and_every_example_a_contract() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {c.type for c in CONTRACTS}


def test_every_type_is_versioned_and_belongs_to_one_contract() -> None:
    types = [contract.type for contract in CONTRACTS]

    assert len(set(types)) == len(types)
    assert all(kind.rpartition(".v")[2].isdecimal() for kind in types)


@pytest.mark.parametrize("contract", EVENTS, ids=lambda contract: contract.type)
def test_the_golden_event_is_read_for_ever(contract: type[Event]) -> None:
    example = golden(contract)

    received = decode(EVENTS, example["attributes"], json.dumps(example["data"]).encode())

    assert type(received.event) is contract
    assert received.event.ordering_key == example["attributes"]["ce-subject"]
    assert received.cause.event_id == example["attributes"]["ce-id"]
    assert received.cause.occurred_at == datetime(2026, 3, 2, 12, 0, 0, 123_456, UTC)


@by_type
def test_every_field_of_the_golden_example_is_understood(contract: type[Event | Work]) -> None:
    # Goal: an example whose field was renamed would parse by its default and prove nothing.
    data = golden(contract)["data"]

    read = json.loads(contract.decode(json.dumps(data).encode()).encode())

    assert read.keys() == data.keys()
    assert contract.model_fields.keys() == data.keys()


@pytest.mark.parametrize("contract", EVENTS, ids=lambda contract: contract.type)
def test_what_we_announce_carries_the_attributes_of_the_golden_example(
    contract: type[Event],
) -> None:
    example = golden(contract)
    event = contract.decode(json.dumps(example["data"]).encode())

    attributes = attributes_of(
        event, Cause("evt_1", "evt_0"), "evt_2", datetime.now(UTC).isoformat()
    )

    assert attributes.keys() == example["attributes"].keys()
    assert attributes["ce-subject"] == example["attributes"]["ce-subject"]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value
    for child in children if isinstance(value, dict | list) else ():
        yield from _objects(child)


@by_type
def test_unknown_fields_are_ignored_at_every_depth(contract: type[Event | Work]) -> None:
    # Goal: a publisher may be newer than we are. Maps of figures are left out: their keys are data.
    data = golden(contract)["data"]
    richer = copy.deepcopy(data)
    for part in list(_objects(richer)):
        if not all(isinstance(value, int) for value in part.values()):
            part["from_the_future"] = {"a": [1]}

    assert contract.decode(json.dumps(richer).encode()) == contract.decode(
        json.dumps(data).encode()
    )


@pytest.mark.slow
@by_type
@thorough
@given(data=st.data())
def test_what_is_encoded_is_decoded_as_it_was(
    contract: type[Event | Work], data: st.DataObject
) -> None:
    document = contract.decode(json.dumps(data.draw(bodies(contract))).encode())

    assert contract.decode(document.encode()) == document


@pytest.mark.slow
@by_type
@thorough
@given(body=st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_read_or_malformed(contract: type[Event | Work], body: bytes) -> None:
    error = refusal(contract, body)

    assert error is None or str(error).startswith(f"{error.field or 'body'}: ")


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from _paths(value[key], (*path, key))
    if isinstance(value, list):
        for position, child in enumerate(value):
            yield (*path, position)
            yield from _paths(child, (*path, position))


@pytest.mark.slow
@by_type
@thorough
@given(data=st.data())
def test_a_wrong_value_anywhere_is_malformed_and_the_field_is_named(
    contract: type[Event | Work], data: st.DataObject
) -> None:
    body = golden(contract)["data"]
    path = data.draw(st.sampled_from(sorted(_paths(body), key=str)))
    part = body
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = data.draw(json_values)

    error = refusal(contract, json.dumps(body).encode())

    assert error is None or error.field.split(".")[0] == str(path[0])


@by_type
def test_a_missing_field_is_named(contract: type[Event | Work]) -> None:
    required = [name for name, field in contract.model_fields.items() if field.is_required()]
    for name in required:
        body = {key: value for key, value in golden(contract)["data"].items() if key != name}
        with pytest.raises(Malformed) as caught:
            contract.decode(json.dumps(body).encode())
        assert caught.value.field == name


@pytest.mark.parametrize(
    ("contract", "change", "field"),
    [
        (OrderSubmitted, {"lines": []}, "lines"),
        (OrderSubmitted, {"currency": "eur"}, "currency"),
        (OrderSubmitted, {"order_id": "ord 1"}, "order_id"),
        (OrderSubmitted, {"order_id": "o" * 65}, "order_id"),
        (OrderSubmitted, {"order_id": "ord_1\n"}, "order_id"),
        (OrderSubmitted, {"service_level": "yesterday"}, "service_level"),
        (OrderSubmitted, {"promised_at": "2026-03-02T12:00:00"}, "promised_at"),
        (OrderSubmitted, {"promised_at": "0001-01-01T00:00:00+14:00"}, "promised_at"),
        (OrderSubmitted, {"promised_at": "9999-12-31T23:59:59-14:00"}, "promised_at"),
        (OrderAmended, {"revision": 1}, "revision"),
        (StockReceived, {"receipt_id": ""}, "receipt_id"),
    ],
)
def test_what_is_out_of_bounds_is_named(
    contract: type[Event], change: dict[str, object], field: str
) -> None:
    body = {**golden(contract)["data"], **change}

    with pytest.raises(Malformed) as caught:
        contract.decode(json.dumps(body).encode())

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 0}, "lines.0.quantity"),
        ({"quantity": -2}, "lines.0.quantity"),
        ({"quantity": 1.5}, "lines.0.quantity"),
        ({"quantity": 10_001}, "lines.0.quantity"),
        ({"unit_price_cents": -1}, "lines.0.unit_price_cents"),
        ({"sku": ""}, "lines.0.sku"),
        ({"line_no": 2}, "lines"),
    ],
)
def test_a_wrong_line_is_named_by_its_position(change: dict[str, object], field: str) -> None:
    body = golden(OrderSubmitted)["data"]
    body["lines"][0].update(change)

    with pytest.raises(Malformed) as caught:
        OrderSubmitted.decode(json.dumps(body).encode())

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([{"line_no": 1}], ["lines.0.sku", "lines.0.quantity", "lines.0.unit_price_cents"]),
        (["MUG", 2], ["lines.0", "lines.1"]),
        ([], ["lines"]),
    ],
)
def test_wrong_lines_are_named_and_not_that_without_them_there_is_none(
    lines: list[object], named: list[str]
) -> None:
    # Goal: whoever repairs what is named is done; "at least 1 item" was true of no line sent.
    body = {**golden(OrderSubmitted)["data"], "lines": lines}

    with pytest.raises(Malformed) as caught:
        OrderSubmitted.decode(json.dumps(body).encode())

    assert [fault.field for fault in caught.value.wrong] == named


def test_the_input_is_not_repeated_in_the_error() -> None:
    # Goal: reasons are logged and parked in the clear; an address is personal.
    body = golden(OrderSubmitted)["data"]
    body["destination"]["postcode"] = "Swordfish Street 13, Portsmouth"

    with pytest.raises(Malformed) as caught:
        OrderSubmitted.decode(json.dumps(body).encode())

    assert "Swordfish" not in str(caught.value)


@pytest.mark.parametrize(
    "ce_time",
    ["", "now", "2026-03-02T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
)
def test_a_time_that_cannot_be_read_is_malformed(ce_time: str) -> None:
    example = golden(OrderAmended)
    attributes = {**example["attributes"], "ce-time": ce_time}

    with pytest.raises(Malformed) as caught:
        decode([OrderAmended], attributes, json.dumps(example["data"]).encode())

    assert caught.value.field == "ce-time"
