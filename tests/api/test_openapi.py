"""The OpenAPI document is true: what it promises is answered, whatever is sent."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import TestResponse

from emulators.published import openapi
from emulators.published.openapi import OPERATIONS
from shared.contracts.http_orders import OrderView
from shared.contracts.orders import OrderSubmitted
from shared.edge.api import Operation
from shared.kit.ids import new_id
from shared.platform.db import Database
from tests.api.machine import Machine, order
from tests.contracts.schemas import bodies
from tests.contracts.test_contracts import json_values
from tests.support import given as start

DOCUMENT = openapi.document()
PROBLEM = jsonschema_rs.validator_for(
    DOCUMENT["components"]["schemas"]["Problem"] | {"components": DOCUMENT["components"]}
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
# Not that everything outside the schema is refused: numbers in quotes are taken, as in events.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
fuzzed = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


def answered_as_promised(shop: Machine, case: Case[Any]) -> int:
    """Send the case with a good token, and check the answer against the document."""
    headers = {"Authorization": f"Bearer {shop.token}"}
    answer = case.call_and_validate(headers=headers, checks=CHECKS, app=shop.client.application)
    return answer.status_code


def test_the_document_is_valid_json_schema_where_it_holds_schemas() -> None:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**schema, **dialect})


def test_every_operation_is_described_with_every_status_that_it_can_refuse_with() -> None:
    described = {
        (path, method.upper()): set(operation["responses"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }

    assert described.keys() == {(operation.path, operation.method) for operation in OPERATIONS}
    for operation in OPERATIONS:
        wanted = {*operation.outcomes, *operation.refusals.values(), 401, 500, 503}
        assert {str(status) for status in wanted} <= described[operation.path, operation.method]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_whatever_is_sent_the_answer_is_one_that_was_promised(
    *,
    shop: Machine,
    stock_shop: Machine,
    database: Database,
    operation: Operation,
    mode: GenerationMode,
) -> None:
    # Goal: no 5xx, no status, type, header or field that the document does not name.
    seen = Counter[int]()
    asked = shop if operation.path.startswith("/orders") else stock_shop

    @fuzzed
    @given(case=SCHEMA[operation.path][operation.method].as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        # A path with a line break is answered by functions-framework before it reaches us.
        assume("%0A" not in case.formatted_path)
        seen[answered_as_promised(asked, case)] += 1

    send()
    assert sum(seen.values()) >= fuzzed.max_examples
    assert start.violations(database) == []


def test_every_order_that_fits_the_contract_is_taken_and_shown(shop: Machine) -> None:
    # Goal: what the document allows is not refused, stored or shown otherwise.
    @fuzzed
    @given(body=bodies(OrderSubmitted))
    def send(body: dict[str, Any]) -> None:
        body["order_id"] = new_id("ord")
        for line in body["lines"]:
            line["sku"] = "MUG"

        taken = promised("/orders", "post", shop.post("/orders", body))
        shown = promised("/orders/{order_id}", "get", shop.get(f"/orders/{body['order_id']}"))

        assert (taken.status_code, shown.status_code) == (201, 200)
        wanted = OrderSubmitted.decode(json.dumps(body).encode())
        found = OrderView.decode(shown.data)
        assert found.destination == wanted.destination
        assert found.ordered_at == wanted.ordered_at
        assert [(n.line_no, n.quantity) for n in found.lines] == sorted(
            (n.line_no, n.quantity) for n in wanted.lines
        )

    send()


def test_a_good_order_with_one_wrong_thing_gets_a_promised_answer(shop: Machine) -> None:
    paths = sorted(paths_in(order()), key=str)

    @fuzzed
    @given(path=st.sampled_from(paths), value=json_values)
    def send(path: tuple[str | int, ...], value: object) -> None:
        body = order(new_id("ord"))
        part: Any = body
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value

        answer = promised("/orders", "post", shop.post("/orders", body))

        assert answer.status_code in {200, 201, 400, 409, 422}
        if answer.status_code == 400:
            assert answer.get_json()["errors"][0]["field"].split(".")[0] == path[0]

    send()


def test_any_bytes_under_any_headers_get_a_problem_document(shop: Machine) -> None:
    text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
    # functions-framework itself turns away a line break, and redirects from doubled slashes.
    paths = st.text(st.characters(exclude_characters="\n/", exclude_categories=["Cs"]), max_size=20)

    @fuzzed
    @given(body=st.binary(max_size=60), kind=text, key=text, path=paths)
    def send(body: bytes, kind: str, key: str, path: str) -> None:
        headers = {"Content-Type": kind, "Idempotency-Key": key}
        answers = [
            shop.post("/orders", body),
            shop.post("/orders/ord_1/cancel", body),
            shop.post("/orders", body, headers=headers),
            shop.post(f"/orders/{quote(path, safe='')}/cancel", body),
            shop.get(f"/orders/{quote(path, safe='')}"),
        ]

        for answer in answers:
            assert answer.status_code in {400, 404, 405, 415}
            assert answer.content_type == "application/problem+json"
            PROBLEM.validate(answer.get_json())

    send()


def promised(path: str, method: str, answer: TestResponse) -> TestResponse:
    """The answer, after a look into the document whether it may be given."""
    found = DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][str(answer.status_code)]
    schema = found["content"][answer.content_type]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(whole, validate_formats=True).validate(answer.get_json())
    return answer


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value inside a JSON value."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield (*path, key)
        if isinstance(value[key], dict | list):
            yield from paths_in(value[key], (*path, key))
