"""The HTTP APIs as OpenAPI 3.1 documents, from their operations and their contracts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.contracts.base import EVENT_ID
from shared.contracts.http_orders import Problem
from shared.edge.api import KEY_HEADER, REPLAYED_HEADER, Operation
from shared.edge.console.guard import FORM_HEADER
from shared.edge.console.machine import operations as console_operations
from shared.edge.order_operations import operations as order_operations
from shared.edge.stock_operations import operations as stock_operations
from shared.platform.config import Config
from shared.platform.documents import MEDIA_TYPES
from shared.platform.idempotency import KEPT

HOLD_TTL_S: int = Config.model_fields["hold_ttl_s"].default
OPERATIONS = (*order_operations(None), *stock_operations(HOLD_TTL_S))
REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = f"""\
Orders and stock for machines. What begins with `/orders` is answered by the function `order_api`,
the rest by `stock_api`. The token is an OIDC token of a service account that is let in, signed by
Google for the audience of this API.

Whatever changes something needs an `{KEY_HEADER}`, chosen by the caller. The same request with the
same key has its effect once and gets the first answer again, with `{REPLAYED_HEADER}: true`; the
key with another request is a conflict. Keys are kept for {KEPT.days} days.

A hold lasts {HOLD_TTL_S // 60} minutes, unless the shop has set another time.

Every refusal is a problem document (RFC 9457) with a stable `code`; a malformed body names every
wrong field. After 409 with `Retry-After`, 500 or 503 the same request may be sent again."""

PROBLEMS = {
    400: "A field of the body or the query, or the idempotency key, is wrong; every wrong one is "
    "named.",
    401: "There is no token, or it is not one of a caller who is let in.",
    404: "There is no such order or hold.",
    409: "The order, the hold or the key is known with another request, it is too late, there is "
    "not enough stock, or the first request with the key is not answered yet.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "It names something that the catalogue does not have.",
    500: "A mistake of ours.",
    503: "Not now; the same request may be sent again.",
}
CONSOLE_DESCRIPTION = f"""\
The console for machines, answered by the function `ops`: the same documents that its pages show,
and the same acts. A key of the console is the bearer token; it is for certain actions, certain
warehouses and a certain time. A page of the console uses its session instead, and sends the token
of its forms as `{FORM_HEADER}`.

An act needs an `{KEY_HEADER}`, as everywhere. With `If-Match` and the `ETag` of what was looked at
it is done to nothing else: where that has changed since, the answer is 409 and says what changed.

What lies in none of the key's warehouses is not there for it (404)."""
CONSOLE_PROBLEMS = {
    **PROBLEMS,
    401: "Nobody is signed in, and there is no key, or none that is valid.",
    403: "Whoever asks may not do this, or not there.",
    404: "There is no such thing, or none of theirs.",
    409: "It has changed since the caller looked, it is too late, the key is known with another"
    " request, or the first request with the key is not answered yet.",
    422: "It cannot be done; the reason says why.",
    429: "Too many attempts failed for now; the reason says when to go on.",
}
ALWAYS = (401, 500, 503)
WITH_BODY = (400, 409, 413, 415)
_JSON = "application/json"
_PROBLEM_JSON = "application/problem+json"
_MACHINE = {"machine": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_KEY = {"key": {"type": "http", "scheme": "bearer"}}


@dataclass(frozen=True, slots=True)
class Api:
    """What one document describes."""

    title: str
    description: str
    operations: tuple[Operation, ...]
    problems: Mapping[int, str]
    security: Mapping[str, Any]


SHOP = Api("Dispatch: orders and stock", DESCRIPTION, OPERATIONS, PROBLEMS, _MACHINE)


def console() -> Api:
    """What the console offers to machines."""
    return Api(
        "Dispatch: console", CONSOLE_DESCRIPTION, console_operations(), CONSOLE_PROBLEMS, _KEY
    )


def document(api: Api = SHOP) -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": "1", "description": api.description},
        "paths": _paths(api.operations),
        "components": {
            "schemas": _schemas(api.operations),
            "responses": {
                str(status): _problem(status, description)
                for status, description in api.problems.items()
            },
            "securitySchemes": dict(api.security),
        },
        "security": [{name: [] for name in api.security}],
    }


def _paths(operations: Iterable[Operation]) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return paths


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.purpose,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(_JSON, operation.body)}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    identifier = {"type": "string", "minLength": 1, "maxLength": 64}
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**identifier, "pattern": "^[A-Za-z0-9._:/-]+$"},
        }
        for name in names
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        found += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": schema["properties"][name],
            }
            for name in operation.query.model_fields
        ]
    if operation.body is not None:
        found.append(
            {
                "name": KEY_HEADER,
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": f"^{EVENT_ID.pattern}$"},
            }
        )
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[int, Any] = {
        status: {
            "description": description,
            "headers": _headers(operation, status),
            "content": _answered(operation),
        }
        for status, description in operation.outcomes.items()
    }
    refused = {*ALWAYS, *operation.refusals.values(), *(WITH_BODY if operation.body else ())}
    refused |= {400} if operation.query else set()
    found |= {status: {"$ref": f"#/components/responses/{status}"} for status in refused}
    return {str(status): found[status] for status in sorted(found)}


def _headers(operation: Operation, status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if operation.body is not None:
        headers[REPLAYED_HEADER] = {
            "description": "`true` when this is the answer to an earlier request with the key.",
            "schema": {"const": "true"},
        }
    if status == 201:
        headers["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    return headers


def _problem(status: int, description: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": description,
        "content": _content(_PROBLEM_JSON, Problem),
    }
    if status in {409, 503}:
        described["headers"] = {
            "Retry-After": {
                "description": "When the same request may get another answer, in seconds.",
                "schema": {"type": "integer"},
            }
        }
    return described


def _content(kind: str, contract: type[BaseModel]) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": REFERENCE.format(model=contract.__name__)}}}


def _answered(operation: Operation) -> dict[str, Any]:
    if operation.answer is not None:
        return _content(_JSON, operation.answer)
    # What is printed is of whichever kind its vendor has made it.
    return {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    models: set[type[BaseModel]] = {Problem}
    for operation in operations:
        models |= {model for model in (operation.answer, operation.body) if model is not None}
    _, made = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=REFERENCE,
    )
    schemas: dict[str, Any] = made["$defs"]
    return schemas
