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
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_origin
from urllib.parse import quote

from flask import Request, Response
from pydantic import TypeAdapter, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from shared.contracts.base import EVENT_ID, Cause, Document, Identifier
from shared.edge import http
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.http import NothingHere, TooLarge
from shared.edge.services import Services
from shared.flows.steps import Run
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


class Operation(NamedTuple):
    """One thing that can be asked for.

    `act` takes a transaction, the parts of the path by name, and the body or the query as its
    contract (None without one). `path` names its parts in braces; each is an identifier. An
    operation with a `body` changes something, one with a `query` does not; what the query's
    contract has as a tuple may come several times. `outcomes` says what each status means that it
    answers with by itself, and `refusals` which status a refusal gets. `most_bytes` is how large a
    body may be. `steps` does it instead of `act` where that takes several transactions; it says
    whether its answer was given before. `paper` does it where what is answered is no JSON, but a
    document to be printed; there is no `answer` then.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    purpose: str
    act: Callable[[Transaction, Mapping[str, str], Any], Answer]
    answer: type[Document] | None
    outcomes: Mapping[int, str]
    body: type[Document] | None = None
    query: type[Document] | None = None
    refusals: Mapping[type[DispatchError], int] = MappingProxyType({})
    most_bytes: int = MAX_BODY_BYTES
    steps: Callable[["Called"], tuple[Answer, bool]] | None = None
    paper: Callable[[Run, Mapping[str, str]], Response] | None = None


class Called(NamedTuple):
    """An operation of several transactions is asked for: `run` takes each, `key` is nobody's."""

    run: Run
    parts: Mapping[str, str]
    said: Any
    key: Key


def answer(document: Document) -> Answer:
    """An operation's answer."""
    return Answer(200, {"Content-Type": "application/json"}, document.model_dump_json())


def made(document: Document, folder: str, name: str, *, is_new: bool) -> Answer:
    """The answer to what makes something, and where it is from then on: a path of this API.

    What was known under this name is no mistake, and tells so by its status.
    """
    there = {"Location": f"{folder}/{quote(name, safe='')}"}
    said = answer(document)
    return said._replace(status=201 if is_new else 200, headers={**said.headers, **there})


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
        if (parts := parts_of(operation.path, request.path)) is not None
    ]
    for operation, parts in at_path:
        if operation.method == request.method:
            return answered(request, services, lambda _tx: caller, operation, parts)
    if not at_path:
        return http.problem(NothingHere("nothing here"), status=404)
    refused = http.problem(WrongMethod("this path does not know the method"), status=405)
    refused.headers["Allow"] = ", ".join(sorted({operation.method for operation, _ in at_path}))
    return refused


def answered(
    request: Request,
    services: Services,
    caller: Callable[[Transaction], str],
    operation: Operation,
    parts: Mapping[str, str],
) -> Response:
    """Do what the operation says; `caller` says whose idempotency key it is, or who is refused."""
    event_id = new_id("req")
    cause = Cause(event_id, event_id)
    arrived = Arrival(operation.name, operation.name, "server", from_outside(request), cause)
    with log.bound(operation=operation.name):
        return take(
            request,
            services,
            arrived,
            lambda: _served(request, services, caller, operation, parts=parts, cause=cause),
        )


def _served(
    request: Request,
    services: Services,
    caller: Callable[[Transaction], str],
    operation: Operation,
    *,
    parts: Mapping[str, str],
    cause: Cause,
) -> Response:
    try:
        return _answered(request, services, caller, operation, parts=parts, cause=cause)
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


def _answered(
    request: Request,
    services: Services,
    caller: Callable[[Transaction], str],
    operation: Operation,
    *,
    parts: Mapping[str, str],
    cause: Cause,
) -> Response:
    if operation.paper is not None:
        return operation.paper(services.runner(cause), parts)
    if operation.body is None:
        asked = _asked(request, operation.query) if operation.query else None
        return _response(request, services.run(lambda tx: operation.act(tx, parts, asked), cause))
    key, body = _read(request, operation.body, operation.most_bytes)
    if operation.steps is not None:
        given, again = operation.steps(Called(services.runner(cause), parts, body, key))
    else:
        given, again = services.run(
            lambda tx: idempotency.once(
                tx,
                key._replace(caller=caller(tx)),
                lambda: operation.act(tx, parts, body),
                lambda refusal: _kept(_problem(refusal, operation)),
            ),
            cause,
        )
    response = _response(request, given)
    if again:
        response.headers[REPLAYED_HEADER] = "true"
    elif "Location" in given.headers:
        # No event says so again after a restore: then this line does.
        log.line("api.made", location=given.headers["Location"])
    return response


def _read(request: Request, contract: type[Document], most_bytes: int) -> tuple[Key, Document]:
    """The key, which is nobody's yet, and the body of a request that changes something.

    Raises:
        NotJson, RequestEntityTooLarge: before the body is read.
        Malformed: names what is wrong with the key or with the body.
    """
    if request.mimetype != "application/json":
        raise NotJson("Content-Type: must be application/json", field="Content-Type")
    request.max_content_length = most_bytes
    sent = request.get_data()
    key = request.headers.get(KEY_HEADER, "")
    if not EVENT_ID.fullmatch(key):
        reason = "must be 1 to 200 printable characters without spaces"
        raise Malformed.naming([WrongField(KEY_HEADER, reason)])
    what = f"{request.method} {request.path}\n".encode() + sent
    return Key("", key, hashlib.sha256(what).hexdigest()[:32]), contract.decode(sent)


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


def parts_of(template: str, path: str) -> dict[str, str] | None:
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
