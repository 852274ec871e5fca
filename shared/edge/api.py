"""A JSON API for machines: a request in, the operation that its path names, an answer out.

| outcome | answer |
|---|---|
| no token, or one of a stranger | 401 |
| nothing at this path; known, but not by this method | 404; 405 with the methods that are |
| not JSON; larger than makes sense | 415; 413 |
| a field is wrong, or the idempotency key is missing | 400 that names every wrong field |
| refused for good | 404, 409 or 422 by its kind |
| the first request with the key still runs | 409 with Retry-After |
| not yet; our fault | 503; 500 |

Whatever changes something needs an `Idempotency-Key`, and has its effect and its answer kept in one
transaction. Who repeats the request gets the first answer again, with `Idempotent-Replayed: true`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_origin

from flask import Request, Response
from pydantic import TypeAdapter, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from shared.contracts.base import EVENT_ID, Cause, Document, Identifier
from shared.edge import http
from shared.edge.http import NothingHere, TooLarge
from shared.edge.services import Services
from shared.kit.errors import DispatchError, Malformed, NotYet, Rejected, WrongField
from shared.kit.ids import new_id
from shared.platform import idempotency, log
from shared.platform.auth import Unauthenticated, Verifier
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer, Key, KeyReused, StillRunning

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_BODY_BYTES = 256_000  # the largest order that fits its contract has some 80 kilobytes

_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)
_STATUS: Mapping[type[DispatchError], int] = {KeyReused: 409, StillRunning: 409, NothingHere: 404}


class WrongMethod(Rejected):
    """There is something at this path, but it does not know this method."""

    code = "method_not_allowed"


class NotJson(Rejected):
    """The body is of another type than application/json."""

    code = "unsupported_media_type"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for.

    `act` takes a transaction, the parts of the path by name, and the body or the query as its
    contract (None without one). `path` names its parts in braces; each is an identifier. An
    operation with a `body` changes something, one with a `query` does not; what the query's
    contract has as a tuple may come several times. `outcomes` says what each status means that it
    answers with by itself, and `refusals` which status a refusal gets.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    purpose: str
    act: Callable[[Transaction, Mapping[str, str], Any], Answer]
    answer: type[Document]
    outcomes: Mapping[int, str]
    body: type[Document] | None = None
    query: type[Document] | None = None
    refusals: Mapping[type[DispatchError], int] = field(default_factory=dict)


def answer(document: Document, status: int = 200, location: str | None = None) -> Answer:
    """An operation's answer; `location` is a path of this API."""
    headers = {"Content-Type": "application/json"}
    if location is not None:
        headers["Location"] = location
    return Answer(status, headers, document.model_dump_json())


def serve(
    request: Request, services: Services, verifier: Verifier, operations: Sequence[Operation]
) -> Response:
    """Answer one request of a machine; who is not let in learns nothing of what there is."""
    try:
        caller = verifier.verify(request.headers.get("Authorization"))
    except Unauthenticated as error:
        log.line("api.refused", "WARNING", code=error.code)
        refused = http.problem(error)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    except Exception as error:
        log.failure("api.failed", error, code=http.code_of(error))
        return http.failed(error)
    at_path = [
        (operation, parts)
        for operation in operations
        if (parts := _parts(operation.path, request.path)) is not None
    ]
    for operation, parts in at_path:
        if operation.method == request.method:
            with log.bound(operation=operation.name):
                return _served(request, services, caller, operation, parts)
    if not at_path:
        return http.problem(NothingHere("nothing here"), status=404)
    refused = http.problem(WrongMethod("this path does not know the method"), status=405)
    refused.headers["Allow"] = ", ".join(sorted({operation.method for operation, _ in at_path}))
    return refused


def _served(
    request: Request,
    services: Services,
    caller: str,
    operation: Operation,
    parts: Mapping[str, str],
) -> Response:
    event_id = new_id("req")
    cause = Cause(event_id, event_id)
    try:
        if operation.body is None:
            asked = _asked(request, operation.query) if operation.query else None
            found = services.run(lambda tx: operation.act(tx, parts, asked), cause)
            return _response(request, found)
        key, body = _read(request, caller, operation.body)
        given, again = services.run(
            lambda tx: idempotency.once(
                tx,
                key,
                lambda: operation.act(tx, parts, body),
                lambda refusal: _kept(_problem(refusal, operation)),
            ),
            cause,
        )
        response = _response(request, given)
        if again:
            response.headers[REPLAYED_HEADER] = "true"
    except RequestEntityTooLarge:
        request.max_content_length = None  # functions-framework reads whatever we left unread
        return http.problem(TooLarge("the body is too large"), status=413)
    except NotJson as error:
        return http.problem(error, status=415)
    except (Rejected, StillRunning) as error:
        log.line("api.rejected", code=error.code)
        return _problem(error, operation)
    except Exception as error:
        if not isinstance(error, NotYet):
            log.failure("api.failed", error, code=http.code_of(error))
        return http.failed(error)
    return response


def _read(request: Request, caller: str, contract: type[Document]) -> tuple[Key, Document]:
    """The key and the body of a request that changes something.

    Raises:
        NotJson, RequestEntityTooLarge: before the body is read.
        Malformed: names what is wrong with the key or with the body.
    """
    if request.mimetype != "application/json":
        raise NotJson("Content-Type: must be application/json", field="Content-Type")
    request.max_content_length = MAX_BODY_BYTES
    sent = request.get_data()
    key = request.headers.get(KEY_HEADER, "")
    if not EVENT_ID.fullmatch(key):
        reason = "must be 1 to 200 printable characters without spaces"
        raise Malformed(
            f"{KEY_HEADER}: {reason}", field=KEY_HEADER, wrong=[WrongField(KEY_HEADER, reason)]
        )
    what = f"{request.method} {request.path}\n".encode() + sent
    return Key(caller, key, hashlib.sha256(what).hexdigest()[:32]), contract.decode(sent)


def _asked(request: Request, contract: type[Document]) -> Document:
    """What stands after the question mark.

    Raises:
        Malformed: names every wrong name.
    """
    fields = contract.model_fields
    several = {name for name in fields if get_origin(fields[name].annotation) is tuple}
    sent = {
        name: values if name in several or len(values) > 1 else values[0]
        for name, values in request.args.lists()
    }
    return contract.decode(json.dumps(sent).encode())


def _parts(template: str, path: str) -> dict[str, str] | None:
    """What stands in the place of the names in `template`, or None where `path` does not fit."""
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>.+)", template)
    found = re.fullmatch(pattern, path)
    if found is None:
        return None
    try:
        return {name: _IDENTIFIER.validate_python(part) for name, part in found.groupdict().items()}
    except ValidationError:
        return None


def _problem(error: Rejected | StillRunning, operation: Operation) -> Response:
    return http.problem(error, status={**_STATUS, **operation.refusals}.get(type(error)))


def _kept(response: Response) -> Answer:
    return Answer(
        response.status_code,
        {"Content-Type": response.content_type or ""},
        response.get_data(as_text=True),
    )


def _response(request: Request, given: Answer) -> Response:
    headers = dict(given.headers)
    if "Location" in headers:  # below wherever this function is reached
        headers["Location"] = request.script_root + headers["Location"]
    return Response(given.body, status=given.status, headers=headers)
